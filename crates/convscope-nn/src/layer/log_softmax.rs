//! Scores to logarithms of probabilities.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use rayon::prelude::*;
use std::iter::StepBy;

/// The logarithm of [`Softmax`], `x_c - ln(sum over c of exp(x_c))`: where a network was trained with
/// PyTorch's `NLLLoss`, it ends in this. It keeps what a logarithm of rounded probabilities would
/// lose.
///
/// # Shapes
/// `[N, C]` or `[N, C, ...]`, input and output alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSoftmax;

/// Runs `f(image, first, places)` for every position of every image: of the image's own numbers, of
/// which the first is number `first` of the batch, those at `places` are the position's channels.
fn for_each_position<F: Real>(
    out: &mut Tensor<F>,
    f: impl Fn(&mut [F], usize, StepBy<Range<usize>>) + Sync,
) {
    let positions: usize = out.shape()[2..].iter().product();
    let size = out.shape()[1] * positions;
    slice_mut(out)
        .par_chunks_mut(size)
        .enumerate()
        .for_each(|(n, image)| {
            for at in 0..positions {
                f(image, n * size, (at..size).step_by(positions));
            }
        });
}

impl<F: Real> Layer<F> for LogSoftmax {
    fn kind(&self) -> &'static str {
        "LogSoftmax"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("LogSoftmax", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::LogSoftmax]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("LogSoftmax", inputs)?;
        let mut y = fresh(x.shape());
        let x = slice(x);
        for_each_position(&mut y, |y, first, places| {
            let scores = places.clone().map(|i| x[first + i]);
            // The largest is taken off, so that nothing overflows.
            let top = scores.clone().fold(F::neg_infinity(), F::max);
            let sum: F = scores.map(|x| (x - top).exponential()).sum();
            let whole = top + sum.ln();
            for i in places {
                y[i] = x[first + i] - whole;
            }
        });
        Ok((y, Saved::Nothing))
    }

    /// `dx_c = dy_c - exp(y_c) sum over k of dy_k`.
    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let y = slice(seen.output.expect("needs its output"));
        let dy = slice(gradient);
        let mut dx = fresh(gradient.shape());
        for_each_position(&mut dx, |dx, first, places| {
            let sum: F = places.clone().map(|i| dy[first + i]).sum();
            for i in places {
                dx[i] = dy[first + i] - y[first + i].exponential() * sum;
            }
        });
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
