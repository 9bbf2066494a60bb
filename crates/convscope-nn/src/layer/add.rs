//! The join of a residual block.

use super::*;
use crate::parallel::{add_assign, map, zip};

/// The sum of two or more inputs of one shape (He et al. 2016).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Add;

impl<F: Real> Layer<F> for Add {
    fn kind(&self) -> &'static str {
        "Add"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        if inputs.len() < 2 {
            return Err(NnError::Invalid(format!(
                "Add joins two or more nodes, got {}",
                inputs.len()
            )));
        }
        match inputs.iter().find(|s| **s != inputs[0]) {
            None => Ok(inputs[0].clone()),
            Some(other) => Err(NnError::shape(
                "Add's inputs",
                format!("all of shape {:?}", inputs[0]),
                other,
            )),
        }
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Add]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let first = inputs[0];
        if let Some(other) = inputs.iter().find(|x| x.shape() != first.shape()) {
            return Err(NnError::shape(
                "Add's inputs",
                format!("all of shape {:?}", first.shape()),
                other.shape(),
            ));
        }
        let mut sum = zip(first, inputs[1], |a, b| a + b);
        for x in &inputs[2..] {
            add_assign(&mut sum, x);
        }
        Ok((sum, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        self.backward_into(seen, map(gradient, |g| g), want)
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        let copies = seen.input_shapes.len() - 1;
        let mut inputs: Vec<_> = (0..copies).map(|_| map(&gradient, |g| g)).collect();
        inputs.push(gradient);
        Gradients {
            inputs,
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
