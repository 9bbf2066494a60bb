//! Superpixels: labels without gaps, edges followed, sizes and channels of every kind.

use crate::common::image;
use convscope_nn::Tensor;
use convscope_vis::*;
use ndarray::Array2;

/// A bright disc on a dark ground, of so many channels.
fn disc(channels: usize, side: usize) -> Tensor {
    Tensor::from_shape_fn(vec![1, channels, side, side], |at| {
        let (y, x) = (at[2] as f32, at[3] as f32);
        let middle = side as f32 / 2.0;
        let inside = (y - middle).hypot(x - middle) < side as f32 / 4.0;
        let light = 0.1 * ((at[1] + 1) as f32) / channels as f32;
        if inside { 1.0 - light } else { light }
    })
}

fn contiguous(found: &Segmentation) {
    let sizes = found.sizes();
    assert_eq!(sizes.len(), found.count);
    assert!(sizes.iter().all(|&s| s > 0), "no number is left out");
    assert_eq!(sizes.iter().sum::<usize>(), found.labels.len());
}

fn ways() -> Vec<Superpixels> {
    vec![
        Superpixels::Grid([3, 4]),
        Superpixels::Slic(Slic::new(12)),
        Superpixels::Quickshift(Quickshift::default().kernel_size(2.0)),
    ]
}

#[test]
fn every_way_cuts_images_of_every_kind() {
    for way in ways() {
        for (channels, h, w) in [(1, 8, 8), (3, 8, 8), (3, 30, 17), (5, 12, 40), (1, 64, 64)] {
            let x = image([1, channels, h, w], 1.0);
            let found = way.segment(&x).unwrap();
            assert_eq!(found.labels.dim(), (h, w));
            contiguous(&found);
            assert_eq!(found, way.segment(&x).unwrap(), "the same again");
        }
        let flat = Tensor::from_elem(vec![3, 10, 10], 0.5);
        contiguous(&way.segment(&flat).unwrap());
    }
}

#[test]
fn superpixels_follow_the_edge_of_a_disc_whatever_the_channels() {
    for channels in [1, 3, 4] {
        let x = disc(channels, 32);
        for way in &ways()[1..] {
            let found = way.segment(&x).unwrap();
            let bright = |y: usize, z: usize| x[[0, 0, y, z]] > 0.5;
            let mut mixed = 0;
            for label in 0..found.count {
                let inside: Vec<bool> = found
                    .labels
                    .indexed_iter()
                    .filter(|(_, l)| **l == label)
                    .map(|((y, z), _)| bright(y, z))
                    .collect();
                let on = inside.iter().filter(|b| **b).count();
                mixed += on.min(inside.len() - on);
            }
            assert!(
                mixed < 20,
                "{way:?}: {mixed} of 1024 pixels on the wrong side"
            );
            assert!(found.count > 3);
        }
    }
}

#[test]
fn slic_pieces_hang_together_and_are_about_as_many_as_asked_for() {
    let x = disc(3, 48);
    for wanted in [9, 36, 100] {
        let found = slic(&x, &Slic::new(wanted)).unwrap();
        assert!(
            found.count * 2 > wanted && found.count < wanted * 2,
            "{}",
            found.count
        );
        let mut pieces = 0;
        let mut seen = Array2::from_elem((48, 48), false);
        for start in ndarray::indices((48, 48)) {
            if seen[start] {
                continue;
            }
            pieces += 1;
            let mut open = vec![start];
            seen[start] = true;
            while let Some((y, z)) = open.pop() {
                let beside = [
                    (y + 1, z),
                    (y, z + 1),
                    (y.wrapping_sub(1), z),
                    (y, z.wrapping_sub(1)),
                ];
                for at in beside {
                    if found.labels.get(at) == Some(&found.labels[(y, z)]) && !seen[at] {
                        seen[at] = true;
                        open.push(at);
                    }
                }
            }
        }
        assert_eq!(pieces, found.count);
    }
}

#[test]
fn a_larger_kernel_and_longer_ties_give_fewer_superpixels() {
    let x = image([1, 3, 40, 40], 3.0);
    let count = |options: &Quickshift| quickshift(&x, options).unwrap().count;
    let kernels: Vec<usize> = [1.0, 2.0, 4.0]
        .map(|k| count(&Quickshift::new().kernel_size(k)))
        .to_vec();
    assert!(
        kernels[0] > kernels[1] && kernels[1] > kernels[2],
        "{kernels:?}"
    );
    let short = count(&Quickshift::new().max_distance(2.0));
    assert!(short > kernels[2], "{short}");
}

#[test]
fn preprocessing_does_not_change_superpixels() {
    let x = disc(3, 24);
    let fed = x.mapv(|v| v * 4.0 - 2.0);
    let raw = quickshift(&x, &Quickshift::default()).unwrap();
    assert_eq!(
        raw.labels,
        quickshift(&fed, &Quickshift::default()).unwrap().labels
    );
}

#[test]
fn mistakes_are_answered_with_both_numbers() {
    let x = image([1, 1, 8, 8], 1.0);
    let cases = [
        (Superpixels::Grid([9, 1]), "9x1"),
        (Superpixels::Grid([0, 1]), "at least 1x1"),
        (Superpixels::Slic(Slic::new(65)), "1 to 64"),
        (Superpixels::Slic(Slic::new(4).compactness(0.0)), "above 0"),
        (
            Superpixels::Quickshift(Quickshift::new().kernel_size(0.5)),
            "at least 1",
        ),
        (
            Superpixels::Quickshift(Quickshift::new().ratio(f64::NAN)),
            "ratio",
        ),
    ];
    for (way, words) in cases {
        let error = way.segment(&x).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let two = image([2, 1, 8, 8], 1.0);
    assert!(slic(&two, &Slic::default()).is_err());
}
