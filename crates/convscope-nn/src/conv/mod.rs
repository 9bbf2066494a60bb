//! Two-dimensional convolution: forward, and its gradients with respect to the input and the
//! weights. (As in every framework, it is cross-correlation: the filter is not flipped.)
//!
//! [`direct`] is the plain sum that everything is tested against; [`im2col`] is the lecture's
//! matrix product through BLAS, the portable path. The fast ways are for `f32`: Winograd's
//! minimal filtering for 3x3 filters, windows laid out beside each other in the nearest cache for
//! everything else, and a plain loop where every channel has a filter of its own.
//! [`Method::of`] says which is taken.

mod depthwise;
pub mod direct;
pub mod im2col;
mod micro;
pub(crate) mod narrow;
mod scratch;
mod simd;
#[cfg(test)]
mod tests;
mod window;
mod winograd;

pub use simd::Instructions;
pub(crate) use simd::with_all_instructions;

use crate::error::{NnError, Result};
use crate::real::Real;
use rayon::prelude::*;
use winograd::Tile;

/// The sizes of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Filters, that is channels of the output.
    pub filters: usize,
    /// Height and width of a filter.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Zeros added at the top, bottom, left and right.
    pub pad: [usize; 4],
    /// Steps between a filter's taps, down and across; 1 where they are neighbours.
    pub dilation: [usize; 2],
    /// Groups that channels and filters are divided into: a filter sees its own group's channels.
    pub groups: usize,
    /// Height and width of the output.
    pub output: [usize; 2],
}

impl Geometry {
    /// Works out the output size, `floor((N - F + P) / S) + 1` along each axis, where `P` counts
    /// the zeros at both ends.
    ///
    /// # Errors
    /// When a size is zero or the filter is larger than the padded input.
    pub fn new(
        batch: usize,
        channels: usize,
        input: [usize; 2],
        filters: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        pad: [usize; 4],
    ) -> Result<Geometry> {
        if channels == 0 || filters == 0 {
            return Err(NnError::Invalid(format!(
                "a convolution needs at least one input channel and one filter, got {channels} and {filters}"
            )));
        }
        let mut g = Geometry {
            batch,
            channels,
            input,
            filters,
            kernel,
            stride,
            pad,
            dilation: [1, 1],
            groups: 1,
            output: [0; 2],
        };
        g.output = g.output_size()?;
        Ok(g)
    }

    /// The same with this many steps between a filter's taps (Yu and Koltun 2016).
    ///
    /// # Errors
    /// When a step is zero or the filter no longer fits the padded input.
    pub fn dilated(mut self, dilation: [usize; 2]) -> Result<Geometry> {
        if dilation.contains(&0) {
            return Err(NnError::Invalid(format!(
                "a dilation must be at least 1, got {dilation:?}"
            )));
        }
        self.dilation = dilation;
        self.output = self.output_size()?;
        Ok(self)
    }

    /// The same with channels and filters in groups.
    ///
    /// # Errors
    /// When the groups do not divide both.
    pub fn grouped(mut self, groups: usize) -> Result<Geometry> {
        let divides = |n: usize| groups > 0 && n.is_multiple_of(groups);
        if !divides(self.channels) || !divides(self.filters) {
            return Err(NnError::Invalid(format!(
                "groups must divide the input channels and the filters: {} channels and {} filters in {groups} groups",
                self.channels, self.filters
            )));
        }
        self.groups = groups;
        Ok(self)
    }

    fn output_size(&self) -> Result<[usize; 2]> {
        let mut output = [0; 2];
        for axis in 0..2 {
            // A filter's reach: its taps and the gaps between them.
            let reach = match self.kernel[axis] {
                0 => 0,
                k => (k - 1) * self.dilation[axis] + 1,
            };
            output[axis] = window_count(
                self.input[axis],
                reach,
                self.stride[axis],
                self.pad[2 * axis] + self.pad[2 * axis + 1],
                ["height", "width"][axis],
            )?;
        }
        Ok(output)
    }

    /// Numbers in one input image.
    pub fn input_len(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    /// Numbers in one output image.
    pub fn output_len(&self) -> usize {
        self.filters * self.positions()
    }

    /// Positions of the filter on one image.
    pub fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Weights of one filter.
    pub fn patch(&self) -> usize {
        self.channels / self.groups * self.kernel[0] * self.kernel[1]
    }

    /// Multiplications followed by an addition, for the whole batch.
    pub fn multiply_adds(&self) -> u64 {
        (self.batch * self.output_len() * self.patch()) as u64
    }

    /// One group of one image, as a convolution of its own.
    fn one_group(&self) -> Geometry {
        Geometry {
            batch: 1,
            channels: self.channels / self.groups,
            filters: self.filters / self.groups,
            groups: 1,
            ..*self
        }
    }
}

/// A 1x1 convolution is a matrix product already.
fn is_product(g: &Geometry) -> bool {
    g.kernel == [1, 1] && g.stride == [1, 1] && g.pad == [0; 4]
}

/// How much rounding a convolution in `f32` may do for the sake of speed. Errors are relative
/// 2-norms against `f64`, as `cargo course bench` measures them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Winograd's F(4x4, 3x3) for 3x3 filters: a quarter of the multiplications, an error of about
    /// 2e-6. The default: training and pictures do not notice.
    #[default]
    Fast,
    /// Winograd's F(2x2, 3x3): 4/9 of the multiplications, an error of about 3e-7.
    Balanced,
    /// Products and sums as the definition has them, an error of about 1e-7.
    Exact,
}

/// One of the three computations of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The output.
    Forward,
    /// The gradient with respect to the input.
    BackwardInput,
    /// The gradient with respect to the weights.
    BackwardWeight,
}

/// A way to compute a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Winograd's minimal filtering with tiles of 4x4 outputs.
    Winograd4,
    /// The same with tiles of 2x2 outputs.
    Winograd2,
    /// Windows laid out beside each other, a few positions at a time.
    Window,
    /// A filter for every channel, row by row.
    Depthwise,
    /// Whole images laid out as matrices, multiplied by BLAS.
    Im2col,
}

impl Method {
    /// The way that is taken for these sizes in `f32`.
    pub fn of(g: &Geometry, precision: Precision, direction: Direction) -> Method {
        if g.groups > 1 {
            if depthwise::fits(g) {
                return Method::Depthwise;
            }
            return Method::of(&g.one_group(), precision, direction);
        }
        // Transforms pay when there are channels to share them between.
        let channels = g.channels.min(g.filters);
        if winograd::fits(g) && channels >= 12 {
            match precision {
                Precision::Fast => return Method::Winograd4,
                Precision::Balanced => return Method::Winograd2,
                Precision::Exact => {}
            }
        }
        match direction {
            Direction::Forward => Method::Window,
            Direction::BackwardInput if window::Turned::of(g).is_some() => Method::Window,
            // A short row of positions is soon summed, and the sum across a vector is not.
            Direction::BackwardWeight if g.positions() >= 196 && g.output[1] >= 8 => Method::Window,
            _ => Method::Im2col,
        }
    }
}

/// The forward pass: `x` is `[batch, channels, height, width]`, `w` is
/// `[filters, channels / groups, kernel height, kernel width]`, `bias` has one number a filter, and
/// `y` is overwritten.
///
/// # Panics
/// When a slice has not the length that the geometry says.
pub fn forward<F: Real>(
    g: &Geometry,
    precision: Precision,
    x: &[F],
    w: &[F],
    bias: &[F],
    y: &mut [F],
) {
    check(g, x, w, y);
    let (Some(x32), Some(w32), Some(b32)) = (F::as_f32(x), F::as_f32(w), F::as_f32(bias)) else {
        return groups(g, x, y, w, bias, im2col::forward);
    };
    let y32 = F::as_f32_mut(y).expect("all are of one type");
    let instructions = Instructions::detect();
    let method = Method::of(g, precision, Direction::Forward);
    let one = |g: &Geometry, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| match method {
        Method::Winograd4 => winograd::forward(g, Tile::Four, instructions, x, w, bias, y),
        Method::Winograd2 => winograd::forward(g, Tile::Two, instructions, x, w, bias, y),
        Method::Window => window::forward(g, instructions, x, w, bias, y),
        Method::Depthwise => depthwise::forward(g, x, w, bias, y),
        Method::Im2col => im2col::forward(g, x, w, bias, y),
    };
    if method == Method::Depthwise {
        return one(g, x32, w32, b32, y32);
    }
    groups(g, x32, y32, w32, b32, one);
}

/// The gradient with respect to the input, from that with respect to the output; `dx` is
/// overwritten.
///
/// # Panics
/// When a slice has not the length that the geometry says.
pub fn backward_input<F: Real>(
    g: &Geometry,
    precision: Precision,
    dy: &[F],
    w: &[F],
    dx: &mut [F],
) {
    check(g, dx, w, dy);
    let (Some(dy32), Some(w32)) = (F::as_f32(dy), F::as_f32(w)) else {
        return input_groups(g, dy, w, dx, im2col::backward_input);
    };
    let dx32 = F::as_f32_mut(dx).expect("all are of one type");
    let instructions = Instructions::detect();
    let method = Method::of(g, precision, Direction::BackwardInput);
    let one = |g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32]| match method {
        Method::Winograd4 => winograd::backward_input(g, Tile::Four, instructions, dy, w, dx),
        Method::Winograd2 => winograd::backward_input(g, Tile::Two, instructions, dy, w, dx),
        Method::Window => {
            let turned = window::Turned::of(g).expect("the method fits");
            turned.backward_input(g, instructions, dy, w, dx);
        }
        Method::Depthwise => depthwise::backward_input(g, dy, w, dx),
        Method::Im2col => im2col::backward_input(g, dy, w, dx),
    };
    if method == Method::Depthwise {
        return one(g, dy32, w32, dx32);
    }
    input_groups(g, dy32, w32, dx32, one);
}

/// The gradients with respect to the weights and the bias, which are overwritten; an empty `db` is
/// none.
///
/// # Panics
/// When a slice has not the length that the geometry says.
pub fn backward_weight<F: Real>(
    g: &Geometry,
    precision: Precision,
    x: &[F],
    dy: &[F],
    dw: &mut [F],
    db: &mut [F],
) {
    check(g, x, dw, dy);
    if !db.is_empty() {
        db.copy_from_slice(&sum_planes(dy, g.filters, g.positions()));
    }
    let (Some(x32), Some(dy32)) = (F::as_f32(x), F::as_f32(dy)) else {
        return weight_groups(g, x, dy, dw, im2col::backward_weight);
    };
    let dw32 = F::as_f32_mut(dw).expect("all are of one type");
    let instructions = Instructions::detect();
    let method = Method::of(g, precision, Direction::BackwardWeight);
    let one = |g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]| match method {
        Method::Winograd4 => winograd::backward_weight(g, Tile::Four, instructions, x, dy, dw),
        Method::Winograd2 => winograd::backward_weight(g, Tile::Two, instructions, x, dy, dw),
        Method::Window => window::backward_weight(g, instructions, x, dy, dw),
        Method::Depthwise => depthwise::backward_weight(g, x, dy, dw),
        Method::Im2col => im2col::backward_weight(g, x, dy, dw),
    };
    if method == Method::Depthwise {
        return one(g, x32, dy32, dw32);
    }
    weight_groups(g, x32, dy32, dw32, one);
}

fn check<F>(g: &Geometry, x: &[F], w: &[F], y: &[F]) {
    assert_eq!(x.len(), g.batch * g.input_len(), "the input of {g:?}");
    assert_eq!(w.len(), g.filters * g.patch(), "the filters of {g:?}");
    assert_eq!(y.len(), g.batch * g.output_len(), "the output of {g:?}");
}

/// The sum over images and positions, channel by channel: a bias's gradient.
pub(crate) fn sum_planes<F: Real>(dy: &[F], channels: usize, plane: usize) -> Vec<F> {
    (0..channels)
        .into_par_iter()
        .map(|channel| {
            let planes = dy.chunks_exact(plane).skip(channel);
            with_all_instructions(|| planes.step_by(channels).map(sum).sum())
        })
        .collect()
}

/// A sum in lanes, which the compiler vectorises, and which round less than one long chain.
#[inline(always)]
fn sum<F: Real>(values: &[F]) -> F {
    let mut lanes = [F::zero(); 32];
    let chunks = values.chunks_exact(lanes.len());
    let rest: F = chunks.remainder().iter().copied().sum();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    rest + lanes.into_iter().sum()
}

/// Runs a convolution group by group and image by image, or all at once where there is one group.
fn groups<F: Real>(
    g: &Geometry,
    x: &[F],
    y: &mut [F],
    w: &[F],
    bias: &[F],
    one: impl Fn(&Geometry, &[F], &[F], &[F], &mut [F]) + Sync,
) {
    if g.groups == 1 {
        return one(g, x, w, bias, y);
    }
    let part = g.one_group();
    y.par_chunks_mut(part.output_len())
        .zip(x.par_chunks(part.input_len()))
        .enumerate()
        .for_each(|(i, (y, x))| {
            let group = i % g.groups;
            let w = &w[group * part.filters * part.patch()..][..part.filters * part.patch()];
            one(
                &part,
                x,
                w,
                &bias[group * part.filters..][..part.filters],
                y,
            );
        });
}

fn input_groups<F: Real>(
    g: &Geometry,
    dy: &[F],
    w: &[F],
    dx: &mut [F],
    one: impl Fn(&Geometry, &[F], &[F], &mut [F]) + Sync,
) {
    if g.groups == 1 {
        return one(g, dy, w, dx);
    }
    let part = g.one_group();
    dx.par_chunks_mut(part.input_len())
        .zip(dy.par_chunks(part.output_len()))
        .enumerate()
        .for_each(|(i, (dx, dy))| {
            let group = i % g.groups;
            let w = &w[group * part.filters * part.patch()..][..part.filters * part.patch()];
            one(&part, dy, w, dx);
        });
}

fn weight_groups<F: Real>(
    g: &Geometry,
    x: &[F],
    dy: &[F],
    dw: &mut [F],
    one: impl Fn(&Geometry, &[F], &[F], &mut [F]) + Sync,
) {
    if g.groups == 1 {
        return one(g, x, dy, dw);
    }
    let part = g.one_group();
    let len = part.filters * part.patch();
    dw.par_chunks_mut(len).enumerate().for_each(|(group, dw)| {
        dw.fill(F::zero());
        let mut more = vec![F::zero(); len];
        let xs = x.chunks_exact(part.input_len()).skip(group);
        let dys = dy.chunks_exact(part.output_len()).skip(group);
        for (x, dy) in xs.step_by(g.groups).zip(dys.step_by(g.groups)) {
            one(&part, x, dy, &mut more);
            for (sum, &more) in dw.iter_mut().zip(&more) {
                *sum += more;
            }
        }
    });
}

/// How many positions a window has along one axis.
///
/// # Errors
/// When a size is zero or the window is larger than the padded input.
pub fn window_count(
    input: usize,
    window: usize,
    stride: usize,
    pad: usize,
    axis: &str,
) -> Result<usize> {
    if input == 0 || window == 0 || stride == 0 {
        return Err(NnError::Invalid(format!(
            "the input's {axis}, the window and the stride must be at least 1, got {input}, {window} and {stride}"
        )));
    }
    if window > input + pad {
        return Err(NnError::Invalid(format!(
            "a window of {window} does not fit an input of {axis} {input} with {pad} of padding: use a smaller window, a larger input, or padding"
        )));
    }
    Ok((input + pad - window) / stride + 1)
}
