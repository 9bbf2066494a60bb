//! Layers that look through windows, or at everything.

use super::convolution::padding;
use super::node::Node;
use super::{Import, Step, listed};
use convscope_nn::layer::Layer;
use convscope_nn::{AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d};

impl Import<'_> {
    pub(super) fn pool(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let kernel = node.pair("kernel_shape", None)?;
        let [_, h, w] = self.image(x)?;
        let stride = node.pair("strides", Some([1; 2]))?;
        let dilation = node.pair("dilations", Some([1; 2]))?;
        if dilation != [1; 2] {
            return Err(format!(
                "dilations is {dilation:?}; expected windows without gaps"
            ));
        }
        if node.makes().count() > 1 {
            return Err("its indices are read; expected the values alone".into());
        }
        let sides = padding(node, [h, w], kernel, stride)?;
        let ceil = node.int("ceil_mode", 0) != 0;
        let layer: Box<dyn Layer<f32>> = match node.operator.as_str() {
            "MaxPool" => {
                let layer = MaxPool2d::rect(kernel[0], kernel[1]);
                let layer = layer.strides(stride[0], stride[1]).paddings(sides);
                if ceil {
                    layer.ceil_mode().into()
                } else {
                    layer.into()
                }
            }
            _ => {
                let layer = AvgPool2d::rect(kernel[0], kernel[1])
                    .count_padding(node.int("count_include_pad", 0) != 0);
                let layer = layer.strides(stride[0], stride[1]).paddings(sides);
                if ceil {
                    layer.ceil_mode().into()
                } else {
                    layer.into()
                }
            }
        };
        self.layer(node, None, layer, vec![x], Vec::new())?;
        Ok(())
    }

    pub(super) fn global_pool(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let [_, h, w] = self.image(x)?;
        match node.operator.as_str() {
            "GlobalMaxPool" => self.layer(node, None, MaxPool2d::rect(h, w), vec![x], vec![])?,
            _ => self.layer(node, None, GlobalAvgPool2d, vec![x], Vec::new())?,
        };
        Ok(())
    }

    pub(super) fn reduce_mean(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let mut axes = match node.input(1) {
            // From version 18 on.
            Some(_) => self.constant(node, 1)?.into_known()?,
            None => node.ints("axes").unwrap_or_default().to_vec(),
        };
        let rank = self.shape(x).len() as i64 + 1;
        axes.iter_mut()
            .filter(|axis| **axis < 0)
            .for_each(|axis| *axis += rank);
        axes.sort_unstable();
        if axes != [2, 3] || rank != 4 {
            return Err(format!(
                "it goes over the axes {axes:?} of [batch, {}]; expected [2, 3] of images",
                listed(self.shape(x))
            ));
        }
        if node.int("keepdims", 1) != 0 {
            self.layer(node, None, GlobalAvgPool2d, vec![x], Vec::new())?;
            return Ok(());
        }
        let name = node.candidate(None).part("mean");
        let mean = self.draft(name, GlobalAvgPool2d, vec![x], Vec::new())?;
        self.layer(node, None, Flatten, vec![mean], Vec::new())?;
        Ok(())
    }
}
