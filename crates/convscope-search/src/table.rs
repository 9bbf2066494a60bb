//! A whole space, trained once.

use crate::design::Design;
use crate::error::{Result, SearchError};
use crate::log::{SearchLog, Trial};
use crate::method::Method;
use crate::search::{Score, Search, training_score};
use crate::space::Space;
use convscope_data::Dataset;
use convscope_progress::{ProgressBar, stop_requested};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// More networks than this are not trained one by one.
const MOST: usize = 20_000;

/// Every network of a small space, trained once, so that a search can look up what a design is worth
/// in place of training it: then hundreds of searches cost no more than a moment, and all of them
/// meet the same accuracies. NAS-Bench-101 (Ying et al. 2019) is such a table of 423,624 networks.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where its designs come from.
    pub space: Space,
    /// Each network of the space, with the mean of its runs' accuracies and the seconds of all runs.
    /// Genes that stand for one network are here once, by the first of them.
    pub trials: Vec<Trial>,
    /// The accuracies of each network's runs.
    pub runs: Vec<Vec<f64>>,
    places: HashMap<String, usize>,
}

impl Table {
    /// Trains every network of the space as [`training_score`] does, from so many seeds each, one
    /// network a processor.
    ///
    /// # Errors
    /// When the space has no or too many designs, a design does not fit the images, training fails,
    /// or somebody asks for an end before all are trained.
    pub fn train(
        space: &Space,
        train: &Dataset,
        valid: &Dataset,
        epochs: usize,
        runs: usize,
    ) -> Result<Table> {
        space.check()?;
        if space.size() > MOST as f64 {
            return Err(SearchError::Invalid(format!(
                "a table of at most {MOST} designs can be trained, the space has {:.0}",
                space.size()
            )));
        }
        if runs == 0 {
            return Err(SearchError::Invalid(
                "a table needs at least one run a design, got 0".to_owned(),
            ));
        }
        let mut places = HashMap::new();
        let mut designs = Vec::new();
        for genes in space.all() {
            let design = space.design(&genes)?;
            if let Entry::Vacant(free) = places.entry(design.to_string()) {
                free.insert(designs.len());
                designs.push((genes, design));
            }
        }
        let results = train_all(&designs, train, valid, epochs, runs)?;
        let mut trials = Vec::new();
        let mut accuracies = Vec::new();
        for (i, ((genes, design), (scores, seconds))) in
            designs.into_iter().zip(results).enumerate()
        {
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            trials.push(Trial {
                number: i + 1,
                genes,
                cost: design.cost()?,
                design,
                accuracy: mean,
                seconds,
                reward: mean,
            });
            accuracies.push(scores);
        }
        Ok(Table {
            space: space.clone(),
            trials,
            runs: accuracies,
            places,
        })
    }

    /// What training gave for this design: the mean over its runs.
    ///
    /// # Errors
    /// When the design is none of the table's.
    pub fn score(&self, design: &Design) -> Result<Score> {
        match self.places.get(&design.to_string()) {
            Some(&place) => Ok(Score {
                accuracy: self.trials[place].accuracy,
            }),
            None => Err(SearchError::Invalid(format!(
                "the table holds the designs of its space alone, and not {design}"
            ))),
        }
    }

    /// A search through the table's space, which looks accuracies up.
    ///
    /// # Errors
    /// When the method's settings make no sense.
    pub fn search(&self, method: Method, trials: usize, seed: u64) -> Result<SearchLog> {
        Search::new(self.space.clone(), method)
            .trials(trials)
            .seed(seed)
            .quiet()
            .run(|design, _| self.score(design))
    }

    /// The network with the highest mean accuracy, the first of equals.
    pub fn best(&self) -> Option<&Trial> {
        self.trials
            .iter()
            .reduce(|best, t| match t.accuracy > best.accuracy {
                true => t,
                false => best,
            })
    }

    /// How many networks have a higher accuracy than this one: 0 for the best.
    pub fn better_than(&self, accuracy: f64) -> usize {
        self.trials.iter().filter(|t| t.accuracy > accuracy).count()
    }
}

/// Accuracies by seed, and seconds, of every design. Each processor trains one design at a time by
/// itself: small layers split over several would mostly wait for each other.
fn train_all(
    designs: &[(Vec<usize>, Design)],
    train: &Dataset,
    valid: &Dataset,
    epochs: usize,
    runs: usize,
) -> Result<Vec<(Vec<f64>, f64)>> {
    let bar = ProgressBar::new("training the whole space", designs.len() as u64).unit("designs");
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let one = |place: usize| -> Result<(Vec<f64>, f64)> {
        let begun = Instant::now();
        let mut scores = Vec::new();
        for run in 1..=runs {
            let score = training_score(&designs[place].1, train, valid, epochs, run as u64)?;
            if score.accuracy.is_nan() {
                return Err(SearchError::Invalid(format!(
                    "{} came to NaN in training",
                    designs[place].1
                )));
            }
            scores.push(score.accuracy);
        }
        Ok((scores, begun.elapsed().as_secs_f64()))
    };
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= designs.len() || stop_requested() {
                break;
            }
            let result = one(place);
            let failed = result.is_err();
            let mut done = done.lock().unwrap_or_else(|e| e.into_inner());
            done.push((place, result));
            bar.step(1);
            if failed {
                next.store(designs.len(), Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(
                || match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
                    Ok(pool) => pool.install(work),
                    Err(_) => work(),
                },
            );
        }
    });
    bar.finish();
    let mut results = done.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(place, _)| *place);
    let mut all = Vec::new();
    for (_, result) in results {
        all.push(result?);
    }
    if stop_requested() || all.len() < designs.len() {
        return Err(SearchError::Invalid(format!(
            "stopped after {} of {} designs",
            all.len(),
            designs.len()
        )));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Kind;
    use convscope_data::InkDigits;

    fn tiny() -> Space {
        Space {
            stages: 1,
            kinds: vec![Kind::Conv, Kind::Fire],
            depths: vec![1],
            filters: vec![8],
            kernels: vec![1, 3],
            max_pooling: vec![true],
            units: vec![0],
            dropout: vec![0.0],
            ..Space::small([1, 28, 28], 10)
        }
    }

    #[test]
    fn a_table_holds_each_network_once_and_what_training_it_gives() {
        let digits = InkDigits::generate(80, 1);
        let (train, valid) = digits.split(60).unwrap();
        let table = Table::train(&tiny(), &train, &valid, 1, 2).unwrap();
        // A kernel means nothing to a fire module.
        assert_eq!(table.trials.len(), 3);
        for (trial, runs) in table.trials.iter().zip(&table.runs) {
            let alone: Vec<f64> = [1, 2]
                .map(|seed| training_score(&trial.design, &train, &valid, 1, seed).unwrap())
                .map(|score| score.accuracy)
                .to_vec();
            assert_eq!(&alone, runs);
            assert_eq!(trial.accuracy, (alone[0] + alone[1]) / 2.0);
            assert_eq!(table.score(&trial.design).unwrap().accuracy, trial.accuracy);
        }
        let fire = table.space.design(&[1, 0, 0, 1, 0, 0, 0]).unwrap();
        assert!(table.score(&fire).is_ok());
        let log = table.search(Method::evolution(), 20, 3).unwrap();
        let best = table.best().unwrap();
        assert_eq!(log.best().unwrap().accuracy, best.accuracy);
        assert_eq!(table.better_than(best.accuracy), 0);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let digits = InkDigits::generate(20, 1);
        let large = Space::small([1, 28, 28], 10);
        let error = Table::train(&large, &digits, &digits, 1, 1).unwrap_err();
        assert!(error.to_string().contains("at most 20000"), "{error}");
        let error = Table::train(&tiny(), &digits, &digits, 1, 0).unwrap_err();
        assert!(error.to_string().contains("at least one run"), "{error}");
        let colour = Space {
            input: [3, 28, 28],
            ..tiny()
        };
        assert!(Table::train(&colour, &digits, &digits, 1, 1).is_err());
        let table = Table::train(&tiny(), &digits, &digits, 1, 1).unwrap();
        let error = table.score(&Design::new([1, 28, 28], 10)).unwrap_err();
        assert!(error.to_string().contains("its space alone"), "{error}");
    }
}
