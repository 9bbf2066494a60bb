//! How far, and which way, an image moves along its gradient.

use super::range::{rows, rows_mut};
use convscope_nn::Tensor;
use serde::Serialize;

/// What a gradient is divided by, one number for each image. Gradients of one network differ by
/// orders of magnitude from layer to layer; a normalised one moves the image alike everywhere. A
/// gradient of zero stays one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// By nothing.
    No,
    /// The root of the mean square, plus 1e-5 (Keras' filters).
    #[default]
    RootMeanSquare,
    /// The mean of the absolute values, at least 1e-6 (deep dreams).
    MeanAbsolute,
    /// The largest absolute value: no pixel moves further than the rate.
    Largest,
    /// The Euclidean norm (CS231n).
    Norm,
}

/// A rule for steps uphill. Rates are in the units of what is optimised
/// ([`Parametrisation`](crate::Parametrisation)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The gradient times the rate.
    Ascent {
        /// The rate.
        rate: f64,
        /// What the gradient is divided by.
        normalise: Normalise,
        /// The share of the last step that is taken again, from 0 to 1.
        momentum: f64,
        /// The rate at the end as a share of that at the beginning; it falls evenly, by the same
        /// factor at every step.
        cool: f64,
    },
    /// As far as raises the objective by `gain` if it were linear, but with no rate above `most`
    /// (Yosinski's toolbox, "progress").
    Progress {
        /// The gain hoped for.
        gain: f64,
        /// The largest rate.
        most: f64,
    },
    /// Adam (Kingma and Ba 2015) with .9, .999 and 1e-8.
    Adam {
        /// The rate.
        rate: f64,
    },
}

impl Step {
    /// The gradient, normalised, times the rate.
    pub fn ascent(rate: f64, normalise: Normalise) -> Step {
        Step::Ascent {
            rate,
            normalise,
            momentum: 0.0,
            cool: 1.0,
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        match *self {
            Step::Ascent {
                rate,
                momentum,
                cool,
                ..
            } => positive(rate) && (0.0..1.0).contains(&momentum) && positive(cool),
            Step::Progress { gain, most } => positive(gain) && positive(most),
            Step::Adam { rate } => positive(rate),
        }
    }
}

/// A rule on its way.
#[derive(Clone, Debug)]
pub(crate) struct Stepper {
    rule: Step,
    steps: usize,
    taken: usize,
    first: Tensor,
    second: Tensor,
}

impl Stepper {
    pub(crate) fn new(rule: Step, steps: usize, like: &Tensor) -> Stepper {
        let needs = |needed: bool| match needed {
            true => Tensor::zeros(like.raw_dim()),
            false => Tensor::zeros(vec![0]),
        };
        let adam = matches!(rule, Step::Adam { .. });
        let momentum = matches!(rule, Step::Ascent { momentum, .. } if momentum > 0.0);
        Stepper {
            rule,
            steps,
            taken: 0,
            first: needs(adam || momentum),
            second: needs(adam),
        }
    }

    /// Turns gradients into steps.
    pub(crate) fn step(&mut self, gradient: &mut Tensor) {
        match self.rule {
            Step::Ascent {
                rate,
                normalise,
                momentum,
                cool,
            } => {
                let done = self.taken as f64 / (self.steps.max(2) - 1) as f64;
                let rate = rate * cool.powf(done);
                for row in rows_mut(gradient) {
                    let by = (rate * normalise.factor(row)) as f32;
                    row.iter_mut().for_each(|g| *g *= by);
                }
                if momentum > 0.0 {
                    self.first *= momentum as f32;
                    self.first += &*gradient;
                    gradient.assign(&self.first);
                }
            }
            Step::Progress { gain, most } => {
                for row in rows_mut(gradient) {
                    let squares = squares(row);
                    let rate = if squares > 0.0 { gain / squares } else { 0.0 };
                    let by = rate.min(most) as f32;
                    row.iter_mut().for_each(|g| *g *= by);
                }
            }
            Step::Adam { rate } => self.adam(rate, gradient),
        }
        self.taken += 1;
    }

    fn adam(&mut self, rate: f64, gradient: &mut Tensor) {
        let t = self.taken as i32 + 1;
        let (one, two) = (1.0 - 0.9_f64.powi(t), 1.0 - 0.999_f64.powi(t));
        let (by, root) = ((rate / one) as f32, (1.0 / two.sqrt()) as f32);
        ndarray::Zip::from(gradient)
            .and(&mut self.first)
            .and(&mut self.second)
            .for_each(|g, m, v| {
                *m = 0.9 * *m + 0.1 * *g;
                *v = 0.999 * *v + 0.001 * *g * *g;
                *g = by * *m / (v.sqrt() * root + 1e-8);
            });
    }
}

fn squares(row: &[f32]) -> f64 {
    row.iter().map(|&g| f64::from(g) * f64::from(g)).sum()
}

impl Normalise {
    fn factor(self, row: &[f32]) -> f64 {
        let n = row.len().max(1) as f64;
        let over = |v: f64| if v > 0.0 { 1.0 / v } else { 0.0 };
        match self {
            Normalise::No => 1.0,
            Normalise::RootMeanSquare => 1.0 / ((squares(row) / n).sqrt() + 1e-5),
            Normalise::MeanAbsolute => {
                let sum: f64 = row.iter().map(|g| f64::from(g.abs())).sum();
                1.0 / (sum / n).max(1e-6)
            }
            Normalise::Largest => over(row.iter().fold(0.0, |m: f64, g| m.max(g.abs().into()))),
            Normalise::Norm => over(squares(row).sqrt()),
        }
    }
}

/// Whether each image's numbers are all finite.
pub(crate) fn finite(images: &Tensor) -> Vec<bool> {
    // Times zero everything finite is zero.
    let sums = rows(images).map(|row| row.iter().fold(0.0, |sum, v| sum + v * 0.0));
    sums.map(|sum: f32| sum == 0.0).collect()
}
