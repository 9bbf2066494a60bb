//! What is asked for, and of what.

use crate::error::{ChallengeError, Result};
use convscope_data::{Dataset, Shapes, ShapesConfig};
use convscope_search::Design;
use serde::Serialize;
use std::fmt;

/// What a submission may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Numbers that are learned.
    pub parameters: u64,
    /// Multiply-adds for one image: the time that an answer takes, told without a clock.
    pub multiply_adds: u64,
    /// Seconds of training, as the recipe says.
    pub training_seconds: u64,
}

impl Budget {
    /// Whether a design keeps within it; the seconds are the recipe's to say.
    ///
    /// # Errors
    /// When it is no network, or names what there is too much of.
    pub fn check(&self, design: &Design) -> Result<()> {
        let cost = design.cost()?;
        for (what, most, got) in [
            ("parameters", self.parameters, cost.parameters),
            (
                "multiply-adds an image",
                self.multiply_adds,
                cost.multiply_adds,
            ),
        ] {
            if got > most {
                return Err(ChallengeError::Budget { what, most, got });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} parameters, {} million multiply-adds an image, {} seconds of training",
            self.parameters,
            self.multiply_adds as f64 / 1e6,
            self.training_seconds
        )
    }
}

/// Eight classes of objects on textured grounds, 32x32 pixels in colour ([`Shapes`]), drawn by the
/// project's own generator: everyone has the public images, and nobody the hidden ones, which are
/// drawn from a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Public images to train on.
    pub train: usize,
    /// Public images to choose by.
    pub valid: usize,
    /// Images that a submission is scored on.
    pub hidden: usize,
    /// What it may cost.
    pub budget: Budget,
}

/// The seed of the public images.
const PUBLIC: u64 = 2026;

impl Default for Task {
    /// 4000 and 1000 public images, 2000 hidden ones, and a budget of 100,000 parameters, 10 million
    /// multiply-adds and ten minutes.
    fn default() -> Task {
        Task {
            train: 4000,
            valid: 1000,
            hidden: 2000,
            budget: Budget {
                parameters: 100_000,
                multiply_adds: 10_000_000,
                training_seconds: 600,
            },
        }
    }
}

impl Task {
    /// The public images: to train on, and to choose by. Pixels lie between 0 and 1.
    ///
    /// # Errors
    /// Never for the default task; when there are more images than memory holds.
    pub fn public(&self) -> Result<(Dataset, Dataset)> {
        Ok(drawn(self.train + self.valid, PUBLIC)?.split(self.train)?)
    }

    /// The images of a secret.
    pub(crate) fn hidden(&self, seed: u64) -> Result<Dataset> {
        // Another stream of seeds than the public one's, whatever the secret.
        let seed = if seed == PUBLIC { seed + 1 } else { seed };
        drawn(self.hidden, seed)
    }

    /// The shape of an image, `[channels, height, width]`.
    pub fn input(&self) -> [usize; 3] {
        let side = ShapesConfig::default().size;
        [3, side, side]
    }

    /// The names of the classes.
    pub fn classes(&self) -> [&'static str; 8] {
        Shapes::CLASSES
    }
}

/// So many images of a seed, in the units that recipes count on. (Shapes come as bytes.)
fn drawn(n: usize, seed: u64) -> Result<Dataset> {
    let mut set = Shapes::generate(n, &ShapesConfig::default(), seed)?.dataset;
    set.images.mapv_inplace(|v| v / 255.0);
    Ok(set)
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [c, h, w] = self.input();
        writeln!(
            f,
            "Tell {} classes apart ({}) on images of {c}x{h}x{w}.",
            self.classes().len(),
            self.classes().join(", ")
        )?;
        writeln!(
            f,
            "Public: {} images to train on, {} to choose by. Scored on {} images never seen.",
            self.train, self.valid, self.hidden
        )?;
        write!(f, "Budget: {}.", self.budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_lie_between_0_and_1_in_public_and_in_secret() {
        let task = Task {
            train: 20,
            valid: 5,
            hidden: 15,
            ..Task::default()
        };
        let (train, valid) = task.public().unwrap();
        assert_eq!((train.len(), valid.len()), (20, 5));
        for set in [train, valid, task.hidden(7).unwrap()] {
            let [low, high] = [f32::min, f32::max].map(|f| set.images.fold(0.5, |a, &v| f(a, v)));
            assert!((0.0..0.2).contains(&low), "{low}");
            assert!(0.8 < high && high <= 1.0, "{high}");
        }
    }
}
