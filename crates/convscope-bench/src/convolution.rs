//! The convolution alone, in buffers that are used again, as in a step of a network.

use crate::clock::{Budget, Timed, measure};
use convscope_nn::conv::{self, Direction, Geometry, Method, Precision};
use std::convert::Infallible;
use std::ops::{Deref, DerefMut};

/// Batch, channels, height and width, kernel, filters; stride 1, padding `kernel / 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(pub [usize; 5]);

/// VGG-16's at 224x224, then batches of small images, then SqueezeNet's.
pub const SHAPES: [Shape; 14] = [
    Shape([1, 64, 224, 3, 64]),
    Shape([1, 128, 112, 3, 128]),
    Shape([1, 256, 56, 3, 256]),
    Shape([1, 512, 28, 3, 512]),
    Shape([1, 512, 14, 3, 512]),
    Shape([32, 3, 32, 5, 32]),
    Shape([32, 32, 32, 3, 32]),
    Shape([32, 64, 16, 3, 64]),
    Shape([128, 64, 32, 3, 64]),
    Shape([128, 1, 28, 3, 8]),
    Shape([128, 8, 28, 3, 8]),
    Shape([1, 3, 224, 3, 64]),
    Shape([1, 96, 54, 1, 16]),
    Shape([1, 64, 27, 3, 256]),
];

impl Shape {
    pub fn name(self) -> String {
        let [n, c, size, k, f] = self.0;
        format!("conv-{n}x{c}x{size}-{k}-{f}")
    }

    pub fn geometry(self) -> Geometry {
        let [n, c, size, k, f] = self.0;
        Geometry::new(n, c, [size; 2], f, [k; 2], [1; 2], [k / 2; 4])
            .expect("the shapes of the table are valid")
    }
}

/// Numbers between -0.5 and 0.5 in no order.
pub fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// Numbers that begin at a cache line, as tensors do here and in PyTorch.
struct Aligned {
    memory: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(values: &[f32]) -> Aligned {
        let mut memory = vec![0.0; values.len() + 16];
        let start = memory.as_ptr().align_offset(64);
        memory[start..][..values.len()].copy_from_slice(values);
        Aligned {
            memory,
            start,
            len: values.len(),
        }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.start..][..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..][..self.len]
    }
}

/// Everything a convolution reads and writes.
struct Buffers {
    geometry: Geometry,
    x: Aligned,
    w: Aligned,
    bias: Aligned,
    dy: Aligned,
    y: Aligned,
    dx: Aligned,
    dw: Aligned,
    dbias: Aligned,
}

impl Buffers {
    fn new(shape: Shape) -> Buffers {
        let g = shape.geometry();
        let (input, output) = (g.batch * g.input_len(), g.batch * g.output_len());
        let weights = g.filters * g.patch();
        Buffers {
            geometry: g,
            x: Aligned::new(&numbers(input, 1)),
            w: Aligned::new(&numbers(weights, 2)),
            bias: Aligned::new(&numbers(g.filters, 3)),
            dy: Aligned::new(&numbers(output, 4)),
            y: Aligned::new(&vec![1.0; output]),
            dx: Aligned::new(&vec![1.0; input]),
            dw: Aligned::new(&vec![1.0; weights]),
            dbias: Aligned::new(&vec![1.0; g.filters]),
        }
    }

    fn forward(&mut self, p: Precision) {
        let (x, w, bias) = (&self.x, &self.w, &self.bias);
        conv::forward(&self.geometry, p, x, w, bias, &mut self.y);
    }

    fn backward(&mut self, p: Precision) {
        let g = &self.geometry;
        conv::backward_input(g, p, &self.dy, &self.w, &mut self.dx);
        conv::backward_weight(g, p, &self.x, &self.dy, &mut self.dw, &mut self.dbias);
    }
}

/// What the forward pass takes, or all three computations and the bias.
pub fn time(shape: Shape, backward: bool, budget: Budget) -> Timed {
    let mut buffers = Buffers::new(shape);
    let p = Precision::default();
    // A layer runs on a thread of the pool: see `Real::run`.
    let times = rayon::scope(|_| {
        measure(budget, || {
            buffers.forward(p);
            if backward {
                buffers.backward(p);
            }
            Ok::<_, Infallible>(())
        })
    });
    let Ok(milliseconds) = times;
    Timed {
        milliseconds,
        multiply_adds: buffers.geometry.multiply_adds() * if backward { 3 } else { 1 },
    }
}

/// How each computation is done and how far it is from `f64`, as a relative 2-norm.
pub fn errors(shape: Shape) -> [(Method, f64); 3] {
    let mut buffers = Buffers::new(shape);
    let p = Precision::default();
    let g = buffers.geometry;
    rayon::scope(|_| {
        buffers.forward(p);
        buffers.backward(p);
    });
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let (x, w, bias, dy) = (
        wide(&buffers.x),
        wide(&buffers.w),
        wide(&buffers.bias),
        wide(&buffers.dy),
    );
    let (mut y, mut dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
    let (mut dw, mut dbias) = (vec![0.0; w.len()], vec![0.0; bias.len()]);
    conv::forward(&g, p, &x, &w, &bias, &mut y);
    conv::backward_input(&g, p, &dy, &w, &mut dx);
    conv::backward_weight(&g, p, &x, &dy, &mut dw, &mut dbias);
    [
        (Direction::Forward, relative(&buffers.y, &y)),
        (Direction::BackwardInput, relative(&buffers.dx, &dx)),
        (Direction::BackwardWeight, relative(&buffers.dw, &dw)),
    ]
    .map(|(direction, error)| (Method::of(&g, p, direction), error))
}

/// The 2-norm of the difference over that of the truth.
fn relative(values: &[f32], truth: &[f64]) -> f64 {
    let difference: f64 = values
        .iter()
        .zip(truth)
        .map(|(&v, &t)| (f64::from(v) - t).powi(2))
        .sum();
    let size: f64 = truth.iter().map(|t| t * t).sum();
    (difference / size).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_relative_to_the_truths_length() {
        assert_eq!(relative(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert_eq!(relative(&[6.0, 8.0], &[3.0, 4.0]), 1.0);
        assert_eq!(relative(&[0.0, 4.0], &[3.0, 4.0]), 0.6);
    }

    #[test]
    fn fast_convolutions_stay_near_the_exact_ones() {
        for shape in [Shape([2, 3, 9, 5, 4]), Shape([1, 16, 12, 3, 16])] {
            for (method, error) in errors(shape) {
                assert!(error < 1e-5, "{shape:?} {method:?} {error}");
            }
        }
    }

    #[test]
    fn numbers_are_seeded_and_centred() {
        assert_eq!(numbers(10, 1), numbers(10, 1));
        assert_ne!(numbers(10, 1), numbers(10, 2));
        let many = numbers(100_000, 7);
        assert!(many.iter().all(|v| (-0.5..0.5).contains(v)));
        assert!((many.iter().sum::<f32>() / 1e5).abs() < 0.01);
    }
}
