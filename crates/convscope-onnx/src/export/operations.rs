//! The operators that stand for each operation of ours.

use super::{Constant, Export};
use crate::proto::Attribute;
use convscope_nn::NodeView;
use convscope_nn::layer::{Operation, Shape};

type Step<T = ()> = Result<T, String>;

fn int(name: &str, value: i64) -> Attribute {
    Attribute {
        name: name.into(),
        i: Some(value),
        kind: Attribute::INT,
        ..Attribute::default()
    }
}

fn float(name: &str, value: f64) -> Attribute {
    Attribute {
        name: name.into(),
        f: Some(value as f32),
        kind: Attribute::FLOAT,
        ..Attribute::default()
    }
}

fn word(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.into(),
        s: Some(value.as_bytes().to_vec().into()),
        kind: Attribute::STRING,
        ..Attribute::default()
    }
}

fn ints(name: &str, values: &[usize]) -> Attribute {
    Attribute {
        name: name.into(),
        ints: values.iter().map(|&v| v as i64).collect(),
        kind: Attribute::INTS,
        ..Attribute::default()
    }
}

/// Top, bottom, left and right in ONNX's order.
fn pads([top, bottom, left, right]: [usize; 4]) -> Attribute {
    ints("pads", &[top, left, bottom, right])
}

/// What an operation inside a layer makes of its input.
pub(super) fn shape_after(operation: &Operation, inputs: &[Shape]) -> Step<Shape> {
    let shape = &inputs[0];
    Ok(match *operation {
        Operation::Crop { start, end, step } => (0..3)
            .map(|axis| (end[axis] - start[axis]).div_ceil(step[axis]))
            .collect(),
        Operation::ZeroPad([before, behind, top, bottom, left, right]) => vec![
            before + shape[0] + behind,
            top + shape[1] + bottom,
            left + shape[2] + right,
        ],
        Operation::ChannelAffine
        | Operation::Clamp { .. }
        | Operation::Dropout(_)
        | Operation::Gelu(_)
        | Operation::Identity
        | Operation::LeakyRelu(_)
        | Operation::LogSoftmax
        | Operation::Relu
        | Operation::Sigmoid
        | Operation::Softmax
        | Operation::Tanh => shape.clone(),
        Operation::Flatten => vec![shape.iter().product()],
        Operation::GlobalAvgPool => vec![shape[0], 1, 1],
        ref other => {
            return Err(format!(
                "{other:?} is written only as a layer's last operation"
            ));
        }
    })
}

impl<'n> Export<'n> {
    #[expect(
        clippy::too_many_arguments,
        reason = "what a node is: where it stands and what it does"
    )]
    pub(super) fn operation(
        &mut self,
        view: &NodeView<'n>,
        operation: &Operation,
        name: &str,
        inputs: Vec<String>,
        shapes: &[Shape],
        shape: &[usize],
        output: String,
    ) -> Step {
        let mut inputs = inputs;
        let (operator, attributes) = match *operation {
            Operation::Add if inputs.len() == 2 => ("Add", vec![]),
            Operation::Add => ("Sum", vec![]),
            Operation::Multiply => ("Mul", vec![]),
            Operation::Relu => ("Relu", vec![]),
            Operation::Sigmoid => ("Sigmoid", vec![]),
            Operation::Tanh => ("Tanh", vec![]),
            Operation::Identity => ("Identity", vec![]),
            Operation::GlobalAvgPool => ("GlobalAveragePool", vec![]),
            Operation::LeakyRelu(slope) => ("LeakyRelu", vec![float("alpha", slope)]),
            Operation::Gelu(false) => ("Gelu", vec![]),
            Operation::Gelu(true) => ("Gelu", vec![word("approximate", "tanh")]),
            Operation::Softmax => ("Softmax", vec![int("axis", 1)]),
            Operation::LogSoftmax => ("LogSoftmax", vec![int("axis", 1)]),
            Operation::Flatten => ("Flatten", vec![int("axis", 1)]),
            Operation::Concat => ("Concat", vec![int("axis", 1)]),
            Operation::Dropout(p) => {
                let ratio = Constant::Floats(vec![], vec![p as f32]);
                inputs.push(self.constant(format!("{name}.ratio"), ratio));
                ("Dropout", vec![])
            }
            Operation::Clamp { low, high } => {
                for (which, limit) in [("min", low), ("max", high)] {
                    inputs.push(match limit.is_finite() {
                        true => {
                            let number = Constant::Floats(vec![], vec![limit as f32]);
                            self.constant(format!("{name}.{which}"), number)
                        }
                        false => String::new(),
                    });
                }
                ("Clip", vec![])
            }
            Operation::LocalResponseNorm { size, .. } if size % 2 == 0 => {
                return Err(format!(
                    "ONNX counts an even number of channels ({size}) from another place; take an \
                     odd one"
                ));
            }
            Operation::LocalResponseNorm {
                size,
                alpha,
                beta,
                k,
            } => (
                "LRN",
                vec![
                    int("size", size as i64),
                    float("alpha", alpha),
                    float("beta", beta),
                    float("bias", k),
                ],
            ),
            Operation::BatchNorm { eps, momentum } => {
                for which in ["weight", "bias", "running_mean", "running_var"] {
                    inputs.push(self.parameter(view, which, None)?);
                }
                let share = float("momentum", 1.0 - momentum);
                ("BatchNormalization", vec![float("epsilon", eps), share])
            }
            Operation::ChannelAffine => {
                let one_each = || [&[shape[0]], vec![1; shape.len() - 1].as_slice()].concat();
                inputs.push(self.parameter(view, "weight", Some(one_each()))?);
                let scaled = self.unique(&format!("{name}.scaled"));
                self.add(&scaled.clone(), "Mul", inputs, scaled.clone(), vec![]);
                let bias = self.parameter(view, "bias", Some(one_each()))?;
                inputs = vec![scaled, bias];
                ("Add", vec![])
            }
            Operation::Linear => {
                inputs.push(self.parameter(view, "weight", None)?);
                inputs.push(self.parameter(view, "bias", None)?);
                ("Gemm", vec![int("transB", 1)])
            }
            Operation::Conv(g) => {
                self.weights(view, &mut inputs)?;
                let attributes = vec![
                    ints("kernel_shape", &g.kernel),
                    ints("strides", &g.stride),
                    ints("dilations", &g.dilation),
                    int("group", g.groups as i64),
                    pads(g.pad),
                ];
                ("Conv", attributes)
            }
            Operation::ConvTranspose(g, extra) => {
                self.weights(view, &mut inputs)?;
                let attributes = vec![
                    ints("kernel_shape", &g.kernel),
                    ints("strides", &g.stride),
                    ints("dilations", &g.dilation),
                    int("group", g.groups as i64),
                    pads(g.pad),
                    ints("output_padding", &extra),
                ];
                ("ConvTranspose", attributes)
            }
            Operation::MaxPool(windows) => ("MaxPool", self.windows(windows)),
            Operation::AvgPool {
                windows,
                count_padding,
            } => {
                let mut attributes = self.windows(windows);
                attributes.push(int("count_include_pad", count_padding.into()));
                ("AveragePool", attributes)
            }
            Operation::AdaptiveAvgPool(to) => {
                return self.adaptive(name, inputs, shapes, to, output);
            }
            Operation::Crop { start, end, step } => {
                for (which, values) in [
                    ("starts", start),
                    ("ends", end),
                    ("axes", [1, 2, 3]),
                    ("steps", step),
                ] {
                    let values = values.iter().map(|&v| v as i64).collect();
                    inputs.push(self.constant(format!("{name}.{which}"), Constant::Wholes(values)));
                }
                ("Slice", vec![])
            }
            Operation::ZeroPad(ends) => return self.zeros(name, inputs, ends, output),
            Operation::DepthConcat => {
                let mut padded = Vec::new();
                for (at, (input, from)) in inputs.into_iter().zip(shapes).enumerate() {
                    let missing = [shape[1] - from[1], shape[2] - from[2]];
                    padded.push(match missing {
                        [0, 0] => input,
                        [h, w] => {
                            let ends = [0, 0, h / 2, h - h / 2, w / 2, w - w / 2];
                            let value = self.unique(&format!("{name}.padded{at}"));
                            self.zeros(&value.clone(), vec![input], ends, value.clone())?;
                            value
                        }
                    });
                }
                inputs = padded;
                ("Concat", vec![int("axis", 1)])
            }
            Operation::Reshape => {
                // 0 copies the batch.
                let sizes = shape.iter().map(|&size| size as i64);
                let sizes = std::iter::once(0).chain(sizes).collect();
                inputs.push(self.constant(format!("{name}.shape"), Constant::Wholes(sizes)));
                ("Reshape", vec![])
            }
            Operation::Upsample {
                factor,
                bilinear,
                align_corners,
            } => {
                let scales = vec![1.0, 1.0, factor as f32, factor as f32];
                let scales = Constant::Floats(vec![4], scales);
                inputs.push(String::new());
                inputs.push(self.constant(format!("{name}.scales"), scales));
                let place = |mode: &str| word("coordinate_transformation_mode", mode);
                let attributes = match (bilinear, align_corners) {
                    (false, _) => vec![
                        word("mode", "nearest"),
                        place("asymmetric"),
                        word("nearest_mode", "floor"),
                    ],
                    (true, false) => vec![word("mode", "linear"), place("half_pixel")],
                    (true, true) => vec![word("mode", "linear"), place("align_corners")],
                };
                ("Resize", attributes)
            }
            ref other => return Err(format!("{other:?} has no counterpart there")),
        };
        self.add(name, operator, inputs, output, attributes);
        Ok(())
    }

    /// A convolution's weight and, if it has one, its bias.
    fn weights(&mut self, view: &NodeView<'n>, inputs: &mut Vec<String>) -> Step {
        inputs.push(self.parameter(view, "weight", None)?);
        if view
            .layer
            .parameters()
            .iter()
            .any(|(which, _)| *which == "bias")
        {
            inputs.push(self.parameter(view, "bias", None)?);
        }
        Ok(())
    }

    fn windows(&self, windows: convscope_nn::layer::Windows) -> Vec<Attribute> {
        vec![
            ints("kernel_shape", &windows.size),
            ints("strides", &windows.stride),
            pads(windows.pad),
            int("ceil_mode", windows.ceil.into()),
        ]
    }

    fn zeros(
        &mut self,
        name: &str,
        mut inputs: Vec<String>,
        ends: [usize; 6],
        output: String,
    ) -> Step {
        let [before, behind, top, bottom, left, right] = ends.map(|n| n as i64);
        let pads = vec![0, before, top, left, 0, behind, bottom, right];
        inputs.push(self.constant(format!("{name}.pads"), Constant::Wholes(pads)));
        self.add(name, "Pad", inputs, output, vec![]);
        Ok(())
    }

    /// Bins that divide the image are windows; others are sums with weights, a product with a
    /// matrix from the left for the rows and from the right for the columns.
    fn adaptive(
        &mut self,
        name: &str,
        inputs: Vec<String>,
        shapes: &[Shape],
        to: [usize; 2],
        output: String,
    ) -> Step {
        let from = [shapes[0][1], shapes[0][2]];
        if to == from {
            self.add(name, "Identity", inputs, output, vec![]);
            return Ok(());
        }
        if to == [1, 1] {
            self.add(name, "GlobalAveragePool", inputs, output, vec![]);
            return Ok(());
        }
        if from[0].is_multiple_of(to[0]) && from[1].is_multiple_of(to[1]) {
            let size = [from[0] / to[0], from[1] / to[1]];
            let attributes = vec![ints("kernel_shape", &size), ints("strides", &size)];
            self.add(name, "AveragePool", inputs, output, attributes);
            return Ok(());
        }
        let rows = Constant::Floats(vec![to[0], from[0]], means(to[0], from[0], false));
        let columns = Constant::Floats(vec![from[1], to[1]], means(to[1], from[1], true));
        let left = self.constant(format!("{name}.rows"), rows);
        let right = self.constant(format!("{name}.columns"), columns);
        let value = self.unique(&format!("{name}.down"));
        let down = [vec![left], inputs].concat();
        self.add(&value.clone(), "MatMul", down, value.clone(), vec![]);
        self.add(name, "MatMul", vec![value, right], output, vec![]);
        Ok(())
    }
}

/// The matrix that takes the means of bins of an axis, or that matrix turned.
fn means(bins: usize, size: usize, turned: bool) -> Vec<f32> {
    let weight = |bin: usize, at: usize| {
        let (first, last) = (bin * size / bins, ((bin + 1) * size).div_ceil(bins));
        match (first..last).contains(&at) {
            true => 1.0 / (last - first) as f32,
            false => 0.0,
        }
    };
    match turned {
        false => (0..bins * size)
            .map(|i| weight(i / size, i % size))
            .collect(),
        true => (0..bins * size)
            .map(|i| weight(i % bins, i / bins))
            .collect(),
    }
}
