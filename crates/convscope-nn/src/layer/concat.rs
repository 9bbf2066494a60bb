//! Joins that put channels behind each other.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// The channels of two or more inputs one behind the other, as in an inception or a dense block.
///
/// # Shapes
/// `[N, C1, H, W]`, `[N, C2, H, W]`, ... to `[N, C1 + C2 + ..., H, W]`; vectors likewise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concat;

/// [`Concat`] for images of different sizes: the smaller get zeros around them, equally on both
/// sides; of an odd number, the larger half goes to the bottom and right (Torch's `DepthConcat`).
///
/// # Shapes
/// `[N, C1, H1, W1]`, `[N, C2, H2, W2]`, ... to `[N, C1 + C2 + ..., max H, max W]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DepthConcat;

fn at_least_two(kind: &str, inputs: usize) -> Result<()> {
    match inputs >= 2 {
        true => Ok(()),
        false => Err(NnError::Invalid(format!(
            "{kind} joins two or more nodes, got {inputs}"
        ))),
    }
}

/// The shape of a join, with or without a batch axis in front.
fn joined(shapes: &[&[usize]], channels: usize) -> Result<Vec<usize>> {
    at_least_two("Concat", shapes.len())?;
    let first = shapes[0];
    let mut shape = first.to_vec();
    for other in &shapes[1..] {
        let mut fits = first.to_vec();
        if other.len() == first.len() {
            fits[channels] = other[channels];
        }
        if fits != *other {
            let mut expected: Vec<String> = first.iter().map(usize::to_string).collect();
            expected[channels] = "channels".into();
            return Err(NnError::shape(
                "Concat's inputs",
                format!("all like the first, [{}]", expected.join(", ")),
                other,
            ));
        }
        shape[channels] += other[channels];
    }
    Ok(shape)
}

impl<F: Real> Layer<F> for Concat {
    fn kind(&self) -> &'static str {
        "Concat"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        joined(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>(), 0)
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Concat]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let shape = joined(&inputs.iter().map(|x| x.shape()).collect::<Vec<_>>(), 1)?;
        let mut y = fresh(&shape);
        slice_mut(&mut y)
            .par_chunks_mut(shape[1..].iter().product())
            .enumerate()
            .for_each(|(n, y)| {
                let mut rest = y;
                for x in inputs {
                    let one: usize = x.shape()[1..].iter().product();
                    let (part, behind) = rest.split_at_mut(one);
                    part.copy_from_slice(&slice(x)[n * one..][..one]);
                    rest = behind;
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let all: usize = gradient.shape()[1..].iter().product();
        let mut start = 0;
        let mut gradients = Gradients::default();
        for shape in seen.input_shapes {
            let one: usize = shape[1..].iter().product();
            let mut dx = fresh(shape);
            slice_mut(&mut dx)
                .par_chunks_mut(one)
                .zip(slice(gradient).par_chunks(all))
                .for_each(|(dx, dy)| dx.copy_from_slice(&dy[start..][..one]));
            gradients.inputs.push(dx);
            start += one;
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

/// Rows above and columns before the smaller image.
fn margins(small: &[usize], large: &[usize]) -> [usize; 2] {
    [(large[0] - small[0]) / 2, (large[1] - small[1]) / 2]
}

/// `[C, H, W]` of the join of these shapes.
fn enclosing<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> [usize; 3] {
    shapes.fold([0; 3], |[c, h, w], s| [c + s[0], h.max(s[1]), w.max(s[2])])
}

impl<F: Real> Layer<F> for DepthConcat {
    fn kind(&self) -> &'static str {
        "DepthConcat"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        at_least_two("DepthConcat", inputs.len())?;
        for shape in inputs {
            image_shape("DepthConcat", shape)?;
        }
        Ok(enclosing(inputs.iter().map(Vec::as_slice)).to_vec())
    }

    fn sees(
        &self,
        which: usize,
        inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        let large = enclosing(inputs.iter().map(Vec::as_slice));
        let margin = margins(&inputs[which][1..], &large[1..])[axis] as isize;
        output.start - margin..output.end - margin
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::DepthConcat]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        at_least_two("DepthConcat", inputs.len())?;
        let n = inputs[0].shape()[0];
        for x in inputs {
            let [batch, ..] = batch_shape("DepthConcat", x, None)?;
            if batch != n {
                return Err(NnError::shape(
                    "DepthConcat's inputs",
                    format!("batches of {n}, as the first"),
                    x.shape(),
                ));
            }
        }
        let [c, h, w] = enclosing(inputs.iter().map(|x| &x.shape()[1..]));
        let mut y = Tensor::zeros(IxDyn(&[n, c, h, w]));
        slice_mut(&mut y)
            .par_chunks_mut(c * h * w)
            .enumerate()
            .for_each(|(n, y)| {
                let mut planes = y.chunks_mut(h * w);
                for x in inputs {
                    let [xc, xh, xw] = [x.shape()[1], x.shape()[2], x.shape()[3]];
                    let [top, left] = margins(&[xh, xw], &[h, w]);
                    let image = &slice(x)[n * xc * xh * xw..][..xc * xh * xw];
                    for (x, y) in image.chunks(xh * xw).zip(planes.by_ref()) {
                        for (x, y) in x.chunks(xw).zip(y.chunks_mut(w).skip(top)) {
                            y[left..left + xw].copy_from_slice(x);
                        }
                    }
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let [c, h, w] = [1, 2, 3].map(|axis| gradient.shape()[axis]);
        let mut first = 0;
        let mut gradients = Gradients::default();
        for shape in seen.input_shapes {
            let [xc, xh, xw] = [shape[1], shape[2], shape[3]];
            let [top, left] = margins(&[xh, xw], &[h, w]);
            let mut dx = fresh(shape);
            slice_mut(&mut dx)
                .par_chunks_mut(xc * xh * xw)
                .zip(slice(gradient).par_chunks(c * h * w))
                .for_each(|(dx, dy)| {
                    let planes = dy[first * h * w..].chunks(h * w);
                    for (dx, dy) in dx.chunks_mut(xh * xw).zip(planes) {
                        for (dx, dy) in dx.chunks_mut(xw).zip(dy.chunks(w).skip(top)) {
                            dx.copy_from_slice(&dy[left..left + xw]);
                        }
                    }
                });
            gradients.inputs.push(dx);
            first += xc;
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
