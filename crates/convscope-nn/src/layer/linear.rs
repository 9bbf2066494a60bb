//! The fully connected layer.

use super::*;
use crate::blas::{Matrix, product, product_by_rows};
use crate::conv::narrow;
use crate::init::Init;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Every output is a weighted sum of all inputs plus a bias: `y = x Wᵀ + b`.
///
/// # Shapes
/// Input `[N, D]`, weight `[O, D]`, bias `[O]`, output `[N, O]` (PyTorch's convention).
#[derive(Clone, Debug)]
pub struct Linear<F: Real = f32> {
    outputs: usize,
    init: Init,
    weight: Tensor<F>,
    bias: Tensor<F>,
}

impl Linear {
    /// A layer with this many outputs; weights begin by He's rule, biases at 0.
    pub fn new(outputs: usize) -> Linear {
        Linear {
            outputs,
            init: Init::He,
            weight: Tensor::zeros(IxDyn(&[0, 0])),
            bias: Tensor::zeros(IxDyn(&[0])),
        }
    }

    /// How the weights begin.
    pub fn init(mut self, init: Init) -> Linear {
        self.init = init;
        self
    }
}

/// Examples whose weight gradient one task sums: fixed, so that sums do not depend on threads.
const WEIGHT_ROWS_PER_TASK: usize = 32;

impl<F: Real> Linear<F> {
    pub(super) fn weight(&self) -> &Tensor<F> {
        &self.weight
    }

    /// The forward pass with other weights of the same shape.
    pub(super) fn forward_with(&self, x: &Tensor<F>, weight: &Tensor<F>) -> Result<Tensor<F>> {
        let features = weight.shape()[1];
        let &[n, d] = x.shape() else {
            return Err(NnError::shape(
                "Linear's input",
                "[batch, features]",
                x.shape(),
            ));
        };
        if d != features {
            return Err(NnError::shape(
                "Linear's input",
                format!("[batch, {features}]"),
                x.shape(),
            ));
        }
        let mut y = fresh(&[n, self.outputs]); // [N, O]
        if !narrow::forward(slice(x), slice(weight), self.outputs, slice_mut(&mut y)) {
            product_by_rows(
                Matrix::new(slice(x), n, d),
                Matrix::new(slice(weight), self.outputs, d).t(),
                slice_mut(&mut y),
            );
        }
        for row in slice_mut(&mut y).chunks_exact_mut(self.outputs) {
            for (v, &b) in row.iter_mut().zip(slice(&self.bias)) {
                *v += b;
            }
        }
        Ok(y)
    }

    /// Its backward pass.
    pub(super) fn backward_with(
        &self,
        seen: &Seen<'_, F>,
        gradient: &Tensor<F>,
        want: Want,
        weight: &Tensor<F>,
    ) -> Gradients<F> {
        let x = seen.inputs[0];
        let (n, d, o) = (x.shape()[0], x.shape()[1], self.outputs);
        let dy = slice(gradient);
        let mut gradients = Gradients::default();
        if want.inputs {
            let mut dx = fresh(&[n, d]); // dX = dY W
            if !narrow::backward_input(dy, slice(weight), o, slice_mut(&mut dx)) {
                product_by_rows(
                    Matrix::new(dy, n, o),
                    Matrix::new(slice(weight), o, d),
                    slice_mut(&mut dx),
                );
            }
            gradients.inputs.push(dx);
        }
        if want.parameters {
            let mut dw = fresh(&[o, d]); // dW = dYᵀ X
            if !narrow::backward_weight(slice(x), dy, o, slice_mut(&mut dw)) {
                slice_mut(&mut dw)
                    .par_chunks_mut(WEIGHT_ROWS_PER_TASK * d)
                    .enumerate()
                    .for_each(|(task, dw)| {
                        let first = task * WEIGHT_ROWS_PER_TASK;
                        let rows = dw.len() / d;
                        let part: Vec<F> = dy
                            .chunks_exact(o)
                            .flat_map(|row| row[first..first + rows].iter().copied())
                            .collect(); // [N, rows]
                        let x = Matrix::new(slice(x), n, d);
                        product(Matrix::new(&part, n, rows).t(), x, dw, false);
                    });
            }
            let mut db = Tensor::zeros(IxDyn(&[o]));
            for row in dy.chunks_exact(o) {
                for (b, &g) in slice_mut(&mut db).iter_mut().zip(row) {
                    *b += g;
                }
            }
            gradients.parameters = vec![dw, db];
        }
        gradients
    }

    pub(super) fn cast(&self) -> Linear<f64> {
        Linear {
            outputs: self.outputs,
            init: self.init,
            weight: cast(&self.weight),
            bias: cast(&self.bias),
        }
    }
}

impl<F: Real> Layer<F> for Linear<F> {
    fn kind(&self) -> &'static str {
        "Linear"
    }

    fn settings(&self) -> String {
        format!("{} outputs", self.outputs)
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        let &[features] = single("Linear", inputs)?.as_slice() else {
            return Err(NnError::shape(
                "Linear's input",
                "a vector [features] (put a Flatten before it)",
                &inputs[0],
            ));
        };
        if self.outputs == 0 || features == 0 {
            return Err(NnError::Invalid(format!(
                "Linear needs at least one input and one output, got {features} and {}",
                self.outputs
            )));
        }
        self.weight = self
            .init
            .weights(&[self.outputs, features], rng)?
            .mapv(|v| F::of(v.as_f64()));
        self.bias = Tensor::zeros(IxDyn(&[self.outputs]));
        Ok(vec![self.outputs])
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        vec![("weight", &self.weight), ("bias", &self.bias)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        vec![("weight", &mut self.weight), ("bias", &mut self.bias)]
    }

    fn multiply_adds(&self, inputs: &[Shape], output: &Shape) -> u64 {
        inputs[0][0] as u64 * output[0] as u64
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Linear]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = single("Linear", inputs)?;
        Ok((self.forward_with(x, &self.weight)?, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        self.backward_with(seen, gradient, want, &self.weight)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(self.cast())
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}
