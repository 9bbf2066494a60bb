//! PIL's resampling of 8-bit pictures, to the bit: every output pixel is a weighted mean of the input
//! pixels under a filter, whose width grows when the picture shrinks. The weights are whole numbers
//! with 22 binary places; the rows are done first and rounded to bytes, then the columns.
//! (So did every PIL until Pillow 13, which begins with the columns of some tall pictures; the same
//! byte then differs by one in places.)
//!
//! The `image` crate's `Triangle` computes the same in floats without the rounding between: about one
//! byte in eight then differs by one, which is why this is here.

use super::Interpolation;

/// Binary places of a weight: 32 bits less 8 of the pixel less 2 for overshoot.
const PLACES: u32 = 22;

/// A picture of bytes, channel after channel, each row after row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bytes {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) data: Vec<u8>,
}

/// A part of one axis of the resized picture: `from .. from + count` of `whole` pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) whole: usize,
    pub(super) from: usize,
    pub(super) count: usize,
}

/// The weights of the input pixels under each output pixel of a span.
struct Weights {
    /// First input pixel, and where its weight stands in `values`.
    starts: Vec<(usize, usize)>,
    values: Vec<i32>,
}

impl Weights {
    fn new(input: usize, span: Span, filter: Interpolation) -> Self {
        let mut weights = Self {
            starts: Vec::with_capacity(span.count + 1),
            values: Vec::new(),
        };
        let scale = input as f64 / span.whole as f64;
        let stretch = scale.max(1.0);
        let support = stretch * reach(filter);
        let mut exact = Vec::new();
        for out in span.from..span.from + span.count {
            let centre = (out as f64 + 0.5) * scale;
            if filter == Interpolation::Nearest {
                let pixel = (centre as usize).min(input - 1);
                weights.starts.push((pixel, weights.values.len()));
                weights.values.push(1 << PLACES);
                continue;
            }
            let first = (centre - support + 0.5).max(0.0) as usize;
            let last = ((centre + support + 0.5) as usize).min(input);
            exact.clear();
            exact.extend((first..last).map(|x| {
                let distance = (x as f64 - centre + 0.5) * (1.0 / stretch);
                window(filter, distance)
            }));
            let sum: f64 = exact.iter().sum();
            weights.starts.push((first, weights.values.len()));
            weights.values.extend(exact.iter().map(|w| {
                let w = if sum == 0.0 { *w } else { w * (1.0 / sum) };
                (w * f64::from(1 << PLACES)).round() as i32
            }));
        }
        weights.starts.push((input, weights.values.len()));
        weights
    }

    fn of(&self, out: usize) -> (usize, &[i32]) {
        let (first, at) = self.starts[out];
        (first, &self.values[at..self.starts[out + 1].1])
    }
}

fn reach(filter: Interpolation) -> f64 {
    match filter {
        Interpolation::Nearest => 0.5,
        Interpolation::Bilinear => 1.0,
        Interpolation::Bicubic => 2.0,
    }
}

fn window(filter: Interpolation, distance: f64) -> f64 {
    let x = distance.abs();
    match filter {
        Interpolation::Nearest => 1.0,
        Interpolation::Bilinear if x < 1.0 => 1.0 - x,
        // R. Keys, Cubic convolution interpolation for digital image processing, 1981, a = -0.5.
        Interpolation::Bicubic if x < 1.0 => ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1.0,
        Interpolation::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        _ => 0.0,
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PLACES).clamp(0, 255) as u8
}

/// A part of the resized picture; no more is ever computed, whatever the proportions.
pub(super) fn resample(from: &Bytes, rows: Span, columns: Span, filter: Interpolation) -> Bytes {
    let down = Weights::new(from.height, rows, filter);
    let across = Weights::new(from.width, columns, filter);
    let (height, width) = (rows.count, columns.count);
    let mut data = Vec::with_capacity(from.channels * height * width);
    let mut narrow = vec![0u8; width];
    for channel in from.data.chunks_exact(from.height * from.width) {
        // Rows go into the sums they belong to as they come, so that there is never more than the
        // result: a picture of 50 million rows of one pixel would else take gigabytes on the way.
        let mut sums = vec![1i32 << (PLACES - 1); height * width];
        let (mut first_out, needed) = (0, needed(&down, height));
        for y in needed {
            let row = &channel[y * from.width..][..from.width];
            if columns.whole == from.width {
                narrow.copy_from_slice(&row[columns.from..][..width]);
            } else {
                for (out, pixel) in narrow.iter_mut().enumerate() {
                    let (first, weights) = across.of(out);
                    let sum = row[first..].iter().zip(weights);
                    let sum = sum.fold(1 << (PLACES - 1), |s, (&p, &w)| s + i32::from(p) * w);
                    *pixel = to_byte(sum);
                }
            }
            while first_out < height && {
                let (first, weights) = down.of(first_out);
                first + weights.len() <= y
            } {
                first_out += 1;
            }
            for out in first_out..height {
                let (first, weights) = down.of(out);
                if first > y {
                    break;
                }
                let Some(&weight) = weights.get(y - first) else {
                    continue;
                };
                let sums = &mut sums[out * width..][..width];
                for (sum, &pixel) in sums.iter_mut().zip(&narrow) {
                    *sum += i32::from(pixel) * weight;
                }
            }
        }
        data.extend(sums.into_iter().map(to_byte));
    }
    Bytes {
        channels: from.channels,
        height,
        width,
        data,
    }
}

/// The input rows under the output rows; both ends of what a row takes grow from row to row.
fn needed(weights: &Weights, outputs: usize) -> std::ops::Range<usize> {
    let (last, values) = weights.of(outputs - 1);
    weights.of(0).0..last + values.len()
}
