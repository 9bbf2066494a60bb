//! Mean and variance of a channel in one reading of memory.

use crate::real::Real;

/// Numbers whose mean is taken before their squares are: they are read twice, but from the cache.
const GROUP: usize = 1024;

/// Partial sums side by side, which the compiler keeps in vector registers.
const LANES: usize = 16;

/// How many numbers, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

impl Moments {
    /// Of parts of equal length. Groups of numbers are merged by the update of Chan, Golub and
    /// LeVeque (1979), which loses nothing when the mean is far from zero, in an order that does
    /// not depend on threads.
    #[inline(always)]
    pub(super) fn of<'a, F: Real>(
        parts: impl Iterator<Item = &'a [F]> + Clone,
        length: usize,
    ) -> Moments {
        let mut all = Moments::default();
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

    #[inline(always)]
    fn of_group<'a, F: Real>(group: impl Iterator<Item = &'a [F]> + Clone) -> Moments {
        let (mut count, mut sums) = (0, Lanes::default());
        for part in group.clone() {
            count += part.len();
            sums.add(part, |x| x);
        }
        let count = count as f64;
        if count == 0.0 {
            return Moments::default();
        }
        let mean = sums.total() / count;
        let rounded = F::of(mean);
        let mut about = Lanes::default();
        for part in group {
            about.add(part, |x| (x - rounded) * (x - rounded));
        }
        let off = rounded.as_f64() - mean;
        Moments {
            count,
            mean,
            squares: about.total() - count * off * off,
        }
    }

    /// Of every column of rows of this length.
    pub(super) fn of_columns<F: Real>(x: &[F], columns: usize) -> Vec<Moments> {
        let count = (x.len() / columns) as f64;
        let mut sums = vec![0.0; columns];
        for row in x.chunks(columns) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x.as_f64();
            }
        }
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let mut squares = vec![0.0; columns];
        for row in x.chunks(columns) {
            for ((square, mean), x) in squares.iter_mut().zip(&means).zip(row) {
                let apart = x.as_f64() - mean;
                *square += apart * apart;
            }
        }
        let all = means.into_iter().zip(squares);
        all.map(|(mean, squares)| Moments {
            count,
            mean,
            squares,
        })
        .collect()
    }

    #[inline(always)]
    fn merge(&mut self, other: Moments) {
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        self.mean += apart * other.count / count;
        self.squares += other.squares + apart * apart * self.count * other.count / count;
        self.count = count;
    }
}

/// A sum over at most a few thousand numbers.
#[derive(Default)]
struct Lanes<F> {
    sums: [F; LANES],
}

impl<F: Real> Lanes<F> {
    #[inline(always)]
    fn add(&mut self, x: &[F], f: impl Fn(F) -> F) {
        let (blocks, rest) = x.as_chunks::<LANES>();
        for block in blocks {
            for (sum, &x) in self.sums.iter_mut().zip(block) {
                *sum += f(x);
            }
        }
        for (sum, &x) in self.sums.iter_mut().zip(rest) {
            *sum += f(x);
        }
    }

    fn total(&self) -> f64 {
        self.sums.iter().map(|s| s.as_f64()).sum()
    }
}

/// The sums of `dy` and of `dy (x - mean)`, over parts of equal length.
#[inline(always)]
pub(super) fn dots<'a, F: Real>(
    parts: impl Iterator<Item = (&'a [F], &'a [F])>,
    mean: F,
) -> (f64, f64) {
    let (mut sum, mut product) = (0.0, 0.0);
    let mut since = 0;
    let mut sums = [F::zero(); LANES];
    let mut products = [F::zero(); LANES];
    for (dy, x) in parts {
        for (dy, x) in dy.chunks(GROUP).zip(x.chunks(GROUP)) {
            let (dy_blocks, dy_rest) = dy.as_chunks::<LANES>();
            let (x_blocks, x_rest) = x.as_chunks::<LANES>();
            for (dy, x) in dy_blocks.iter().zip(x_blocks) {
                for i in 0..LANES {
                    sums[i] += dy[i];
                    products[i] += dy[i] * (x[i] - mean);
                }
            }
            for (i, (&dy, &x)) in dy_rest.iter().zip(x_rest).enumerate() {
                sums[i] += dy;
                products[i] += dy * (x - mean);
            }
            since += dy.len();
            if since >= GROUP {
                sum += std::mem::take(&mut sums).map(F::as_f64).iter().sum::<f64>();
                product += std::mem::take(&mut products)
                    .map(F::as_f64)
                    .iter()
                    .sum::<f64>();
                since = 0;
            }
        }
    }
    sum += sums.map(F::as_f64).iter().sum::<f64>();
    product += products.map(F::as_f64).iter().sum::<f64>();
    (sum, product)
}

/// The same of every column of rows, each with its mean.
pub(super) fn column_dots<F: Real>(dy: &[F], x: &[F], means: &[F]) -> Vec<(f64, f64)> {
    let columns = means.len();
    let mut sums = vec![0.0; columns];
    let mut products = vec![0.0; columns];
    for (dy, x) in dy.chunks(columns).zip(x.chunks(columns)) {
        for (sum, dy) in sums.iter_mut().zip(dy) {
            *sum += dy.as_f64();
        }
        for ((product, &mean), (&dy, &x)) in products.iter_mut().zip(means).zip(dy.iter().zip(x)) {
            *product += (dy * (x - mean)).as_f64();
        }
    }
    sums.into_iter().zip(products).collect()
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
