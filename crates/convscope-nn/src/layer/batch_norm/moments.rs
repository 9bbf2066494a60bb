//! Mean and variance of a channel in one reading of memory.

use crate::real::Real;

/// Numbers whose mean is taken before their squares are: they are read twice, but from the cache.
const GROUP: usize = 1024;

/// Partial sums side by side, which the compiler keeps in vector registers.
const LANES: usize = 16;

/// How many numbers, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

impl Moments {
    /// Of parts of equal length. Groups of numbers are merged by the update of Chan, Golub and
    /// LeVeque (1979), which loses nothing when the mean is far from zero, in an order that does
    /// not depend on threads.
    pub(super) fn of<'a, F: Real>(
        parts: impl Iterator<Item = &'a [F]> + Clone,
        length: usize,
    ) -> Moments {
        let mut all = Moments {
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
        };
        if length >= GROUP {
            for part in parts {
                for group in part.chunks(GROUP) {
                    all.merge(Moments::of_group(std::iter::once(group)));
                }
            }
        } else {
            let together = GROUP / length.max(1);
            let mut rest = parts;
            loop {
                let group = rest.clone().take(together);
                let moments = Moments::of_group(group);
                if moments.count == 0.0 {
                    break;
                }
                all.merge(moments);
                rest.nth(together - 1);
            }
        }
        all
    }

    fn of_group<'a, F: Real>(group: impl Iterator<Item = &'a [F]> + Clone) -> Moments {
        let (mut count, mut sum) = (0.0, 0.0);
        for part in group.clone() {
            count += part.len() as f64;
            sum += lanes(part, |x| x);
        }
        if count == 0.0 {
            return Moments {
                count,
                mean: 0.0,
                squares: 0.0,
            };
        }
        let mean = sum / count;
        let rounded = F::of(mean);
        let about: f64 = group
            .map(|part| lanes(part, |x| (x - rounded) * (x - rounded)))
            .sum();
        let off = rounded.as_f64() - mean;
        Moments {
            count,
            mean,
            squares: about - count * off * off,
        }
    }

    fn merge(&mut self, other: Moments) {
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        self.mean += apart * other.count / count;
        self.squares += other.squares + apart * apart * self.count * other.count / count;
        self.count = count;
    }
}

/// The sum of `f` over a part of at most a few thousand numbers.
fn lanes<F: Real>(x: &[F], f: impl Fn(F) -> F) -> f64 {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let mut sums = [F::zero(); LANES];
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += f(x);
        }
    }
    let rest: f64 = rest.iter().map(|&x| f(x).as_f64()).sum();
    sums.iter().map(|s| s.as_f64()).sum::<f64>() + rest
}

/// The sums of `dy` and of `dy (x - mean)`.
pub(super) fn dots<F: Real>(dy: &[F], x: &[F], mean: F) -> (f64, f64) {
    let (mut sum, mut product) = (0.0, 0.0);
    for (dy, x) in dy.chunks(GROUP).zip(x.chunks(GROUP)) {
        let (dy, dy_rest) = dy.as_chunks::<LANES>();
        let (x, x_rest) = x.as_chunks::<LANES>();
        let mut sums = [F::zero(); LANES];
        let mut products = [F::zero(); LANES];
        for (dy, x) in dy.iter().zip(x) {
            for i in 0..LANES {
                sums[i] += dy[i];
                products[i] += dy[i] * (x[i] - mean);
            }
        }
        for (&dy, &x) in dy_rest.iter().zip(x_rest) {
            sum += dy.as_f64();
            product += (dy * (x - mean)).as_f64();
        }
        sum += sums.iter().map(|s| s.as_f64()).sum::<f64>();
        product += products.iter().map(|s| s.as_f64()).sum::<f64>();
    }
    (sum, product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_survives_a_mean_a_thousand_times_the_spread() {
        for length in [1, 3, 16, 100, 1024, 5000] {
            let x: Vec<f32> = (0..length * 40)
                .map(|i| 1000.0 + ((i * 7919) % 1000) as f32 / 1000.0)
                .collect();
            let n = x.len() as f64;
            let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let squares: f64 = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
            let found = Moments::of(x.chunks(length), length);
            assert_eq!(found.count, n);
            assert!((found.mean - mean).abs() < 1e-3, "{length}: {found:?}");
            assert!(
                (found.squares / squares - 1.0).abs() < 1e-4,
                "{length}: {found:?} {squares}"
            );
        }
    }
}
