//! What chance alone does to scores.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Scores of networks that are all equally good: each names an image rightly with probability
/// `truth`, every image apart from the others. One row a round, one number a try, each the share of
/// `images` named rightly. What differs in it is luck.
pub fn chance_scores(
    truth: f64,
    images: usize,
    rounds: usize,
    tries: usize,
    seed: u64,
) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut score = || {
        let right = (0..images).filter(|_| rng.random::<f64>() < truth).count();
        right as f64 / images.max(1) as f64
    };
    let mut round = || (0..tries).map(|_| score()).collect();
    (0..rounds).map(|_| round()).collect()
}

/// Accuracies one below the other, each with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) rungs: Vec<Rung>,
}

/// What was tried, its accuracy, and the ends of its interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rung {
    pub(crate) name: String,
    pub(crate) accuracy: f64,
    pub(crate) interval: [f64; 2],
}

/// What was tried, from the first to the last: a name, and how many of `shown` images were right.
/// `interval` says where the accuracy may lie.
pub fn ladder(
    title: &str,
    steps: &[(String, usize)],
    shown: usize,
    interval: impl Fn(usize, usize) -> [f64; 2],
) -> Ladder {
    let rung = |(name, right): &(String, usize)| Rung {
        name: name.clone(),
        accuracy: *right as f64 / shown.max(1) as f64,
        interval: interval(*right, shown),
    };
    Ladder {
        title: title.to_owned(),
        caption: String::new(),
        rungs: steps.iter().map(rung).collect(),
    }
}

impl Ladder {
    /// With a sentence below it.
    pub fn caption(mut self, caption: &str) -> Ladder {
        self.caption = caption.to_owned();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_lie_around_the_truth_as_far_as_the_standard_error_says() {
        let rounds = chance_scores(0.8, 400, 200, 5, 1);
        assert!(rounds.len() == 200 && rounds.iter().all(|r| r.len() == 5));
        let all = rounds.concat();
        let mean = all.iter().sum::<f64>() / 1000.0;
        let spread = all.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 1000.0;
        // The standard error is .02, and that of the mean of a thousand .0006.
        assert!((mean - 0.8).abs() < 0.003, "{mean}");
        assert!((spread.sqrt() - 0.02).abs() < 0.002, "{spread}");
        assert_eq!(rounds, chance_scores(0.8, 400, 200, 5, 1));
        assert_ne!(rounds, chance_scores(0.8, 400, 200, 5, 2));
    }

    #[test]
    fn nothing_to_draw_is_no_panic() {
        assert_eq!(chance_scores(f64::NAN, 3, 1, 1, 1), [[0.0]]);
        assert_eq!(chance_scores(2.0, 3, 1, 2, 1), [[1.0, 1.0]]);
        assert_eq!(chance_scores(0.5, 0, 1, 1, 1), [[0.0]]);
        assert!(chance_scores(0.5, 3, 0, 1, 1).is_empty());
    }
}
