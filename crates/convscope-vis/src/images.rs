//! Batches of images as the methods take them apart.

use crate::error::{Result, VisError};
use convscope_nn::Tensor;
use ndarray::{Array3, ArrayView3, Axis, Ix3, Slice};

/// The four numbers of a batch of images `[N, C, H, W]`.
pub(crate) fn dimensions(images: &Tensor) -> Result<[usize; 4]> {
    match *images.shape() {
        [n, c, h, w] if n > 0 => Ok([n, c, h, w]),
        _ => Err(VisError::shape(
            "the images",
            "a batch of at least one, [batch, channels, height, width]",
            images.shape(),
        )),
    }
}

/// One image of a batch.
pub(crate) fn image(images: &Tensor, index: usize) -> ArrayView3<'_, f32> {
    let one = images.index_axis(Axis(0), index);
    one.into_dimensionality::<Ix3>()
        .expect("images of three dimensions")
}

/// A part of a batch, as a batch of its own.
pub(crate) fn part(images: &Tensor, from: usize, to: usize) -> Tensor {
    let part = images.slice_axis(Axis(0), Slice::from(from..to));
    part.as_standard_layout().into_owned()
}

/// A batch of one.
pub(crate) fn batch_of_one(image: &Array3<f32>) -> Tensor {
    image.clone().insert_axis(Axis(0)).into_dyn()
}
