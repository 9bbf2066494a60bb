//! Guided backprop, the deconvnet and the gradient against a plain implementation in loops, on a
//! random network with convolutions, batch norm, ReLUs, max pooling and a residual sum.

use convscope_nn::{
    Add, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Network, Padding, Relu, Rule, Tensor,
    Unit,
};
use convscope_vis::{Seed, Target, backprop, deconvnet, guided_backprop, saliency};
use ndarray::IxDyn;

/// Feature maps, `[c, h, w]` one behind the other.
#[derive(Clone)]
struct Maps {
    c: usize,
    h: usize,
    w: usize,
    v: Vec<f64>,
}

impl Maps {
    fn zeros(c: usize, h: usize, w: usize) -> Maps {
        Maps {
            c,
            h,
            w,
            v: vec![0.0; c * h * w],
        }
    }

    fn place(&self, c: usize, y: usize, x: usize) -> usize {
        (c * self.h + y) * self.w + x
    }

    fn each(&self, f: impl Fn(usize, f64) -> f64) -> Maps {
        let v = self.v.iter().enumerate().map(|(i, &v)| f(i, v));
        Maps {
            v: v.collect(),
            ..self.clone()
        }
    }
}

/// A convolution 3x3 with padding 1: which input and weight each output reads.
struct Conv {
    weight: Vec<f64>,
    bias: Vec<f64>,
    stride: usize,
}

impl Conv {
    fn of(net: &Network, name: &str, stride: usize) -> Conv {
        Conv {
            weight: parameter(net, &format!("{name}.weight")),
            bias: parameter(net, &format!("{name}.bias")),
            stride,
        }
    }

    /// Calls `f(output, input, weight)` with the indices of every product.
    fn products(&self, input: &Maps, output: &Maps, mut f: impl FnMut(usize, usize, usize)) {
        for o in 0..output.c {
            for y in 0..output.h {
                for x in 0..output.w {
                    for i in 0..input.c {
                        for ky in 0..3 {
                            for kx in 0..3 {
                                let (iy, ix) = (y * self.stride + ky, x * self.stride + kx);
                                let inside = (1..=input.h).contains(&iy);
                                if inside && (1..=input.w).contains(&ix) {
                                    let from = input.place(i, iy - 1, ix - 1);
                                    let weight = ((o * input.c + i) * 3 + ky) * 3 + kx;
                                    f(output.place(o, y, x), from, weight);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn forward(&self, input: &Maps) -> Maps {
        let side = |size: usize| (size - 1) / self.stride + 1;
        let empty = Maps::zeros(self.bias.len(), side(input.h), side(input.w));
        let places = empty.h * empty.w;
        let mut out = empty.each(|i, _| self.bias[i / places]);
        let shape = out.clone();
        self.products(input, &shape, |o, i, k| {
            out.v[o] += self.weight[k] * input.v[i]
        });
        out
    }

    fn back(&self, input: &Maps, gradient: &Maps) -> Maps {
        let mut back = Maps::zeros(input.c, input.h, input.w);
        self.products(input, gradient, |o, i, k| {
            back.v[i] += self.weight[k] * gradient.v[o]
        });
        back
    }
}

/// Batch norm by running statistics: each channel times a number plus a number.
fn norm(net: &Network, name: &str) -> Vec<(f64, f64)> {
    let of = |part: &str| parameter(net, &format!("{name}.{part}"));
    let buffers = net.buffers();
    let buffer = |part: &str| -> Vec<f64> {
        let path = format!("{name}.{part}");
        let found = buffers.iter().find(|(p, _)| *p == path).unwrap().1;
        found.iter().map(|&v| f64::from(v)).collect()
    };
    let (gamma, beta) = (of("weight"), of("bias"));
    let (mean, variance) = (buffer("running_mean"), buffer("running_var"));
    (0..gamma.len())
        .map(|c| {
            let scale = gamma[c] / (variance[c] + 1e-5).sqrt();
            (scale, beta[c] - scale * mean[c])
        })
        .collect()
}

fn parameter(net: &Network, path: &str) -> Vec<f64> {
    let values = net.parameter(path).unwrap();
    values.iter().map(|&v| f64::from(v)).collect()
}

fn relu(x: &Maps) -> Maps {
    x.each(|_, v| v.max(0.0))
}

/// What goes back through a ReLU that read `x`.
fn relu_back(x: &Maps, gradient: &Maps, rule: Rule) -> Maps {
    gradient.each(|i, g| {
        let on = x.v[i] > 0.0;
        let pass = match rule {
            Rule::Gradient => on,
            Rule::Deconv => g > 0.0,
            _ => on && g > 0.0,
        };
        if pass { g } else { 0.0 }
    })
}

/// Max pooling 2x2: the outputs, and for each the place of its maximum, the first of equals.
fn pool(x: &Maps) -> (Maps, Vec<usize>) {
    let mut out = Maps::zeros(x.c, x.h / 2, x.w / 2);
    let mut switches = vec![0; out.v.len()];
    for c in 0..out.c {
        for y in 0..out.h {
            for z in 0..out.w {
                let o = out.place(c, y, z);
                let mut best = x.place(c, 2 * y, 2 * z);
                for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
                    let other = x.place(c, 2 * y + dy, 2 * z + dx);
                    if x.v[other] > x.v[best] {
                        best = other;
                    }
                }
                (out.v[o], switches[o]) = (x.v[best], best);
            }
        }
    }
    (out, switches)
}

fn net() -> Network {
    let three = |filters| Conv2d::new(filters, 3).padding(Padding::Each(1));
    let mut net = Network::input([3, 10, 8])
        .add("conv1", three(5))
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", three(5))
        .add("bn2", BatchNorm2d::new())
        .add_after(&["bn2", "pool1"], "sum", Add)
        .add("relu2", Relu)
        .add("conv3", three(4).stride(2))
        .add("relu3", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(5)
        .unwrap();
    for (k, bn) in ["bn1", "bn2"].into_iter().enumerate() {
        let wave = |shift: f32, by: f32, around: f32| {
            let five = (0..5).map(|c| around + by * (1.3 * c as f32 + shift + k as f32).sin());
            Tensor::from_shape_vec(IxDyn(&[5]), five.collect()).unwrap()
        };
        let set = net.set_parameter(&format!("{bn}.weight"), wave(0.0, 0.8, 0.7));
        set.unwrap();
        net.set_parameter(&format!("{bn}.bias"), wave(1.0, 0.4, 0.0))
            .unwrap();
        net.set_buffer(&format!("{bn}.running_mean"), wave(2.0, 0.5, 0.1))
            .unwrap();
        net.set_buffer(&format!("{bn}.running_var"), wave(3.0, 0.5, 1.0))
            .unwrap();
    }
    net
}

/// Where the way back begins.
enum From {
    Class(usize),
    /// A unit of `bn2`.
    Unit(usize),
}

/// The way back to the image, in loops.
fn oracle(net: &Network, image: &Maps, from: &From, rule: Rule, seed: Seed) -> Maps {
    let convs = [("conv1", 1), ("conv2", 1), ("conv3", 2)].map(|(n, s)| Conv::of(net, n, s));
    let norms = ["bn1", "bn2"].map(|n| norm(net, n));
    let scaled = |x: &Maps, norm: &[(f64, f64)], shift: f64| {
        let places = x.h * x.w;
        x.each(|i, v| norm[i / places].0 * v + shift * norm[i / places].1)
    };
    let conv1 = convs[0].forward(image);
    let bn1 = scaled(&conv1, &norms[0], 1.0);
    let relu1 = relu(&bn1);
    let (pool1, switches) = pool(&relu1);
    let conv2 = convs[1].forward(&pool1);
    let bn2 = scaled(&conv2, &norms[1], 1.0);
    let sum = bn2.each(|i, v| v + pool1.v[i]);
    let relu2 = relu(&sum);
    let conv3 = convs[2].forward(&relu2);
    let relu3 = relu(&conv3);
    let (weight, bias) = (parameter(net, "fc.weight"), parameter(net, "fc.bias"));

    // Gradients at bn2 and at pool1.
    let (at_bn2, shortcut) = match *from {
        From::Class(k) => {
            let row = &weight[k * relu3.v.len()..(k + 1) * relu3.v.len()];
            let products = row.iter().zip(&relu3.v).map(|(w, v)| w * v);
            let logit = bias[k] + products.sum::<f64>();
            let start = if seed == Seed::One { 1.0 } else { logit };
            let back = relu3.each(|i, _| start * row[i]);
            let back = relu_back(&conv3, &back, rule);
            let back = convs[2].back(&relu2, &back);
            let back = relu_back(&sum, &back, rule);
            (back.clone(), back)
        }
        From::Unit(unit) => {
            let start = if seed == Seed::One { 1.0 } else { bn2.v[unit] };
            let one = bn2.each(|i, _| if i == unit { start } else { 0.0 });
            (one, pool1.each(|_, _| 0.0))
        }
    };
    let back = scaled(&at_bn2, &norms[1], 0.0);
    let back = convs[1].back(&pool1, &back);
    let back = back.each(|i, g| g + shortcut.v[i]);
    let mut unpooled = relu1.each(|_, _| 0.0);
    for (g, &place) in back.v.iter().zip(&switches) {
        unpooled.v[place] += g;
    }
    let back = relu_back(&bn1, &unpooled, rule);
    convs[0].back(image, &scaled(&back, &norms[0], 0.0))
}

#[test]
fn the_three_rules_equal_plain_loops_from_a_class_and_from_a_unit() {
    let net = net();
    let rules = [Rule::Gradient, Rule::Guided, Rule::Deconv];
    let mut compared = 0;
    for number in 0..4 {
        let values: Vec<f32> = (0..240)
            .map(|i| (i as f32 * (0.7 + 0.31 * number as f32) + number as f32).sin() * 1.5)
            .collect();
        let image = Maps {
            v: values.iter().map(|&v| f64::from(v)).collect(),
            ..Maps::zeros(3, 10, 8)
        };
        let images = Tensor::from_shape_vec(IxDyn(&[1, 3, 10, 8]), values).unwrap();
        for (from, target) in [
            (From::Class(0), Target::Class(0)),
            (From::Class(2), Target::Class(2)),
            // Channel 3, row 2, column 1 of [5, 5, 4].
            (From::Unit(69), Unit::at("bn2", &[3, 2, 1]).into()),
        ] {
            for rule in rules {
                for seed in [Seed::One, Seed::Activation] {
                    let expected = oracle(&net, &image, &from, rule, seed);
                    let found = backprop(&net, &images, &target, rule, seed).unwrap();
                    let largest = expected.v.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                    for (f, e) in found.values.iter().zip(&expected.v) {
                        let gap = (f64::from(*f) - e).abs();
                        assert!(gap <= 1e-5 * largest, "{rule:?} {seed:?}: {f} for {e}");
                    }
                    compared += usize::from(largest > 0.0);
                }
            }
        }
    }
    assert!(compared > 60, "{compared} of 72 maps are not zero");
}

#[test]
fn the_named_methods_are_the_general_one_under_their_rule() {
    let net = net();
    let image = Tensor::from_shape_simple_fn(IxDyn(&[2, 3, 10, 8]), {
        let mut i = 0.0_f32;
        move || {
            i += 1.0;
            (0.9 * i).sin()
        }
    });
    let target = Target::Class(1);
    for seed in [Seed::One, Seed::Activation] {
        let general = |rule| backprop(&net, &image, &target, rule, seed).unwrap().values;
        let guided = guided_backprop(&net, &image, &target, seed).unwrap();
        assert_eq!(guided.values, general(Rule::Guided));
        assert_eq!(guided.provenance.method, "guided backprop");
        let deconv = deconvnet(&net, &image, &target, seed).unwrap();
        assert_eq!(deconv.values, general(Rule::Deconv));
        assert_eq!(
            deconv.provenance.settings["seed"],
            match seed {
                Seed::Activation => "activation",
                _ => "one",
            }
        );
    }
    let plain = backprop(&net, &image, &target, Rule::Gradient, Seed::One).unwrap();
    assert_eq!(
        saliency(&net, &image, &target).unwrap().values,
        plain.values
    );
}
