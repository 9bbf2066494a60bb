//! Small random changes to an image before each pass, so that it has to be right in more than one
//! place and at more than one size; and the exact way back of the gradient.

use rand::Rng;
use serde::Serialize;

/// One random change. The gradient is taken back through it exactly (by its adjoint).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// So many pixels of mid-grey at every side (Lucid).
    Pad(usize),
    /// A part that is so many pixels smaller, at a random place (Lucid's jitter).
    Jitter(usize),
    /// Shifted by up to so many pixels each way; what leaves at one side enters at the other (the
    /// jitter of Google's deep dream and of CS231n).
    Roll(usize),
    /// Enlarged about the middle by a factor between these two; the size of the array stays, and the
    /// border's pixels go on outside of it.
    Scale(f32, f32),
    /// Turned about the middle by an angle between these two, in degrees.
    Rotate(f32, f32),
}

/// What was drawn for one image.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    changes: Vec<(Change, [usize; 2])>,
    to: [usize; 2],
}

#[derive(Clone, Debug)]
enum Change {
    Pad(usize),
    Crop {
        y: usize,
        x: usize,
    },
    Roll {
        y: usize,
        x: usize,
    },
    /// Where each pixel comes from, about the middle: `[[a, b], [c, d]]`.
    Warp([f32; 4]),
}

/// The size of images after these changes; none when nothing would be left.
pub(crate) fn size_after(transforms: &[Transform], size: [usize; 2]) -> Option<[usize; 2]> {
    transforms.iter().try_fold(size, |[h, w], t| match *t {
        Transform::Pad(n) => Some([h + 2 * n, w + 2 * n]),
        Transform::Jitter(n) if n >= h.min(w) => None,
        Transform::Jitter(n) => Some([h - n, w - n]),
        _ => Some([h, w]),
    })
}

impl Chain {
    /// Draws changes for an image of this size.
    pub(crate) fn draw(transforms: &[Transform], from: [usize; 2], rng: &mut impl Rng) -> Chain {
        let mut chain = Chain {
            changes: Vec::new(),
            to: from,
        };
        for &transform in transforms {
            let size = chain.to;
            let between =
                |rng: &mut dyn rand::RngCore, a: f32, b: f32| a + (b - a) * rng.random::<f32>();
            let change = match transform {
                Transform::Pad(n) => Change::Pad(n),
                Transform::Jitter(n) => Change::Crop {
                    y: rng.random_range(0..=n),
                    x: rng.random_range(0..=n),
                },
                Transform::Roll(n) => Change::Roll {
                    y: (rng.random_range(0..=2 * n) + size[0] * (n / size[0] + 1) - n) % size[0],
                    x: (rng.random_range(0..=2 * n) + size[1] * (n / size[1] + 1) - n) % size[1],
                },
                Transform::Scale(a, b) => {
                    let by = 1.0 / between(rng, a, b);
                    Change::Warp([by, 0.0, 0.0, by])
                }
                Transform::Rotate(a, b) => {
                    let (sin, cos) = between(rng, a, b).to_radians().sin_cos();
                    Change::Warp([cos, -sin, sin, cos])
                }
            };
            chain.push(change, size);
            chain.to = size_after(&[transform], size).expect("checked before");
        }
        chain
    }

    /// Two warps after each other are one, so that pixels are mixed once.
    fn push(&mut self, change: Change, size: [usize; 2]) {
        if let (Change::Warp(n), Some((Change::Warp(m), _))) = (&change, self.changes.last_mut()) {
            let [a, b, c, d] = *m;
            *m = [
                a * n[0] + b * n[2],
                a * n[1] + b * n[3],
                c * n[0] + d * n[2],
                c * n[1] + d * n[3],
            ];
            return;
        }
        self.changes.push((change, size));
    }

    /// The changed image; `fill` is the value around each channel.
    pub(crate) fn apply(&self, image: &[f32], fill: &[f32]) -> Vec<f32> {
        let mut now = image.to_vec();
        for (i, (change, from)) in self.changes.iter().enumerate() {
            now = change.apply(&now, *from, self.size(i + 1), fill);
        }
        now
    }

    /// The gradient with respect to the image, given that with respect to the changed one.
    pub(crate) fn adjoint(&self, gradient: &[f32], channels: usize) -> Vec<f32> {
        let mut now = gradient.to_vec();
        for (i, (change, from)) in self.changes.iter().enumerate().rev() {
            now = change.adjoint(&now, *from, self.size(i + 1), channels);
        }
        now
    }

    /// The size before change `i`.
    fn size(&self, i: usize) -> [usize; 2] {
        self.changes.get(i).map_or(self.to, |(_, size)| *size)
    }
}

impl Change {
    fn apply(&self, image: &[f32], from: [usize; 2], to: [usize; 2], fill: &[f32]) -> Vec<f32> {
        let (plane, out_plane) = (from[0] * from[1], to[0] * to[1]);
        let mut out = vec![0.0; fill.len() * out_plane];
        if let Change::Warp(m) = *self {
            each_tap(m, from, |i, taps| {
                for c in 0..fill.len() {
                    let image = &image[c * plane..(c + 1) * plane];
                    let pixels = taps.iter().map(|&(j, weight)| weight * image[j]);
                    out[c * out_plane + i] = pixels.sum();
                }
            });
            return out;
        }
        let planes = image.chunks(plane);
        for ((out, image), &fill) in out.chunks_mut(out_plane).zip(planes).zip(fill) {
            if let Change::Pad(_) = self {
                out.fill(fill);
            }
            self.each_run(from, to, |i, j, n| {
                out[i..i + n].copy_from_slice(&image[j..j + n]);
            });
        }
        out
    }

    fn adjoint(&self, g: &[f32], from: [usize; 2], to: [usize; 2], channels: usize) -> Vec<f32> {
        let (plane, out_plane) = (from[0] * from[1], to[0] * to[1]);
        let mut out = vec![0.0; channels * plane];
        if let Change::Warp(m) = *self {
            each_tap(m, from, |i, taps| {
                for c in 0..channels {
                    let v = g[c * out_plane + i];
                    let out = &mut out[c * plane..(c + 1) * plane];
                    taps.iter().for_each(|&(j, weight)| out[j] += weight * v);
                }
            });
            return out;
        }
        for (out, g) in out.chunks_mut(plane).zip(g.chunks(out_plane)) {
            self.each_run(from, to, |i, j, n| {
                out[j..j + n].copy_from_slice(&g[i..i + n]);
            });
        }
        out
    }

    /// Runs of pixels that go over as they are: their place after, before, and how many.
    fn each_run(&self, from: [usize; 2], to: [usize; 2], mut run: impl FnMut(usize, usize, usize)) {
        match *self {
            Change::Pad(n) => {
                for y in 0..from[0] {
                    run((y + n) * to[1] + n, y * from[1], from[1]);
                }
            }
            Change::Crop { y, x } => {
                for row in 0..to[0] {
                    run(row * to[1], (row + y) * from[1] + x, to[1]);
                }
            }
            Change::Roll { y, x } => {
                let [h, w] = from;
                for row in 0..h {
                    let target = (row + y) % h * w;
                    run(target + x, row * w, w - x);
                    run(target, row * w + w - x, x);
                }
            }
            Change::Warp(_) => {}
        }
    }
}

/// The four pixels that each pixel of a warped plane is mixed of.
fn each_tap(m: [f32; 4], [h, w]: [usize; 2], mut tap: impl FnMut(usize, &[(usize, f32); 4])) {
    let (cy, cx) = ((h as f32 - 1.0) / 2.0, (w as f32 - 1.0) / 2.0);
    for y in 0..h {
        for x in 0..w {
            let (dy, dx) = (y as f32 - cy, x as f32 - cx);
            let (y0, y1, fy) = between(m[0] * dy + m[1] * dx + cy, h);
            let (x0, x1, fx) = between(m[2] * dy + m[3] * dx + cx, w);
            let taps = [
                (y0 * w + x0, (1.0 - fy) * (1.0 - fx)),
                (y0 * w + x1, (1.0 - fy) * fx),
                (y1 * w + x0, fy * (1.0 - fx)),
                (y1 * w + x1, fy * fx),
            ];
            tap(y * w + x, &taps);
        }
    }
}

/// The two places that a point of a line of `n` lies between, and how far it is from the first.
fn between(at: f32, n: usize) -> (usize, usize, f32) {
    let at = at.clamp(0.0, n as f32 - 1.0);
    let low = at.floor();
    let first = low as usize;
    (first, (first + 1).min(n - 1), at - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        let products = a.iter().zip(b);
        products.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    #[test]
    fn the_way_back_is_the_adjoint_of_the_way_there() {
        use Transform::*;
        let cases: [&[Transform]; 8] = [
            &[],
            &[Pad(3)],
            &[Jitter(2)],
            &[Roll(20)],
            &[Scale(0.8, 1.3)],
            &[Rotate(-40.0, 40.0)],
            &[Scale(0.9, 1.1), Rotate(-10.0, 10.0)],
            &[
                Pad(4),
                Jitter(3),
                Scale(0.9, 1.1),
                Rotate(-9.0, 9.0),
                Jitter(2),
                Roll(1),
            ],
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for transforms in cases {
            for (channels, size) in [(1, [8, 8]), (3, [11, 7])] {
                let chain = Chain::draw(transforms, size, &mut rng);
                let to = size_after(transforms, size).unwrap();
                let mut random =
                    |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random::<f32>() - 0.5).collect() };
                let x = random(channels * size[0] * size[1]);
                let y = random(channels * to[0] * to[1]);
                let there = chain.apply(&x, &vec![0.0; channels]);
                assert_eq!(there.len(), y.len(), "{transforms:?}");
                let back = chain.adjoint(&y, channels);
                let (a, b) = (dot(&there, &y), dot(&x, &back));
                assert!((a - b).abs() < 1e-5, "{transforms:?}: {a} and {b}");
            }
        }
    }

    #[test]
    fn a_constant_image_of_the_fill_stays_one() {
        let transforms = [
            Transform::Pad(5),
            Transform::Rotate(-30.0, 30.0),
            Transform::Jitter(4),
            Transform::Scale(0.7, 1.4),
            Transform::Roll(9),
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let chain = Chain::draw(&transforms, [9, 12], &mut rng);
        let out = chain.apply(&vec![0.25; 9 * 12], &[0.25]);
        assert!(out.iter().all(|v| (v - 0.25).abs() < 1e-6));
    }

    #[test]
    fn a_quarter_turn_moves_the_corner_to_the_next() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let chain = Chain::draw(&[Transform::Rotate(90.0, 90.0)], [3, 3], &mut rng);
        let mut image = vec![0.0; 9];
        image[0] = 1.0;
        let out = chain.apply(&image, &[0.0]);
        let corners = [out[0], out[2], out[6], out[8]];
        assert!(corners[0].abs() < 1e-5 && (out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((corners[1] - 1.0).abs() < 1e-5 || (corners[2] - 1.0).abs() < 1e-5);
    }
}
