//! Maps against where the object truly is.

use super::finite;
use crate::error::{Result, VisError};
use ndarray::{Array2, Array3};
use serde::Serialize;

/// Where a map points.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pointing {
    /// Row and column of its largest number; of several equal ones (a superpixel's), the one nearest
    /// to their middle.
    pub at: [usize; 2],
    /// Whether that is on the object. A map that is the same everywhere points nowhere, and misses.
    pub hit: bool,
}

/// The pointing game (Zhang et al. 2018): does the largest number of a map `[H, W]` lie on the object,
/// or within `tolerance` pixels of it (the paper's photographs: 15; small images: 0)? The mask is not
/// 0 where the object is.
///
/// # Errors
/// When the mask is not of the map's size, or the map holds a NaN.
pub fn pointing_game(map: &Array2<f32>, mask: &Array2<u8>, tolerance: usize) -> Result<Pointing> {
    check(map, mask)?;
    let top = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let constant = map.iter().all(|&v| v == top);
    let (y, x) = middle(map, top);
    let near = |((v, u), on): ((usize, usize), &u8)| {
        let (dy, dx) = (v.abs_diff(y), u.abs_diff(x));
        *on != 0 && dy * dy + dx * dx <= tolerance * tolerance
    };
    Ok(Pointing {
        at: [y, x],
        hit: !constant && mask.indexed_iter().any(near),
    })
}

/// Of the places where the map has this number, the one nearest to their middle.
fn middle(map: &Array2<f32>, number: f32) -> (usize, usize) {
    let all = || {
        map.indexed_iter()
            .filter(|(_, v)| **v == number)
            .map(|(p, _)| p)
    };
    let sum = all().fold((0, 0, 0), |(n, y, x), (v, u)| (n + 1, y + v, x + u));
    let n = f64::from(sum.0);
    let (y, x) = (sum.1 as f64 / n, sum.2 as f64 / n);
    let off = |&(v, u): &(usize, usize)| (v as f64 - y).powi(2) + (u as f64 - x).powi(2);
    let nearest = all().min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.expect("the number is one of the map's")
}

/// The share of maps `[N, H, W]` that win the [`pointing_game`].
///
/// # Errors
/// As [`pointing_game`], or when there are not as many masks as maps, or none.
pub fn pointing_rate(maps: &Array3<f32>, masks: &Array3<u8>, tolerance: usize) -> Result<f64> {
    if maps.dim() != masks.dim() || maps.is_empty() {
        let expected = format!("{:?}, as the maps, and not empty", maps.shape());
        return Err(VisError::shape("the masks", expected, masks.shape()));
    }
    let mut hits = 0;
    for (map, mask) in maps.outer_iter().zip(masks.outer_iter()) {
        let found = pointing_game(&map.to_owned(), &mask.to_owned(), tolerance)?;
        hits += usize::from(found.hit);
    }
    Ok(hits as f64 / maps.dim().0 as f64)
}

/// Which pixels of a map count as pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cut {
    /// Those of at least this share of the way from the smallest to the largest number.
    Share(f32),
    /// As many as the object has, the largest: no threshold to choose, and a map cannot win by its
    /// size.
    EqualArea,
}

/// The intersection over union of what a map `[H, W]` points at and the object's mask (not 0 where
/// the object is). 0 of a map that is the same everywhere.
///
/// # Errors
/// When the mask is not of the map's size, the map holds a NaN, or the share is not from 0 to 1.
pub fn overlap_with_mask(map: &Array2<f32>, mask: &Array2<u8>, cut: Cut) -> Result<f64> {
    check(map, mask)?;
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let truth = mask.iter().filter(|&&m| m != 0).count();
    if low == high || truth == 0 {
        return Ok(0.0);
    }
    let mut order: Vec<((usize, usize), f32)> = map.indexed_iter().map(|(p, &v)| (p, v)).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let kept = match cut {
        Cut::EqualArea => truth,
        Cut::Share(share) if (0.0..=1.0).contains(&share) => {
            let least = low + share * (high - low);
            order.iter().filter(|(_, v)| *v >= least).count()
        }
        Cut::Share(share) => {
            return Err(VisError::invalid(format!(
                "a threshold between a map's smallest and largest number: expected a share from 0 \
                 to 1, got {share}"
            )));
        }
    };
    let both = order[..kept].iter().filter(|(p, _)| mask[*p] != 0).count();
    Ok(both as f64 / (kept + truth - both) as f64)
}

fn check(map: &Array2<f32>, mask: &Array2<u8>) -> Result<()> {
    if map.dim() != mask.dim() || map.is_empty() {
        let expected = format!("{:?}, as the map, and not empty", map.shape());
        return Err(VisError::shape("the mask", expected, mask.shape()));
    }
    finite(map, "the map to measure")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn mask() -> Array2<u8> {
        arr2(&[[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    }

    #[test]
    fn a_map_points_at_its_largest_number() {
        let mut map = Array2::zeros((3, 4));
        assert!(
            !pointing_game(&map, &mask(), 9).unwrap().hit,
            "a constant map"
        );
        let cases = [
            ([1, 2], 0, true),
            ([2, 2], 0, false),
            ([2, 2], 1, true),
            ([2, 0], 1, false),
        ];
        for (at, tolerance, hit) in cases {
            map.fill(0.0);
            map[at] = 2.0;
            let found = pointing_game(&map, &mask(), tolerance).unwrap();
            assert_eq!(
                (found.at, found.hit),
                (at, hit),
                "{at:?} within {tolerance}"
            );
        }
        // A plateau of five is pointed at in its middle.
        let plateau = arr2(&[
            [0.0, 3.0, 0.0, 0.0],
            [3.0, 3.0, 3.0, 0.0],
            [0.0, 3.0, 0.0, 0.0],
        ]);
        assert_eq!(pointing_game(&plateau, &mask(), 0).unwrap().at, [1, 1]);
    }

    #[test]
    fn overlaps_are_counted_pixels() {
        let map = arr2(&[
            [9.0, 8.0, 7.0, 0.0],
            [6.0, 5.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]);
        let cases = [
            (Cut::EqualArea, 2.0 / 6.0),
            (Cut::Share(0.5), 3.0 / 6.0),
            (Cut::Share(0.0), 4.0 / 12.0),
            (Cut::Share(1.0), 0.0),
        ];
        for (cut, expected) in cases {
            assert_eq!(
                overlap_with_mask(&map, &mask(), cut).unwrap(),
                expected,
                "{cut:?}"
            );
        }
        assert!(overlap_with_mask(&map, &mask(), Cut::Share(1.5)).is_err());
    }
}
