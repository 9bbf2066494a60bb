//! Layers with weights: convolutions, fully connected layers, batch norm.

use super::node::{Node, sizes};
use super::{Import, Open, Step, listed};
use convscope_nn::layer::Layer;
use convscope_nn::{
    AdaptiveAvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, ConvTranspose2d, Init, Linear, Padding,
    Tensor,
};
use ndarray::IxDyn;

impl Import<'_> {
    pub(super) fn conv(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let weight = self.floats(node, 1)?;
        let [filters, inner, kernel @ ..] = filters(&weight)?;
        let [c, h, w] = self.image(x)?;
        let groups = group(node)?;
        if inner.checked_mul(groups) != Some(c) {
            return Err(format!(
                "its weight has the shape {:?} in {groups} groups; expected {} channels a group, of \
                 the input's {c}",
                weight.shape(),
                c / groups
            ));
        }
        same_kernel(node, kernel)?;
        let stride = node.pair("strides", Some([1; 2]))?;
        let dilation = node.pair("dilations", Some([1; 2]))?;
        let reach = [0, 1].map(|axis| {
            kernel[axis]
                .saturating_sub(1)
                .saturating_mul(dilation[axis])
        });
        let reach = reach.map(|taps| taps.saturating_add(1));
        let layer = Conv2d::rect(filters, kernel[0], kernel[1])
            .strides(stride[0], stride[1])
            .dilations(dilation[0], dilation[1])
            .groups(groups)
            .padding(plainest(padding(node, [h, w], reach, stride)?))
            .init(Init::Zeros);
        match node.input(2) {
            Some(_) => {
                let bias = self.floats(node, 2)?;
                let numbers = vec![("weight", weight), ("bias", bias)];
                self.layer(node, Some(1), layer, vec![x], numbers)?;
            }
            None => {
                let bare = layer.clone().no_bias();
                let id = self.layer(node, Some(1), bare, vec![x], vec![("weight", weight)])?;
                self.drafts[id - 1].open = Some(Open::Conv(Box::new(layer)));
            }
        }
        Ok(())
    }

    pub(super) fn conv_transpose(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let weight = self.floats(node, 1)?;
        let [_, inner, kernel @ ..] = filters(&weight)?;
        let [_, h, w] = self.image(x)?;
        let groups = group(node)?;
        same_kernel(node, kernel)?;
        if node.has("output_shape") {
            return Err("output_shape is not supported; give pads and output_padding".into());
        }
        let one = |name: &str, pair: [usize; 2]| match pair {
            [a, b] if a == b => Ok(a),
            _ => Err(format!(
                "{name} is {pair:?}; expected the same down and across"
            )),
        };
        let stride = one("strides", node.pair("strides", Some([1; 2]))?)?;
        let dilation = one("dilations", node.pair("dilations", Some([1; 2]))?)?;
        let extra = one("output_padding", node.pair("output_padding", Some([0; 2]))?)?;
        if node.word("auto_pad").is_some_and(|word| word != "NOTSET") {
            return Err("auto_pad is not supported; give pads".into());
        }
        let sides = padding(node, [h, w], kernel, [stride; 2])?;
        if sides != [sides[0]; 4] {
            return Err("pads differ from side to side; expected the same on each".into());
        }
        let filters = inner.checked_mul(groups).ok_or("its weight is too large")?;
        let layer = ConvTranspose2d::new(filters, one("kernel_shape", kernel)?)
            .stride(stride)
            .padding(sides[0])
            .output_padding(extra)
            .dilation(dilation)
            .groups(groups)
            .init(Init::Zeros);
        let mut numbers = vec![("weight", weight)];
        if node.input(2).is_some() {
            numbers.push(("bias", self.floats(node, 2)?));
        }
        self.layer(node, Some(1), layer, vec![x], numbers)?;
        Ok(())
    }

    pub(super) fn gemm(&mut self, node: &Node) -> Step {
        if node.int("transA", 0) != 0 {
            return Err("transA turns the batch over; expected 0".into());
        }
        let x = self.activation(node, 0)?;
        let weight = self.floats(node, 1)?;
        let scaled = |tensor: Tensor, factor: Option<f32>| match factor {
            Some(factor) if factor != 1.0 => tensor * factor,
            _ => tensor,
        };
        let weight = scaled(weight, node.given_float("alpha"));
        let bias = match node.input(2) {
            None => None,
            Some(_) => Some(scaled(self.floats(node, 2)?, node.given_float("beta"))),
        };
        let turned = node.int("transB", 0) != 0;
        self.linear(node, x, weight, turned, bias)
    }

    pub(super) fn mat_mul(&mut self, node: &Node) -> Step {
        if let Ok(x) = self.activation(node, 1) {
            let left = self.floats(node, 0)?;
            return self.means(node, x, &left, 0, 0);
        }
        let x = self.activation(node, 0)?;
        let right = self.floats(node, 1)?;
        match self.shape(x).len() {
            1 => self.linear(node, x, right, false, None),
            _ => {
                let right = right.reversed_axes();
                self.means(node, x, &right, 1, 1)
            }
        }
    }

    /// A fully connected layer; `turned` says whether the weight is `[outputs, inputs]`.
    fn linear(
        &mut self,
        node: &Node,
        x: usize,
        weight: Tensor,
        turned: bool,
        bias: Option<Tensor>,
    ) -> Step {
        let &[features] = self.shape(x).as_slice() else {
            return Err(format!(
                "expected vectors, [batch, features], got [batch, {}]",
                listed(self.shape(x))
            ));
        };
        let weight = match turned {
            true => weight,
            false => {
                self.budget.take_numbers(weight.len())?;
                weight.reversed_axes().as_standard_layout().into_owned()
            }
        };
        let &[outputs, inputs] = weight.shape() else {
            return Err(format!(
                "its weight has the shape {:?}; expected a matrix",
                weight.shape()
            ));
        };
        if inputs != features {
            return Err(format!(
                "its weight takes {inputs} features; expected {features}, as the input has"
            ));
        }
        let layer = Linear::new(outputs).init(Init::Zeros);
        let mut numbers = vec![("weight", weight)];
        let open = bias.is_none();
        if let Some(bias) = bias {
            numbers.push(("bias", row(bias, outputs)?));
        }
        let id = self.layer(node, Some(1), layer, vec![x], numbers)?;
        self.drafts[id - 1].open = open.then_some(Open::Zero);
        Ok(())
    }

    /// A product of each channel with a matrix, along its columns (`axis` 0) or rows (1): read where
    /// the matrix takes means, as adaptive pooling does.
    fn means(&mut self, node: &Node, x: usize, matrix: &Tensor, axis: usize, at: usize) -> Step {
        let refused = || {
            format!(
                "products of images and matrices (input {at}) are not supported, except for the \
                 means of adaptive pooling"
            )
        };
        let [_, h, w] = self.image(x).map_err(|_| refused())?;
        let size = [h, w][axis];
        let &[bins, across] = matrix.shape() else {
            return Err(refused());
        };
        let is_mean = across == size
            && bins > 0
            && matrix.indexed_iter().all(|(place, &v)| {
                let (first, last) = (
                    place[0] * size / bins,
                    ((place[0] + 1) * size).div_ceil(bins),
                );
                let expected = match (first..last).contains(&place[1]) {
                    true => 1.0 / (last - first) as f32,
                    false => 0.0,
                };
                (v - expected).abs() < 1e-6
            });
        if !is_mean {
            return Err(refused());
        }
        let layer = match axis {
            0 => AdaptiveAvgPool2d::new(bins, w),
            _ => AdaptiveAvgPool2d::new(h, bins),
        };
        self.layer(node, None, layer, vec![x], Vec::new())?;
        Ok(())
    }

    pub(super) fn batch_normalization(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        if node.int("training_mode", 0) != 0 || node.makes().count() > 1 {
            return Err("it is in training mode; export the network for inference".into());
        }
        if node.int("spatial", 1) != 1 {
            return Err("spatial is 0; expected one mean and variance a channel".into());
        }
        let mut numbers = Vec::new();
        for (at, which) in (1..).zip(["weight", "bias", "running_mean", "running_var"]) {
            numbers.push((which, self.floats(node, at)?));
        }
        let eps = node.float("epsilon", 1e-5);
        // ONNX counts the other way; six digits take the rounding off again.
        let momentum = ((1.0 - node.float("momentum", 0.9)) * 1e6).round() / 1e6;
        let layer: Box<dyn Layer<f32>> = match self.shape(x).len() {
            3 => BatchNorm2d::new().eps(eps).momentum(momentum).into(),
            _ => BatchNorm1d::new().eps(eps).momentum(momentum).into(),
        };
        self.layer(node, Some(1), layer, vec![x], numbers)?;
        Ok(())
    }
}

/// The axes of a weight, which must be an image's.
fn filters(weight: &Tensor) -> Step<[usize; 4]> {
    <[usize; 4]>::try_from(weight.shape()).map_err(|_| {
        format!(
            "its weight has the shape {:?}; expected four axes: convolutions of images are supported, \
             not of sequences or volumes",
            weight.shape()
        )
    })
}

fn group(node: &Node) -> Step<usize> {
    let groups = sizes("group", &[node.int("group", 1)])?[0];
    match groups {
        0 => Err("group is 0; expected 1 or more".into()),
        groups => Ok(groups),
    }
}

fn same_kernel(node: &Node, kernel: [usize; 2]) -> Step {
    match node.pair("kernel_shape", Some(kernel))? {
        said if said == kernel => Ok(()),
        said => Err(format!(
            "kernel_shape is {said:?}, and its weight's filters are {kernel:?}"
        )),
    }
}

/// Padding at the top, bottom, left and right, as the node says or as `auto_pad` asks.
pub(super) fn padding(
    node: &Node,
    input: [usize; 2],
    reach: [usize; 2],
    stride: [usize; 2],
) -> Step<[usize; 4]> {
    match node.word("auto_pad").as_deref() {
        None | Some("NOTSET" | "") => match node.ints("pads") {
            None | Some([]) => Ok([0; 4]),
            Some(pads) => match sizes("pads", pads)?[..] {
                [top, left, bottom, right] => Ok([top, bottom, left, right]),
                _ => Err(format!("pads has {} numbers; expected four", pads.len())),
            },
        },
        Some("VALID") => Ok([0; 4]),
        Some("SAME_UPPER") => Ok(Padding::Same.sides(input, reach, stride)),
        Some("SAME_LOWER") => {
            let [top, bottom, left, right] = Padding::Same.sides(input, reach, stride);
            Ok([bottom, top, right, left])
        }
        Some(other) => Err(format!(
            "auto_pad is \"{other}\"; expected one that ONNX knows"
        )),
    }
}

/// The same padding in the fewest words.
fn plainest(sides: [usize; 4]) -> Padding {
    match sides {
        [0, 0, 0, 0] => Padding::Valid,
        [p, q, r, s] if p == q && q == r && r == s => Padding::Each(p),
        sides => Padding::Sides(sides),
    }
}

/// A bias of this many numbers, from what may be one number, or a matrix of one row.
fn row(bias: Tensor, outputs: usize) -> Step<Tensor> {
    let shape = bias.shape();
    let fits = shape.iter().rev().skip(1).all(|&size| size == 1);
    match (bias.len(), bias.first()) {
        (1, Some(&value)) => Ok(Tensor::from_elem(IxDyn(&[outputs]), value)),
        (n, _) if n == outputs && fits => {
            let flat = bias.into_shape_with_order(IxDyn(&[outputs]));
            flat.map_err(|_| "its bias is not in order".into())
        }
        _ => Err(format!(
            "its bias has the shape {shape:?}; expected [{outputs}], the same for each image"
        )),
    }
}
