//! Gabor functions: a wave in a bell, which first layers learn as the visual cortex has it.

use super::filters::Filters;
use super::least_squares::{Fit, levenberg_marquardt};
use crate::error::{Result, VisError};
use crate::map::Flag;
use convscope_nn::eigh;
use ndarray::{Array2, ArrayView3, Axis};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};

/// Starts of the fit that are followed to their ends.
const STARTS: usize = 8;
/// The most steps from each.
const STEPS: usize = 80;

/// A Gabor function:
/// `amplitude exp(-u² / 2 width² - v² / 2 length²) cos(2 pi frequency u + phase) + offset`, with `u`
/// across the bars and `v` along them from the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gabor {
    /// At least 0.
    pub amplitude: f64,
    /// Row and column, from those of the first pixel's middle.
    pub centre: [f64; 2],
    /// Standard deviation of the bell across the bars, in pixels.
    pub width: f64,
    /// Standard deviation along the bars.
    pub length: f64,
    /// Of the bars, in degrees from 0 to below 180, as a [`Grating`](crate::Grating)'s.
    pub orientation: f64,
    /// Cycles per pixel.
    pub frequency: f64,
    /// Of the wave at the centre, in radians from -pi to pi: 0 is light in the middle, a quarter
    /// turn an edge.
    pub phase: f64,
    /// Added everywhere.
    pub offset: f64,
}

/// A Gabor function fitted to a filter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GaborFit {
    /// The function.
    pub gabor: Gabor,
    /// The share of the filter's variance that it explains: 1 is a perfect fit.
    pub r_squared: f64,
    /// The share of the filter's squared weights that were left when its channels were made one;
    /// 1 of a grey filter.
    pub channel_share: f64,
    /// Flagged where the filter is constant: the amplitude is 0.
    pub flags: Vec<Flag>,
}

/// How the channels of a filter become one before a Gabor function is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelAxis {
    /// Along the direction of colour in which its weights are largest: serves filters that go from
    /// one colour to another as well.
    #[default]
    Principal,
    /// Their mean: light and dark alone.
    Mean,
}

impl Gabor {
    /// The function over a picture of this size.
    pub fn picture(&self, [height, width]: [usize; 2]) -> Array2<f64> {
        let parameters = self.parameters();
        Array2::from_shape_fn((height, width), |(y, x)| {
            value(&parameters, y as f64, x as f64).0
        })
    }

    fn parameters(&self) -> [f64; 9] {
        [
            self.amplitude,
            self.centre[0],
            self.centre[1],
            self.width.ln(),
            self.length.ln(),
            self.orientation.to_radians(),
            self.frequency,
            self.phase,
            self.offset,
        ]
    }

    /// From the numbers of a fit, turned into the ranges that the fields promise.
    fn of(p: &[f64]) -> Gabor {
        let (mut phase, mut turn) = (p[7], p[5]);
        if p[0] < 0.0 {
            phase += PI;
        }
        if p[6] < 0.0 {
            phase = -phase;
        }
        turn = turn.rem_euclid(TAU);
        // A hair below half a turn would be rounded to 180 degrees.
        while turn > PI - 1e-12 {
            // The other way round, the wave runs backwards.
            turn = (turn - PI).max(0.0);
            phase = -phase;
        }
        Gabor {
            amplitude: p[0].abs(),
            centre: [p[1], p[2]],
            width: p[3].exp(),
            length: p[4].exp(),
            orientation: turn.to_degrees(),
            frequency: p[6].abs(),
            phase: (phase + PI).rem_euclid(TAU) - PI,
            offset: p[8],
        }
    }
}

/// The function and its derivatives by its nine numbers; widths are their logarithms.
fn value(p: &[f64; 9], y: f64, x: f64) -> (f64, [f64; 9]) {
    let (down, across) = (y - p[1], x - p[2]);
    let (sin, cos) = p[5].sin_cos();
    let (u, v) = (across * sin + down * cos, across * cos - down * sin);
    let (width, length) = (p[3].exp(), p[4].exp());
    let (a, b) = (u / width, v / length);
    let bell = (-(a * a + b * b) / 2.0).exp();
    let (wave_sin, wave_cos) = (TAU * p[6] * u + p[7]).sin_cos();
    let even = p[0] * bell * wave_cos;
    let odd = p[0] * bell * wave_sin;
    let by_u = -even * a / width - odd * TAU * p[6];
    let by_v = -even * b / length;
    let by = [
        bell * wave_cos,
        -by_u * cos + by_v * sin,
        -by_u * sin - by_v * cos,
        even * a * a,
        even * b * b,
        by_u * v - by_v * u,
        -odd * TAU * u,
        -odd,
        1.0,
    ];
    (even + p[8], by)
}

/// Fits a Gabor function to a filter `[h, w]` by least squares: Levenberg and Marquardt's steps from
/// the best of many gratings under a bell (Jones and Palmer 1987 fit simple cells so).
///
/// # Errors
/// When the filter is smaller than 4x4, or holds a NaN or an infinity: fewer pixels than numbers.
pub fn fit_gabor(filter: &Array2<f64>) -> Result<GaborFit> {
    let (h, w) = filter.dim();
    if h < 4 || w < 4 {
        let expected = "a filter of at least 4x4: a Gabor function has nine numbers";
        return Err(VisError::shape("a Gabor fit", expected, filter.shape()));
    }
    if !filter.iter().all(|v| v.is_finite()) {
        return Err(VisError::invalid(
            "a Gabor fit: the filter holds a NaN or an infinity",
        ));
    }
    let mean = filter.mean().expect("a filter");
    let spread = filter
        .iter()
        .fold(0.0, |most, v| f64::max(most, (v - mean).abs()));
    if spread <= 1e-12 * mean.abs() || spread == 0.0 {
        let flat = [
            0.0,
            (h as f64 - 1.0) / 2.0,
            (w as f64 - 1.0) / 2.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            mean,
        ];
        return Ok(GaborFit {
            gabor: Gabor::of(&flat),
            r_squared: 0.0,
            channel_share: 1.0,
            flags: vec![Flag::Constant],
        });
    }
    let scaled = filter.mapv(|v| v / spread);
    let limits = Limits::of(h, w);
    let mut best: Option<Fit<9>> = None;
    for start in starts(&scaled) {
        let fit = levenberg_marquardt(
            start,
            STEPS,
            |p| limits.keep(p),
            |p, add| {
                for ((y, x), &wanted) in scaled.indexed_iter() {
                    let (got, by) = value(p, y as f64, x as f64);
                    add(got - wanted, &by);
                }
            },
        );
        if best.as_ref().is_none_or(|b| fit.squares < b.squares) {
            best = Some(fit);
        }
    }
    let best = best.expect("there are starts");
    let mean = scaled.mean().expect("a filter");
    let total: f64 = scaled.iter().map(|v| (v - mean) * (v - mean)).sum();
    let mut gabor = Gabor::of(&best.parameters);
    gabor.amplitude *= spread;
    gabor.offset *= spread;
    Ok(GaborFit {
        gabor,
        r_squared: 1.0 - best.squares / total,
        channel_share: 1.0,
        flags: Vec::new(),
    })
}

/// A fit for every filter of a layer.
///
/// # Errors
/// As [`fit_gabor`].
pub fn fit_gabors(filters: &Filters, axis: ChannelAxis) -> Result<Vec<GaborFit>> {
    let count = filters.weights.dim().0;
    (0..count)
        .into_par_iter()
        .map(|i| {
            let filter = filters.weights.index_axis(Axis(0), i);
            let (plane, share) = one_channel(filter, axis)?;
            let fit = fit_gabor(&plane)?;
            Ok(GaborFit {
                channel_share: share,
                ..fit
            })
        })
        .collect()
}

/// A filter `[C, h, w]` as `[h, w]`, and the share of its squared weights that this keeps.
fn one_channel(filter: ArrayView3<'_, f32>, axis: ChannelAxis) -> Result<(Array2<f64>, f64)> {
    let (channels, h, w) = filter.dim();
    let wide = filter.mapv(f64::from);
    let rows = wide
        .to_shape((channels, h * w))
        .expect("the same numbers")
        .into_owned();
    let direction = match axis {
        ChannelAxis::Mean => vec![1.0 / (channels as f64).sqrt(); channels],
        ChannelAxis::Principal => {
            let (_, vectors) = eigh(&rows.dot(&rows.t()))?;
            let last = vectors.column(channels - 1);
            // Light is where most channels are.
            let sign = if last.sum() < 0.0 { -1.0 } else { 1.0 };
            last.iter().map(|v| sign * v).collect()
        }
    };
    let mut plane = Array2::zeros((h, w));
    for (channel, &weight) in wide.outer_iter().zip(&direction) {
        plane.scaled_add(weight, &channel);
    }
    let squares = |values: &mut dyn Iterator<Item = &f64>| values.map(|v| v * v).sum::<f64>();
    let (kept, all) = (squares(&mut plane.iter()), squares(&mut wide.iter()));
    Ok((plane, if all > 0.0 { kept / all } else { 1.0 }))
}

/// Beyond these a Gabor function is another thing: a plane, or a spike between pixels.
struct Limits {
    size: [f64; 2],
    longest: f64,
}

impl Limits {
    fn of(h: usize, w: usize) -> Limits {
        Limits {
            size: [h as f64, w as f64],
            longest: 2.0 * h.max(w) as f64,
        }
    }

    fn keep(&self, p: &mut [f64; 9]) {
        for axis in 0..2 {
            p[1 + axis] = p[1 + axis].clamp(-0.5 * self.size[axis], 1.5 * self.size[axis]);
        }
        for width in &mut p[3..5] {
            *width = width.clamp(0.4_f64.ln(), self.longest.ln());
        }
        p[6] = p[6].clamp(-0.6, 0.6);
    }
}

/// The best gratings under a bell in the middle of the filter's energy, each as a start.
fn starts(filter: &Array2<f64>) -> Vec<[f64; 9]> {
    let (h, w) = filter.dim();
    let mean = filter.mean().expect("a filter");
    let energy = |(y, x): (usize, usize)| (filter[[y, x]] - mean).powi(2);
    let places = || ndarray::indices((h, w)).into_iter();
    let total: f64 = places().map(energy).sum();
    let middle = |of: &dyn Fn((usize, usize)) -> f64| {
        places().map(|at| of(at) * energy(at)).sum::<f64>() / total
    };
    let centre = [middle(&|(y, _)| y as f64), middle(&|(_, x)| x as f64)];
    let size = h.max(w) as f64;
    let mut all = Vec::new();
    for turn in 0..12 {
        for frequency in [0.5 / size, 1.0 / size, 1.6 / size, 2.5 / size, 0.33] {
            for share in [0.15, 0.3] {
                let bell = (share * size).ln();
                let angle = PI * f64::from(turn) / 12.0;
                let start = [
                    1.0, centre[0], centre[1], bell, bell, angle, frequency, 0.0, mean,
                ];
                all.push(scored(filter, start));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter()
        .take(STARTS)
        .map(|(_, start)| start)
        .collect()
}

/// A start with the amplitude and phase that fit best, and the squares that are left.
fn scored(filter: &Array2<f64>, mut start: [f64; 9]) -> (f64, [f64; 9]) {
    let mut quarter = start;
    quarter[7] = PI / 2.0;
    let (mut ee, mut eo, mut oo, mut ye, mut yo, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for ((y, x), &wanted) in filter.indexed_iter() {
        let (y, x, wanted) = (y as f64, x as f64, wanted - start[8]);
        // cos(a + pi/2) = -sin(a)
        let (even, odd) = (value(&start, y, x).1[0], -value(&quarter, y, x).1[0]);
        ee += even * even;
        eo += even * odd;
        oo += odd * odd;
        ye += wanted * even;
        yo += wanted * odd;
        yy += wanted * wanted;
    }
    let determinant = ee * oo - eo * eo;
    let (a, b) = match determinant > 1e-9 * ee * oo {
        true => (
            (ye * oo - yo * eo) / determinant,
            (yo * ee - ye * eo) / determinant,
        ),
        false => (if ee > 0.0 { ye / ee } else { 0.0 }, 0.0),
    };
    // a cos(x) + b sin(x) = r cos(x - phase)
    start[0] = a.hypot(b);
    start[7] = -b.atan2(a);
    (yy - a * ye - b * yo, start)
}
