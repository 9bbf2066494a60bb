//! How alike two maps are.

use super::finite;
use crate::error::{Result, VisError};
use ndarray::Array2;

/// Spearman's rank correlation of two maps of one size: 1 where they order the pixels alike, -1
/// where the other way round. Equal numbers share their mean rank. 0 where a map is the same
/// everywhere: it orders nothing.
///
/// # Errors
/// When the maps differ in size, are empty or hold a NaN.
pub fn spearman(a: &Array2<f32>, b: &Array2<f32>) -> Result<f64> {
    check(a, b)?;
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let moment = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(u, v)| (u - mean) * (v - mean)).sum()
    };
    let spread = (moment(&a, &a) * moment(&b, &b)).sqrt();
    Ok(match spread > 0.0 {
        true => (moment(&a, &b) / spread).clamp(-1.0, 1.0),
        false => 0.0,
    })
}

fn ranks(map: &Array2<f32>) -> Vec<f64> {
    let values: Vec<f32> = map.iter().copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = |&i: &usize| values[i] == values[order[from]];
        let to = from + order[from..].iter().take_while(|i| same(i)).count();
        for &i in &order[from..to] {
            ranks[i] = (from + to + 1) as f64 / 2.0;
        }
        from = to;
    }
    ranks
}

/// Side and sigma of the window of [`structural_similarity`], of the paper.
const WINDOW: (isize, f64) = (11, 1.5);

/// Structural similarity (Wang et al. 2004): 1 of equal maps, about 0 of unrelated ones. Both are
/// first put on a scale from 0 to 1, each by its own smallest and largest number, as Adebayo et al.
/// (2018) do; windows end at the edge. A map that is the same everywhere becomes zero.
///
/// # Errors
/// When the maps differ in size, are empty or hold a NaN.
pub fn structural_similarity(a: &Array2<f32>, b: &Array2<f32>) -> Result<f64> {
    check(a, b)?;
    let (a, b) = (unit(a), unit(b));
    let weights = window();
    let mean_a = filtered(&a, &weights);
    let mean_b = filtered(&b, &weights);
    let square_a = filtered(&(&a * &a), &weights) - &mean_a * &mean_a;
    let square_b = filtered(&(&b * &b), &weights) - &mean_b * &mean_b;
    let both = filtered(&(&a * &b), &weights) - &mean_a * &mean_b;
    let (c1, c2) = (0.01_f64.powi(2), 0.03_f64.powi(2));
    let mut sum = 0.0;
    for (i, &ma) in mean_a.indexed_iter() {
        let mb = mean_b[i];
        let alike = (2.0 * ma * mb + c1) * (2.0 * both[i] + c2);
        let (va, vb) = (square_a[i].max(0.0), square_b[i].max(0.0));
        sum += alike / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
    Ok(sum / a.len() as f64)
}

fn unit(map: &Array2<f32>) -> Array2<f64> {
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let span = f64::from(high) - f64::from(low);
    match span > 0.0 {
        true => map.mapv(|v| (f64::from(v) - f64::from(low)) / span),
        false => Array2::zeros(map.dim()),
    }
}

fn window() -> Vec<(isize, f64)> {
    let (side, sigma) = WINDOW;
    let from_middle = -side / 2..=side / 2;
    let weight = |d: isize| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    from_middle.map(|d| (d, weight(d))).collect()
}

/// The weighted mean around each place, over what there is of the map.
fn filtered(map: &Array2<f64>, weights: &[(isize, f64)]) -> Array2<f64> {
    let along = |map: &Array2<f64>| {
        let mut out = map.clone();
        for (from, mut to) in map.rows().into_iter().zip(out.rows_mut()) {
            for (i, v) in to.iter_mut().enumerate() {
                let there = |&(d, w): &(isize, f64)| {
                    let j = i.checked_add_signed(d).filter(|&j| j < from.len())?;
                    Some((w * from[j], w))
                };
                let near = weights.iter().filter_map(there);
                let (sum, total) = near.fold((0.0, 0.0), |(s, t), (v, w)| (s + v, t + w));
                *v = sum / total;
            }
        }
        out
    };
    let rows = along(map);
    along(&rows.reversed_axes().as_standard_layout().into_owned()).reversed_axes()
}

fn check(a: &Array2<f32>, b: &Array2<f32>) -> Result<()> {
    if a.dim() != b.dim() || a.is_empty() {
        let expected = format!("{:?}, as the other, and not empty", a.shape());
        return Err(VisError::shape("a map to compare", expected, b.shape()));
    }
    finite(a, "a map to compare")?;
    finite(b, "a map to compare")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn rank_correlations_agree_with_worked_ones() {
        let a = arr2(&[[1.0, 2.0, 3.0, 4.0, 5.0]]);
        let cases = [
            (arr2(&[[5.0, 6.0, 7.0, 8.0, 7.0]]), 0.820_782_681), // scipy.stats.spearmanr
            (arr2(&[[2.0, 4.0, 8.0, 16.0, 32.0]]), 1.0),
            (arr2(&[[9.0, 7.0, 5.0, 3.0, 1.0]]), -1.0),
            (arr2(&[[3.0, 3.0, 3.0, 3.0, 3.0]]), 0.0),
        ];
        for (b, expected) in cases {
            assert!((spearman(&a, &b).unwrap() - expected).abs() < 1e-6, "{b}");
        }
    }

    #[test]
    fn a_map_is_like_itself_and_unlike_noise() {
        let map =
            Array2::from_shape_fn((24, 20), |(y, x)| ((y as f32) * 0.4).sin() + x as f32 * 0.1);
        let noise = super::super::random_map(24, 20, 5);
        assert!((structural_similarity(&map, &map).unwrap() - 1.0).abs() < 1e-9);
        let scaled = map.mapv(|v| 3.0 * v - 7.0);
        assert!((structural_similarity(&map, &scaled).unwrap() - 1.0).abs() < 1e-5);
        assert!(structural_similarity(&map, &noise).unwrap() < 0.2);
        let flat = Array2::from_elem((24, 20), 2.0);
        let to_flat = structural_similarity(&map, &flat).unwrap();
        assert!(to_flat.is_finite() && to_flat < 0.5);
    }
}
