//! The mean of what a network says about several views, or of what several networks say.

use crate::error::{DataError, Result};
use ndarray::{Array1, ArrayD};

/// A mean of rows of scores that grows as they come, so that none need be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanScores {
    sums: Vec<f64>,
    rows: usize,
}

impl MeanScores {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a batch of scores, `[N, classes]`, or one row, `[classes]`.
    ///
    /// # Errors
    /// If the shape is another one, or there were more or fewer classes before.
    pub fn add(&mut self, scores: &ArrayD<f32>) -> Result<()> {
        let classes = match *scores.shape() {
            [classes] | [_, classes] if classes > 0 => classes,
            _ => 0,
        };
        if classes == 0 || (self.rows > 0 && classes != self.sums.len()) {
            return Err(DataError::Shape {
                what: "scores to average".into(),
                expected: match self.rows {
                    0 => "[N, classes] or [classes]".into(),
                    _ => format!("{} classes, as before", self.sums.len()),
                },
                got: scores.shape().to_vec(),
            });
        }
        self.sums.resize(classes, 0.0);
        for (k, &v) in scores.iter().enumerate() {
            self.sums[k % classes] += f64::from(v);
        }
        self.rows += scores.len() / classes;
        Ok(())
    }

    /// How many rows there were.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean, shape `[classes]`.
    ///
    /// # Errors
    /// If there was no row.
    pub fn mean(&self) -> Result<Array1<f32>> {
        match self.rows {
            0 => Err(DataError::Empty {
                name: "the list of scores".into(),
                what: "a mean",
            }),
            n => Ok(self.sums.iter().map(|s| (s / n as f64) as f32).collect()),
        }
    }
}
