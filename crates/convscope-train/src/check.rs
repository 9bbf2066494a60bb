//! Whether shipped weights are as good as their card says.

use crate::data::{prepared, raw};
use crate::recipe::find;
use anyhow::{Result, ensure};
use convscope_nn::evaluate;
use convscope_zoo::shipped::{self, Card};
use std::fmt;
use std::path::Path;

/// Another processor rounds differently, which turns a few doubtful images of 10,000.
const TOLERANCE: f64 = 0.002;

/// What the check of one file found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The card.
    pub card: Card,
    /// Accuracy on the test images here.
    pub accuracy: f64,
    /// Whether the images here are those of the card: CIFAR-10 may be original or as JPEG.
    pub same_images: bool,
}

impl Checked {
    /// Whether the accuracy is the card's. Of other images it may differ, but not by more than five
    /// points downwards.
    pub fn holds(&self) -> bool {
        let apart = self.accuracy - self.card.figures.test_accuracy;
        match self.same_images {
            true => apart.abs() <= TOLERANCE,
            false => apart >= -0.05,
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.card.figures.test_accuracy;
        write!(
            f,
            "{}: test accuracy {:.4}, the card says {said:.4}",
            self.card.name, self.accuracy
        )?;
        if !self.same_images {
            f.write_str(" (of the images in another compression)")?;
        }
        f.write_str(match self.holds() {
            true => ": good",
            false => ": NOT as the card says",
        })
    }
}

/// Evaluates the weights of this name in a folder on the test set.
///
/// # Errors
/// When the weights or the images are not there.
pub fn check(folder: &Path, name: &str) -> Result<Checked> {
    let found = shipped::get_from(folder, name)?;
    let (_, test, notice) = raw(find(name)?.set)?;
    ensure!(
        test.classes == found.card.labels,
        "{name}: expected the classes {:?}, got {:?}",
        found.card.labels,
        test.classes
    );
    let test = prepared(&test, &found.card.preprocessing)?;
    Ok(Checked {
        accuracy: evaluate(&found.network, &test)?.accuracy,
        same_images: notice == found.card.data.notice,
        card: found.card,
    })
}
