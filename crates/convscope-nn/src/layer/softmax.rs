//! Scores to probabilities.

use super::*;
use crate::parallel::{dot, fresh, slice, slice_mut, sum};
use rayon::prelude::*;

/// `exp(x_c) / sum over c of exp(x_c)` over the channels, at each position by itself.
///
/// A network for training ends in logits instead, since [`cross_entropy`](crate::cross_entropy)
/// has its own softmax, which does not lose what this one rounds to 0 or 1.
///
/// # Shapes
/// `[N, C]` or `[N, C, ...]`, input and output alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softmax;

impl<F: Real> Layer<F> for Softmax {
    fn kind(&self) -> &'static str {
        "Softmax"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("Softmax", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Softmax]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("Softmax", inputs)?;
        let (image, positions) = sizes(x);
        let mut y = fresh(x.shape());
        slice_mut(&mut y)
            .par_chunks_mut(image)
            .zip(slice(x).par_chunks(image))
            .for_each(|(y, x)| {
                if positions == 1 {
                    return softmax(x, y);
                }
                // The largest score is taken off, so that nothing overflows.
                let mut top = vec![F::neg_infinity(); positions];
                for plane in x.chunks_exact(positions) {
                    for (t, &v) in top.iter_mut().zip(plane) {
                        *t = t.max(v);
                    }
                }
                let mut sum = vec![F::zero(); positions];
                for (y, x) in y.chunks_exact_mut(positions).zip(x.chunks_exact(positions)) {
                    for (((y, &x), &top), sum) in y.iter_mut().zip(x).zip(&top).zip(&mut sum) {
                        *y = (x - top).exponential();
                        *sum += *y;
                    }
                }
                for y in y.chunks_exact_mut(positions) {
                    for (y, &sum) in y.iter_mut().zip(&sum) {
                        *y /= sum;
                    }
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        self.backward_into(seen, gradient.clone(), want)
    }

    /// `dx_c = y_c (dy_c - sum over k of dy_k y_k)`.
    fn backward_into(
        &self,
        seen: &Seen<'_, F>,
        mut gradient: Tensor<F>,
        _want: Want,
    ) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        let (image, positions) = sizes(y);
        slice_mut(&mut gradient)
            .par_chunks_mut(image)
            .zip(slice(y).par_chunks(image))
            .for_each(|(g, y)| {
                if positions == 1 {
                    let all = dot(g, y);
                    g.iter_mut().zip(y).for_each(|(g, &y)| *g = y * (*g - all));
                    return;
                }
                let mut sum = vec![F::zero(); positions];
                for (g, y) in g.chunks_exact(positions).zip(y.chunks_exact(positions)) {
                    for ((sum, &g), &y) in sum.iter_mut().zip(g).zip(y) {
                        *sum += g * y;
                    }
                }
                for (g, y) in g.chunks_exact_mut(positions).zip(y.chunks_exact(positions)) {
                    for ((g, &y), &sum) in g.iter_mut().zip(y).zip(&sum) {
                        *g = y * (*g - sum);
                    }
                }
            });
        Gradients::input(gradient)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

/// Of one vector of scores.
fn softmax<F: Real>(x: &[F], y: &mut [F]) {
    let top = x.iter().copied().fold(F::neg_infinity(), F::max);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - top).exponential();
    }
    let all = sum(y);
    y.iter_mut().for_each(|y| *y /= all);
}

/// Numbers in an image, and positions in one of its channels.
fn sizes<F: Real>(x: &Tensor<F>) -> (usize, usize) {
    let image = x.shape()[1..].iter().product();
    (image, x.shape()[2..].iter().product())
}
