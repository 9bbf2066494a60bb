//! Classical learners on features whose answer is known.

use convscope_data::Draw;
use convscope_transfer::{
    Classifier, Features, Fitted, KMeans, Learner, Protocol, Scaling, TransferError, compare,
    cross_validate,
};
use ndarray::Array2;

/// Normal clouds around the corners of a cube, `apart` apart along each axis of their class.
fn clouds(n: usize, classes: usize, width: usize, apart: f32, seed: u64) -> Features {
    let mut draw = Draw::new(seed, 7);
    let labels: Vec<usize> = (0..n).map(|i| i % classes).collect();
    let values = Array2::from_shape_fn((n, width), |(i, j)| {
        let mine = j % classes == labels[i];
        10.0 + 3.0 * (draw.normal() + if mine { apart } else { 0.0 })
    });
    let names = (0..classes).map(|c| format!("class {c}")).collect();
    Features::new(format!("clouds {width}"), values, labels, names).unwrap()
}

fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(work)
}

#[test]
fn every_classifier_finds_the_clouds_it_has_not_seen() {
    for classes in [2, 3, 5] {
        let (train, unseen) = (
            clouds(120, classes, 20, 2.0, 1),
            clouds(300, classes, 20, 2.0, 2),
        );
        for classifier in Classifier::all() {
            let fitted = classifier.fit(&train).unwrap();
            let bar = match classifier {
                Classifier::Tree { .. } => 0.6,
                _ => 0.95,
            };
            let accuracy = fitted.accuracy(&unseen).unwrap();
            assert!(accuracy > bar, "{classifier} of {classes}: {accuracy}");
            let found = fitted.predict(&unseen.values).unwrap();
            let confusion = fitted.confusion(&unseen).unwrap();
            assert!((confusion.accuracy() - accuracy).abs() < 1e-12);
            match classifier {
                Classifier::LinearSvm { .. } | Classifier::RbfSvm { .. } => {
                    let error = fitted
                        .probabilities(&unseen.values)
                        .unwrap_err()
                        .to_string();
                    assert!(error.contains("margins and no probabilities"), "{error}");
                }
                _ => {
                    let probabilities = fitted.probabilities(&unseen.values).unwrap();
                    for (row, &found) in probabilities.outer_iter().zip(&found) {
                        assert!((row.sum() - 1.0).abs() < 1e-9);
                        assert!(row.iter().all(|p| *p <= row[found] && *p >= 0.0));
                    }
                }
            }
        }
    }
}

#[test]
fn one_seed_gives_one_result_for_any_number_of_threads() {
    let (train, unseen) = (clouds(90, 3, 12, 0.6, 1), clouds(200, 3, 12, 0.6, 2));
    for classifier in Classifier::all() {
        let answers = |fitted: Fitted| match fitted.probabilities(&unseen.values) {
            Ok(probabilities) => probabilities.into_raw_vec_and_offset().0,
            Err(_) => {
                let found = fitted.predict(&unseen.values).unwrap();
                found.into_iter().map(|k| k as f64).collect()
            }
        };
        let run = || answers(Learner::new(classifier).seed(3).fit(&train).unwrap());
        assert_eq!(run(), alone(run), "{classifier}");
    }
    let forest = |seed| {
        Learner::new(Classifier::forest())
            .seed(seed)
            .fit(&train)
            .unwrap()
    };
    assert_ne!(
        forest(1).probabilities(&unseen.values).unwrap(),
        forest(2).probabilities(&unseen.values).unwrap()
    );
}

#[test]
fn classes_without_an_example_are_never_answered() {
    let mut train = clouds(60, 2, 8, 2.0, 1);
    train.classes = (0..5).map(|c| format!("class {c}")).collect();
    train.labels.iter_mut().for_each(|l| *l = [3, 1][*l]);
    for classifier in Classifier::all() {
        let fitted = classifier.fit(&train).unwrap();
        assert!(fitted.accuracy(&train).unwrap() > 0.9, "{classifier}");
        if let Ok(probabilities) = fitted.probabilities(&train.values) {
            assert_eq!(probabilities.shape(), [60, 5]);
            assert!(
                probabilities
                    .columns()
                    .into_iter()
                    .enumerate()
                    .all(|(c, p)| { [1, 3].contains(&c) || p.iter().all(|p| *p == 0.0) })
            );
        }
    }
}

#[test]
fn what_cannot_be_learned_is_said() {
    let good = clouds(30, 3, 4, 1.0, 1);
    let with = |change: &dyn Fn(&mut Features)| {
        let mut features = good.clone();
        change(&mut features);
        features
    };
    let cases = [
        (with(&|f| f.values.fill(2.0)), "have the same 4 numbers"),
        (
            with(&|f| f.labels.fill(1)),
            "all 30 examples are of class \"class 1\"",
        ),
        (
            good.select(&[0, 1]).unwrap(),
            "there are 2 examples of 3 classes",
        ),
        (
            with(&|f| f.values[[7, 2]] = f32::NAN),
            "row 7 holds NaN in column 2",
        ),
        (
            with(&|f| f.values[[7, 2]] = f32::INFINITY),
            "row 7 holds inf",
        ),
        (good.select(&[]).unwrap(), "got 0 of 4"),
    ];
    for classifier in Classifier::all() {
        for (features, words) in &cases {
            let error = classifier.fit(features).unwrap_err().to_string();
            assert!(error.contains(words), "{classifier}: {error}");
        }
        // A feature that never changes is no reason to give up.
        let fitted = classifier.fit(&with(&|f| f.values.column_mut(1).fill(5.0)));
        assert!(fitted.unwrap().accuracy(&good).unwrap() > 0.3);
        let fitted = classifier.fit(&good).unwrap();
        let error = fitted
            .predict(&Array2::zeros((2, 5)))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("[N, 4]") && error.contains("[2, 5]"),
            "{error}"
        );
        let error = fitted
            .predict(&Array2::from_elem((1, 4), f32::NAN))
            .unwrap_err();
        assert!(error.to_string().contains("row 0 holds NaN"), "{error}");
    }
    let error = Classifier::neighbours(31).fit(&good).unwrap_err();
    assert!(
        matches!(&error, TransferError::Degenerate { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("31 neighbours of 30 examples"),
        "{error}"
    );
    for (classifier, words) in [
        (
            Classifier::LinearSvm { c: 0.0 },
            "c must be positive, got 0",
        ),
        (
            Classifier::RbfSvm {
                c: 1.0,
                gamma: Some(-1.0),
            },
            "gamma must be",
        ),
        (
            Classifier::Logistic {
                alpha: f64::NAN,
                iterations: 10,
            },
            "alpha must be",
        ),
        (
            Classifier::Forest {
                trees: 0,
                depth: None,
                leaf: 1,
            },
            "at least one tree",
        ),
        (
            Classifier::Tree {
                depth: None,
                leaf: 0,
            },
            "at least one example",
        ),
        (Classifier::neighbours(0), "at least one neighbour"),
        (
            Classifier::NaiveBayes { smoothing: 0.0 },
            "smoothing must be",
        ),
    ] {
        let error = classifier.fit(&good).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn logistic_regression_is_at_the_bottom_of_its_loss() {
    // Where the derivative by the intercepts is 0, the probabilities of each class add up to its
    // number of examples.
    for classes in [2, 4] {
        let train = clouds(101, classes, 6, 0.5, 1);
        let fitted = Classifier::logistic().fit(&train).unwrap();
        let sums = fitted
            .probabilities(&train.values)
            .unwrap()
            .sum_axis(ndarray::Axis(0));
        for (sum, count) in sums.iter().zip(train.class_counts()) {
            assert!((sum - count as f64).abs() < 0.02, "{sums} and {count}");
        }
        // A heavy penalty leaves the frequencies alone.
        let heavy = Classifier::Logistic {
            alpha: 1e9,
            iterations: 100,
        }
        .fit(&train)
        .unwrap();
        for row in heavy.probabilities(&train.values).unwrap().outer_iter() {
            for (p, count) in row.iter().zip(train.class_counts()) {
                assert!((p - count as f64 / 101.0).abs() < 0.01, "{row}");
            }
        }
    }
}

#[test]
fn neighbours_are_those_that_are_nearest() {
    let (train, unseen) = (clouds(60, 3, 5, 0.4, 1), clouds(40, 3, 5, 0.4, 2));
    let fitted = Learner::new(Classifier::neighbours(7))
        .scaling(Scaling::None)
        .fit(&train)
        .unwrap();
    let votes = fitted.probabilities(&unseen.values).unwrap();
    for (row, votes) in unseen.values.outer_iter().zip(votes.outer_iter()) {
        let mut near: Vec<(f32, usize)> = train
            .values
            .outer_iter()
            .zip(&train.labels)
            .map(|(t, &label)| ((&t - &row).mapv(|d| d * d).sum(), label))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut expected = [0.0; 3];
        near[..7]
            .iter()
            .for_each(|(_, label)| expected[*label] += 1.0 / 7.0);
        for (a, b) in votes.iter().zip(expected) {
            assert!((a - b).abs() < 1e-7, "{votes} and {expected:?}");
        }
    }
    // One vote each: the nearer wins.
    let values = ndarray::arr2(&[[0.0], [1.0], [10.0]]);
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    let three = Features::new("line", values, vec![2, 1, 0], classes).unwrap();
    let all = Learner::new(Classifier::neighbours(3))
        .scaling(Scaling::None)
        .fit(&three)
        .unwrap();
    assert_eq!(
        all.predict(&ndarray::arr2(&[[0.9], [0.1], [8.0]])).unwrap(),
        [1, 2, 0]
    );
}

#[test]
fn naive_bayes_survives_many_features() {
    let (train, unseen) = (clouds(40, 2, 3000, 0.3, 1), clouds(100, 2, 3000, 0.3, 2));
    let fitted = Classifier::naive_bayes().fit(&train).unwrap();
    let probabilities = fitted.probabilities(&unseen.values).unwrap();
    assert!(probabilities.iter().all(|p| p.is_finite()));
    assert!(fitted.accuracy(&unseen).unwrap() > 0.95);
}

#[test]
fn scaling_and_components_are_learned_from_the_training_rows_alone() {
    let (train, unseen) = (clouds(80, 4, 40, 1.5, 1), clouds(200, 4, 40, 1.5, 2));
    let learner = Learner::new(Classifier::logistic()).components(3);
    let fitted = learner.fit(&train).unwrap();
    assert!(fitted.accuracy(&unseen).unwrap() > 0.9);
    // One row at a time: what stands beside it does not matter.
    let together = fitted.probabilities(&unseen.values).unwrap();
    let one = unseen.select(&[17]).unwrap();
    let single = fitted.probabilities(&one.values).unwrap();
    assert!(
        (&single.row(0) - &together.row(17))
            .iter()
            .all(|d| d.abs() < 1e-12)
    );
    assert!(learner.to_string().contains("3 components"));
    // Units do not matter to standardised features.
    let other = |f: &Features| {
        let mut f = f.clone();
        f.values.column_mut(0).mapv_inplace(|v| 1000.0 * v - 5.0);
        f
    };
    let scaled = Learner::new(Classifier::svm()).fit(&other(&train)).unwrap();
    let plain = Learner::new(Classifier::svm()).fit(&train).unwrap();
    let apart = scaled
        .predict(&other(&unseen).values)
        .unwrap()
        .iter()
        .zip(plain.predict(&unseen.values).unwrap())
        .filter(|(a, b)| **a != *b)
        .count();
    assert!(apart <= 2, "{apart} of 200");
    let (points, d) = (train.points(), train.to_linfa());
    assert_eq!((points.dim(), d.targets().len()), ((80, 40), 80));
    assert_eq!(train.pca(2).unwrap().points.dim(), (80, 2));
}

#[test]
fn cross_validation_estimates_what_unseen_rows_show() {
    let train = clouds(150, 3, 10, 0.7, 1);
    let learner = Learner::new(Classifier::logistic());
    let found = cross_validate(&learner, &train, 5, 1).unwrap();
    assert_eq!(found.accuracies.len(), 5);
    let unseen = learner
        .fit(&train)
        .unwrap()
        .accuracy(&clouds(3000, 3, 10, 0.7, 2))
        .unwrap();
    assert!(
        (found.interval.mean - unseen).abs() < 0.08,
        "{found} and {unseen}"
    );
    assert_eq!(
        found,
        alone(|| cross_validate(&learner, &train, 5, 1).unwrap())
    );
    assert!(found.to_string().contains("over 5 folds"));
    // Labels drawn by lot cannot be foretold, however well they are learned by heart.
    let mut noise = clouds(150, 3, 10, 0.0, 1);
    noise.labels = Draw::new(5, 0)
        .permutation(150)
        .iter()
        .map(|i| i % 3)
        .collect();
    let tree = Learner::new(Classifier::tree());
    assert_eq!(tree.fit(&noise).unwrap().accuracy(&noise).unwrap(), 1.0);
    let chance = cross_validate(&tree, &noise, 5, 1).unwrap().interval.mean;
    assert!((chance - 1.0 / 3.0).abs() < 0.12, "{chance}");
}

#[test]
fn a_comparison_is_a_table_of_means_with_intervals() {
    let (near, far) = (clouds(200, 2, 6, 0.3, 1), clouds(200, 2, 9, 1.5, 1));
    let learners = [Classifier::logistic(), Classifier::neighbours(3)].map(Learner::new);
    let protocol = Protocol {
        train: 40,
        validation: 20,
        test: 100,
        balanced: true,
    };
    let run = || {
        compare(
            &[near.clone(), far.clone()],
            &learners,
            &protocol,
            &[1, 2, 3],
        )
        .unwrap()
    };
    let found = run();
    assert_eq!(found.rows.len(), 4);
    assert_eq!(found.best().unwrap().features, "clouds 9");
    let row = found.row("clouds 6", &learners[0]).unwrap();
    assert_eq!(
        (row.accuracies.len(), row.validation.len(), row.interval.n),
        (3, 3, 3)
    );
    let mean = row.accuracies.iter().sum::<f64>() / 3.0;
    assert!((row.interval.mean - mean).abs() < 1e-12);
    let [train, _, test] = protocol.split(&near, 2).unwrap();
    let fitted = learners[0]
        .seed(2)
        .fit(&near.select(&train).unwrap())
        .unwrap();
    assert_eq!(
        fitted.accuracy(&near.select(&test).unwrap()).unwrap(),
        row.accuracies[1]
    );
    let accuracies = |c: convscope_transfer::Comparison| {
        c.rows.into_iter().map(|r| r.accuracies).collect::<Vec<_>>()
    };
    assert_eq!(accuracies(alone(run)), accuracies(found.clone()));
    let table = found.to_string();
    for words in [
        "clouds 6",
        "clouds 9",
        "logistic regression",
        "(k 3)",
        " ± ",
        "mean over 3 seeds",
    ] {
        assert!(table.contains(words), "{words} in\n{table}");
    }
    assert_eq!(table.lines().count(), 4);
    for (sets, words) in [
        (vec![near.clone(), near.clone()], "two sets"),
        (
            vec![near.clone(), clouds(199, 2, 9, 1.5, 1)],
            "different images",
        ),
        (vec![], "got 0, 2 and 1"),
    ] {
        let error = compare(&sets, &learners, &protocol, &[1])
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn k_means_finds_clouds_without_their_names() {
    let features = clouds(90, 3, 9, 6.0, 1);
    let found = KMeans::new(3).seed(1).fit(&features).unwrap();
    assert_eq!((found.purity, found.centres.dim()), (1.0, (3, 9)));
    for (class, mean) in features.class_means().outer_iter().enumerate() {
        let cluster = found.of_row[class];
        assert!(
            (&found.centres.row(cluster) - &mean)
                .iter()
                .all(|d| d.abs() < 1e-2)
        );
    }
    assert_eq!(
        found,
        alone(|| KMeans::new(3).seed(1).fit(&features).unwrap())
    );
    for (settings, words) in [
        (KMeans::new(0), "at least one cluster"),
        (KMeans::new(91), "cannot fall into 91 clusters"),
    ] {
        let error = settings.fit(&features).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
