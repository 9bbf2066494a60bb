//! Unpooling: values go back to where a max pooling took its own from.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Puts each value where the switch of a max pooling points, and 0 elsewhere: what a deconvnet
/// does on its way up (Zeiler and Fergus 2014, section 2.1; PyTorch's `MaxUnpool2d`).
///
/// It reads two nodes: the values, and the [`MaxPool2d`] node whose switches it follows.
///
/// ```
/// use convscope_nn::{Conv2d, MaxPool2d, MaxUnpool2d, Network};
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let net = Network::input([1, 9, 9])
///     .add("pool", MaxPool2d::new(2))
///     .add("conv", Conv2d::new(1, 3).same())
///     .add_after(&["conv", "pool"], "unpool", MaxUnpool2d::new())
///     .build(1)?;
/// assert_eq!(net.output_shape(), [1, 9, 9]);
/// # Ok(()) }
/// ```
///
/// Where windows overlap and two values go to one place, the last of them stays.
///
/// # Shapes
/// Values of the pooling's output shape `[N, C, OH, OW]`; output of its input's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxUnpool2d {
    /// Height and width of the pooling's input, known once the network is built.
    output: [usize; 2],
}

impl MaxUnpool2d {
    /// There is nothing to set.
    pub fn new() -> MaxUnpool2d {
        MaxUnpool2d::default()
    }

    fn planes(&self, shape: &[usize]) -> [usize; 2] {
        [shape[2] * shape[3], self.output[0] * self.output[1]]
    }
}

impl<F: Real> Layer<F> for MaxUnpool2d {
    fn kind(&self) -> &'static str {
        "MaxUnpool2d"
    }

    fn settings(&self) -> String {
        format!("to {}x{}", self.output[0], self.output[1])
    }

    fn meet(&mut self, sources: &[Source<'_>]) -> Result<()> {
        match sources {
            [_, pool] if pool.kind == "MaxPool2d" => {
                let [_, h, w] = image_shape("MaxPool2d", single("MaxPool2d", pool.inputs)?)?;
                self.output = [h, w];
                Ok(())
            }
            [_, other] => Err(NnError::Invalid(format!(
                "MaxUnpool2d follows the switches of a MaxPool2d as its second input, but \"{}\" is a {}",
                other.name,
                if other.kind.is_empty() {
                    "picture"
                } else {
                    other.kind
                }
            ))),
            _ => Err(NnError::Invalid(format!(
                "MaxUnpool2d reads two nodes, the values and the MaxPool2d whose switches it follows, got {}",
                sources.len()
            ))),
        }
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        if inputs[0] != inputs[1] {
            return Err(NnError::shape(
                "MaxUnpool2d's values",
                format!("as many as the pooling put out, {:?}", inputs[1]),
                &inputs[0],
            ));
        }
        Ok(vec![inputs[0][0], self.output[0], self.output[1]])
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, _inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Err(NnError::Invalid(
            "MaxUnpool2d runs only inside a network, where it finds the switches".into(),
        ))
    }

    fn reads_kept(&self) -> bool {
        true
    }

    fn forward_after(
        &self,
        inputs: &[&Tensor<F>],
        kept: &[&Saved<F>],
        _pass: &Pass,
    ) -> Result<(Tensor<F>, Saved<F>)> {
        let [x, _] = *inputs else {
            return Err(NnError::Invalid("MaxUnpool2d reads two nodes".into()));
        };
        let Some(Saved::Switches(switches)) = kept.get(1) else {
            return Err(NnError::Invalid(
                "MaxUnpool2d found no switches at its second input".into(),
            ));
        };
        let [n, c, h, w] = batch_shape("MaxUnpool2d", x, None)?;
        let [pooled, plane] = self.planes(&[n, c, h, w]);
        let mut y = Tensor::zeros(IxDyn(&[n, c, self.output[0], self.output[1]]));
        slice_mut(&mut y)
            .par_chunks_mut(plane)
            .zip(slice(x).par_chunks(pooled))
            .zip(switches.par_chunks(pooled))
            .for_each(|((y, x), switches)| {
                for (&v, &i) in x.iter().zip(switches) {
                    y[i as usize] = v;
                }
            });
        Ok((y, Saved::Switches(switches.clone())))
    }

    /// The gradient of each place that was written goes to the value that stayed there; the
    /// switches themselves have none.
    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let Saved::Switches(switches) = seen.saved else {
            unreachable!("unpooling saves the switches")
        };
        let shape = &seen.input_shapes[0];
        let [pooled, plane] = self.planes(shape);
        let mut dx = fresh(shape);
        slice_mut(&mut dx)
            .par_chunks_mut(pooled)
            .zip(slice(gradient).par_chunks(plane))
            .zip(switches.par_chunks(pooled))
            .for_each_init(
                || vec![u32::MAX; plane],
                |writer, ((dx, dy), switches)| {
                    for (k, &i) in (0u32..).zip(switches) {
                        writer[i as usize] = k;
                    }
                    for ((k, d), &i) in (0u32..).zip(dx).zip(switches) {
                        let stayed = writer[i as usize] == k;
                        *d = if stayed { dy[i as usize] } else { F::zero() };
                    }
                },
            );
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
