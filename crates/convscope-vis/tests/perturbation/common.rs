//! Small scorers and images.

use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Tensor};
use convscope_vis::{Result, Scorer, from_fn};
use ndarray::ArrayView3;

/// A scorer of one class by a function of each image.
pub fn scoring(of: impl Fn(ArrayView3<'_, f32>) -> f32 + Clone) -> impl Scorer + Clone {
    from_fn(move |images: &Tensor| -> Result<Tensor> {
        let each = images
            .outer_iter()
            .map(|one| of(one.into_dimensionality().unwrap()));
        let scores: Vec<f32> = each.collect();
        Ok(Tensor::from_shape_vec(vec![scores.len(), 1], scores).unwrap())
    })
}

/// Numbers that look irregular but are always the same.
pub fn image(shape: [usize; 4], seed: f32) -> Tensor {
    let mut k = seed;
    Tensor::from_shape_simple_fn(shape.to_vec(), || {
        k += 1.0;
        (k * 12.9898).sin() * 2.0
    })
}

/// A convolutional network with drawn weights.
pub fn net(channels: usize, side: usize) -> Network {
    Network::input([channels, side, side])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("relu1", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(7)
        .unwrap()
}

/// Asserts that two lists agree within a tolerance.
pub fn close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: {got:?}, not {want:?}");
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= tolerance, "{what}: {got:?}, not {want:?}");
    }
}

pub fn wide<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<f64> {
    values.into_iter().map(|&v| f64::from(v)).collect()
}
