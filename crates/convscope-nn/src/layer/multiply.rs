//! The join of a gate and what it gates.

use super::*;
use crate::parallel::{dot, fresh, slice, slice_mut, zip};
use rayon::prelude::*;

/// The product of two inputs of one shape; or of an image and one number for each of its channels,
/// as in squeeze-and-excitation (Hu, Shen and Sun 2018).
///
/// # Shapes
/// Twice `[N, ...]`; or `[N, C, H, W]` and `[N, C, 1, 1]` to `[N, C, H, W]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Multiply;

/// Numbers of the first input for each of the second, if they fit.
fn repeats(first: &[usize], second: &[usize], batch: usize) -> Result<usize> {
    let channels = first.len() == batch + 3
        && second.len() == first.len()
        && first[..=batch] == second[..=batch]
        && second[batch + 1..] == [1, 1];
    match () {
        () if first == second => Ok(1),
        () if channels => Ok(first[batch + 1..].iter().product()),
        () => Err(NnError::shape(
            "Multiply's second input",
            match first.len() == batch + 3 {
                true => format!(
                    "of shape {first:?}, or {:?} with one row and one column",
                    &first[..=batch]
                ),
                false => format!("of shape {first:?}"),
            },
            second,
        )),
    }
}

fn two<T>(inputs: &[T]) -> Result<[&T; 2]> {
    match inputs {
        [a, b] => Ok([a, b]),
        _ => Err(NnError::Invalid(format!(
            "Multiply joins two nodes, got {}",
            inputs.len()
        ))),
    }
}

impl<F: Real> Layer<F> for Multiply {
    fn kind(&self) -> &'static str {
        "Multiply"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [first, second] = two(inputs)?;
        repeats(first, second, 0)?;
        Ok(first.clone())
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Multiply]
    }

    fn sees(
        &self,
        which: usize,
        inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        // A gate's only row and column are everybody's.
        match which == 1 && inputs[0] != inputs[1] {
            true => 0..inputs[1][1 + axis] as isize,
            false => output,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let [x, gate] = two(inputs)?;
        let many = repeats(x.shape(), gate.shape(), 1)?;
        Ok((scaled(x, gate, many), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let [x, gate] = [seen.inputs[0], seen.inputs[1]];
        let many = x.len() / gate.len();
        let dx = scaled(gradient, gate, many);
        let dgate = match many {
            1 => zip(gradient, x, |g, x| g * x),
            many => {
                let mut dgate = fresh(gate.shape());
                slice_mut(&mut dgate)
                    .par_iter_mut()
                    .zip(
                        slice(gradient)
                            .par_chunks(many)
                            .zip(slice(x).par_chunks(many)),
                    )
                    .for_each(|(d, (g, x))| *d = dot(g, x));
                dgate
            }
        };
        Gradients {
            inputs: vec![dx, dgate],
            parameters: Vec::new(),
        }
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

/// `many` numbers times one, and so on.
fn scaled<F: Real>(x: &Tensor<F>, gate: &Tensor<F>, many: usize) -> Tensor<F> {
    if many == 1 {
        return zip(x, gate, |x, g| x * g);
    }
    let mut y = fresh(x.shape());
    slice_mut(&mut y)
        .par_chunks_mut(many)
        .zip(slice(x).par_chunks(many).zip(slice(gate)))
        .for_each(|(y, (x, &gate))| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x * gate;
            }
        });
    y
}
