//! The join of a residual block.

use super::*;
use crate::parallel::add_assign;

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

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let mut sum = inputs[0].clone();
        for x in &inputs[1..] {
            if x.shape() != sum.shape() {
                return Err(NnError::shape(
                    "Add's inputs",
                    format!("all of shape {:?}", sum.shape()),
                    x.shape(),
                ));
            }
            add_assign(&mut sum, x);
        }
        Ok((sum, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        Gradients {
            inputs: vec![gradient.clone(); seen.input_shapes.len()],
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
