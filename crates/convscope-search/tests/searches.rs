//! Searches on a landscape that needs no training, and one that trains.

use convscope_data::InkDigits;
use convscope_search::{
    Design, Method, Piece, Result, Score, Search, SearchLog, Space, front, training_score,
};

fn space() -> Space {
    Space::small([3, 32, 32], 8)
}

/// A landscape with a slope: wide residual stages and 3x3 filters are good, dense ends are not.
fn landscape(design: &Design, _seed: u64) -> Result<Score> {
    let worth = |piece: &Piece| match *piece {
        Piece::Residual { filters, kernel } => filters as f64 / 48.0 + 1.0 / kernel as f64,
        Piece::Conv { filters, .. } => filters as f64 / 96.0,
        Piece::Linear { .. } => -0.5,
        _ => 0.0,
    };
    let sum: f64 = design.pieces.iter().map(worth).sum();
    Ok(Score {
        accuracy: sum / 10.0,
    })
}

fn methods() -> [Method; 3] {
    [Method::Random, Method::evolution(), Method::reinforce()]
}

fn run(method: Method, seed: u64, trials: usize) -> SearchLog {
    Search::new(space(), method)
        .trials(trials)
        .seed(seed)
        .run(landscape)
        .unwrap()
}

#[test]
fn evolution_and_the_controller_beat_random_search_where_there_is_a_slope() {
    let mean_best = |method: Method| {
        let best = (0..10).map(|seed| run(method, seed, 150).best().unwrap().reward);
        best.sum::<f64>() / 10.0
    };
    let [random, evolution, controller] = methods().map(mean_best);
    assert!(evolution > 1.1 * random, "{evolution} against {random}");
    assert!(controller > 1.03 * random, "{controller} against {random}");
}

#[test]
fn equal_seeds_give_equal_searches_and_other_seeds_others() {
    for method in methods() {
        let genes = |seed| -> Vec<Vec<usize>> {
            run(method, seed, 40)
                .trials
                .into_iter()
                .map(|t| t.genes)
                .collect()
        };
        assert_eq!(genes(3), genes(3), "{method}");
        assert_ne!(genes(3), genes(4), "{method}");
    }
}

#[test]
fn a_child_differs_from_a_living_parent_in_one_choice_and_the_oldest_dies() {
    let method = Method::Evolution {
        population: 5,
        sample: 2,
    };
    let trials = run(method, 1, 60).trials;
    for (i, child) in trials.iter().enumerate().skip(5) {
        let differences = |parent: &[usize]| {
            parent
                .iter()
                .zip(&child.genes)
                .filter(|(a, b)| a != b)
                .count()
        };
        let living = &trials[i - 5..i];
        assert!(
            living.iter().any(|p| differences(&p.genes) == 1),
            "trial {}",
            i + 1
        );
    }
}

#[test]
fn a_search_that_was_interrupted_goes_on_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    for (k, method) in methods().into_iter().enumerate() {
        let path = folder.path().join(format!("{k}.json"));
        let search = || Search::new(space(), method).trials(30).seed(2).price(0.02);
        let whole = search().run(landscape).unwrap();
        let mut left = 13;
        let broken = search().log(&path).run(|design, seed| {
            left -= 1;
            match left {
                0 => Err(convscope_search::SearchError::Invalid(
                    "pulled the plug".into(),
                )),
                _ => landscape(design, seed),
            }
        });
        assert!(broken.unwrap_err().to_string().contains("pulled"));
        assert_eq!(SearchLog::read(&path).unwrap().trials.len(), 12);
        let mut tried = 0;
        let resumed = search()
            .log(&path)
            .run(|design, seed| {
                tried += 1;
                landscape(design, seed)
            })
            .unwrap();
        assert_eq!(tried, 18, "nothing is tried twice");
        let plain = |log: &SearchLog| -> Vec<_> {
            log.trials
                .iter()
                .map(|t| (t.genes.clone(), t.reward))
                .collect()
        };
        assert_eq!(plain(&resumed), plain(&whole), "{method}");
        assert_eq!(SearchLog::read(&path).unwrap(), resumed);
        // Another search does not go on from it, and does not harm it.
        let before = std::fs::read(&path).unwrap();
        let error = search()
            .seed(3)
            .log(&path)
            .run(landscape)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("another search") && error.contains("3 and 0.02"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    let path = folder.path().join("broken.json");
    std::fs::write(&path, "{\"method\": ").unwrap();
    let error = Search::new(space(), Method::Random)
        .log(&path)
        .run(landscape);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("no log of a search")
    );
}

#[test]
fn the_front_is_what_no_other_trial_beats() {
    let log = run(Method::Random, 5, 200);
    let kept = front(&log.trials);
    let beats = |a: &convscope_search::Trial, b: &convscope_search::Trial| {
        let (cheap, good) = (a.cost.multiply_adds, a.accuracy);
        cheap <= b.cost.multiply_adds
            && good >= b.accuracy
            && (cheap < b.cost.multiply_adds || good > b.accuracy)
    };
    for trial in &log.trials {
        let beaten = log.trials.iter().any(|other| beats(other, trial));
        let equal = kept.iter().any(|k| {
            k.cost.multiply_adds == trial.cost.multiply_adds && k.accuracy == trial.accuracy
        });
        assert_eq!(equal, !beaten, "trial {}", trial.number);
    }
    assert!(kept.windows(2).all(
        |p| p[0].cost.multiply_adds < p[1].cost.multiply_adds && p[0].accuracy < p[1].accuracy
    ));
    assert!(front(&[]).is_empty());
}

#[test]
fn a_price_on_work_makes_the_best_design_cheaper() {
    let best = |price: f64| {
        let search = Search::new(space(), Method::Random)
            .trials(200)
            .seed(1)
            .price(price);
        search
            .run(landscape)
            .unwrap()
            .best()
            .unwrap()
            .cost
            .multiply_adds
    };
    assert!(best(0.5) < best(0.0) / 2);
}

#[test]
fn a_nan_for_an_accuracy_is_an_error_that_names_the_trial() {
    let search = Search::new(space(), Method::Random).trials(3);
    let error = search
        .run(|_, _| Ok(Score { accuracy: f64::NAN }))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("trial 1") && error.contains("NaN"),
        "{error}"
    );
}

#[test]
fn training_tells_a_network_from_a_guess() {
    let digits = InkDigits::generate(800, 1);
    let (train, valid) = digits.split(600).unwrap();
    let design = Design::new(digits.image_shape(), 10)
        .then(Piece::Conv {
            filters: 8,
            kernel: 3,
            stride: 1,
            batch_norm: true,
        })
        .then(Piece::MaxPool { window: 2 })
        .then(Piece::Conv {
            filters: 16,
            kernel: 3,
            stride: 1,
            batch_norm: true,
        })
        .then(Piece::MaxPool { window: 4 });
    let score = training_score(&design, &train, &valid, 5, 1).unwrap();
    assert!(score.accuracy > 0.6, "{}", score.accuracy);
    let again = training_score(&design, &train, &valid, 5, 1).unwrap();
    assert_eq!(score, again);
}
