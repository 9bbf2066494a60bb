//! Images as sums of waves, with colours that vary independently: the parametrisation of Lucid
//! (Olah, Mordvintsev and Schubert 2017), in which a step moves coarse and fine, and all colours,
//! alike.

use super::range::PixelRange;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::fmt;
use std::sync::Arc;

/// The discrete Hartley transform of planes: the real waves `cos + sin`, as many as pixels. Divided
/// by the root of their number they are orthonormal, so that the transform is its own inverse and
/// its own adjoint.
#[derive(Clone)]
pub(crate) struct Hartley {
    size: [usize; 2],
    rows: Arc<dyn Fft<f32>>,
    columns: Arc<dyn Fft<f32>>,
}

impl fmt::Debug for Hartley {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hartley({:?})", self.size)
    }
}

impl Hartley {
    pub(crate) fn new(size: [usize; 2]) -> Hartley {
        let mut planner = FftPlanner::new();
        Hartley {
            size,
            rows: planner.plan_fft_forward(size[1]),
            columns: planner.plan_fft_forward(size[0]),
        }
    }

    pub(crate) fn transform(&self, plane: &mut [f32]) {
        let [h, w] = self.size;
        let complex = plane.iter().map(|&v| Complex32::new(v, 0.0));
        let mut rows: Vec<Complex32> = complex.collect();
        self.rows.process(&mut rows);
        let mut columns = vec![Complex32::default(); rows.len()];
        for y in 0..h {
            for x in 0..w {
                columns[x * h + y] = rows[y * w + x];
            }
        }
        self.columns.process(&mut columns);
        let by = 1.0 / (plane.len() as f32).sqrt();
        for y in 0..h {
            for x in 0..w {
                let v = columns[x * h + y];
                plane[y * w + x] = by * (v.re - v.im);
            }
        }
    }
}

/// How colours of photographs vary together: a root of their covariance (Lucid's figures for
/// ImageNet, red, green, blue), divided by the norm of its longest column.
const COLOURS: [[f32; 3]; 3] = [[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]];

/// From coefficients of waves to images in a range, `[N, C, H, W]` both: weighted by frequency,
/// transformed, colours mixed, brought into the range by a sigmoid.
#[derive(Clone, Debug)]
pub(crate) struct Waves {
    hartley: Hartley,
    /// The weight of each wave.
    scale: Vec<f32>,
    /// From independent channels to colours; none where there are not three.
    mix: Option<[[f32; 3]; 3]>,
    range: PixelRange,
}

impl Waves {
    /// Waves weighted by their frequency to the power of `-decay`; the constant one counts as the
    /// slowest of the others.
    pub(crate) fn new(size: [usize; 2], range: &PixelRange, decay: f64, colours: bool) -> Waves {
        let [h, w] = size;
        let frequency = |i: usize, n: usize| i.min(n - i) as f64 / n as f64;
        let slowest = 1.0 / h.max(w) as f64;
        // A quarter of Lucid's irfft, in which a wave and its mirror image are one.
        let by = 2.0_f64.sqrt() / 4.0;
        let scale = (0..h * w).map(|i| {
            let f = frequency(i / w, h).hypot(frequency(i % w, w));
            (by * f.max(slowest).powf(-decay)) as f32
        });
        Waves {
            hartley: Hartley::new(size),
            scale: scale.collect(),
            mix: (colours && range.channels() == 3).then(|| colour_root(range.bgr)),
            range: range.clone(),
        }
    }

    /// One image.
    pub(crate) fn image(&self, waves: &[f32], out: &mut [f32]) {
        let plane = self.scale.len();
        out.copy_from_slice(waves);
        for one in out.chunks_mut(plane) {
            one.iter_mut().zip(&self.scale).for_each(|(v, s)| *v *= s);
            self.hartley.transform(one);
        }
        self.mix_by(out, self.mix);
        for (c, one) in out.chunks_mut(plane).enumerate() {
            let (low, span) = (self.range.low[c], self.range.span(c));
            one.iter_mut()
                .for_each(|v| *v = low + span / (1.0 + (-*v).exp()));
        }
    }

    /// The gradient with respect to the waves, in place of that with respect to the image.
    pub(crate) fn back(&self, image: &[f32], gradient: &mut [f32]) {
        let plane = self.scale.len();
        let planes = gradient.chunks_mut(plane).zip(image.chunks(plane));
        for (c, (g, image)) in planes.enumerate() {
            let (low, span) = (self.range.low[c], self.range.span(c));
            for (g, &v) in g.iter_mut().zip(image) {
                let s = (v - low) / span;
                *g *= span * s * (1.0 - s);
            }
        }
        self.mix_by(gradient, self.mix.map(transposed));
        for one in gradient.chunks_mut(plane) {
            self.hartley.transform(one);
            one.iter_mut().zip(&self.scale).for_each(|(v, s)| *v *= s);
        }
    }

    /// The waves of an image; one at the end of the range has none, and is moved a little inwards.
    pub(crate) fn waves(&self, image: &[f32]) -> Vec<f32> {
        let plane = self.scale.len();
        let mut out = image.to_vec();
        for (c, one) in out.chunks_mut(plane).enumerate() {
            let (low, span) = (self.range.low[c], self.range.span(c));
            for v in one {
                let s = ((*v - low) / span).clamp(1e-3, 1.0 - 1e-3);
                *v = (s / (1.0 - s)).ln();
            }
        }
        self.mix_by(&mut out, self.mix.map(inverse));
        for one in out.chunks_mut(plane) {
            self.hartley.transform(one);
            one.iter_mut().zip(&self.scale).for_each(|(v, s)| *v /= s);
        }
        out
    }

    fn mix_by(&self, planes: &mut [f32], matrix: Option<[[f32; 3]; 3]>) {
        let Some(m) = matrix else { return };
        let (a, rest) = planes.split_at_mut(self.scale.len());
        let (b, c) = rest.split_at_mut(self.scale.len());
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            let v = [*a, *b, *c];
            let row = |r: [f32; 3]| r[0] * v[0] + r[1] * v[1] + r[2] * v[2];
            (*a, *b, *c) = (row(m[0]), row(m[1]), row(m[2]));
        }
    }
}

/// [`COLOURS`] normalised, in the network's order of channels.
fn colour_root(bgr: bool) -> [[f32; 3]; 3] {
    let norm = |j: usize| {
        COLOURS
            .iter()
            .map(|row| row[j] * row[j])
            .sum::<f32>()
            .sqrt()
    };
    let longest = norm(0).max(norm(1)).max(norm(2));
    let mut root = COLOURS.map(|row| row.map(|v| v / longest));
    if bgr {
        root.reverse();
    }
    root
}

fn transposed(m: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| m[j][i]))
}

/// By Cramer's rule.
fn inverse(m: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    let minor = |i: usize, j: usize| {
        let [a, b] = [(i + 1) % 3, (i + 2) % 3];
        let [c, d] = [(j + 1) % 3, (j + 2) % 3];
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant = (0..3).map(|j| m[0][j] * minor(0, j)).sum::<f32>();
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| minor(j, i) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random::<f32>() - 0.5).collect()
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_hartley_transform_is_the_sum_of_waves_and_its_own_inverse_and_adjoint() {
        for size in [[8, 8], [5, 7], [1, 6]] {
            let [h, w] = size;
            let hartley = Hartley::new(size);
            let (x, y) = (random(h * w, 1), random(h * w, 2));
            let (mut there, mut other) = (x.clone(), y.clone());
            hartley.transform(&mut there);
            hartley.transform(&mut other);
            assert!((dot(&there, &y) - dot(&x, &other)).abs() < 1e-5);
            for (i, &got) in there.iter().enumerate() {
                let wave = |j: usize| {
                    let turns =
                        (i / w * (j / w)) as f32 / h as f32 + (i % w * (j % w)) as f32 / w as f32;
                    let angle = turns * std::f32::consts::TAU;
                    angle.cos() + angle.sin()
                };
                let sum: f32 = x.iter().enumerate().map(|(j, v)| v * wave(j)).sum();
                assert!((sum / ((h * w) as f32).sqrt() - got).abs() < 1e-4);
            }
            hartley.transform(&mut there);
            assert!(there.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn waves_of_an_image_give_the_image_back() {
        for (channels, colours, bgr) in [
            (1, true, false),
            (3, true, false),
            (3, true, true),
            (3, false, false),
            (5, true, false),
        ] {
            let mut range = PixelRange::standardised(channels);
            range.bgr = bgr;
            let waves = Waves::new([8, 10], &range, 1.0, colours);
            let image = random(channels * 80, 4);
            let mut back = vec![0.0; image.len()];
            waves.image(&waves.waves(&image), &mut back);
            let worst = image.iter().zip(&back).map(|(a, b)| (a - b).abs());
            assert!(worst.fold(0.0, f32::max) < 1e-4);
        }
    }

    #[test]
    fn the_way_back_through_the_waves_is_the_slope_of_the_way_there() {
        let range = PixelRange::uniform(3, -1.0, 2.0).unwrap();
        let waves = Waves::new([6, 8], &range, 1.0, true);
        let z = random(144, 5);
        let (along, toward) = (random(144, 6), random(144, 7));
        let value = |step: f32| {
            let moved: Vec<f32> = z.iter().zip(&along).map(|(z, a)| z + step * a).collect();
            let mut image = vec![0.0; 144];
            waves.image(&moved, &mut image);
            dot(&image, &toward)
        };
        let mut image = vec![0.0; 144];
        waves.image(&z, &mut image);
        let mut gradient = toward.clone();
        waves.back(&image, &mut gradient);
        let slope = (value(1e-2) - value(-1e-2)) / 2e-2;
        assert!((slope - dot(&gradient, &along)).abs() < 2e-3 * (1.0 + slope.abs()));
    }
}
