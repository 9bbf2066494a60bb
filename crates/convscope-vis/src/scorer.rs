//! Anything that gives images scores: what model-agnostic methods ask.

use crate::error::{Result, VisError};
use convscope_nn::{Network, Tensor, softmax};

/// Gives each image of a batch `[N, C, H, W]` a score for each class, `[N, K]`. A network does, and
/// so does any closure ([`from_fn`]).
pub trait Scorer {
    /// The scores.
    ///
    /// # Errors
    /// When the images are not what it takes.
    fn scores(&self, images: &Tensor) -> Result<Tensor>;
}

/// The network's output as it is: logits of most networks.
impl Scorer for Network {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        Ok(self.forward(images)?)
    }
}

impl<S: Scorer + ?Sized> Scorer for &S {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        (**self).scores(images)
    }
}

/// The softmax of another scorer's scores.
#[derive(Clone, Debug)]
pub struct Probabilities<S>(pub S);

impl<S: Scorer> Scorer for Probabilities<S> {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        Ok(softmax(&self.0.scores(images)?)?)
    }
}

/// A scorer made of a closure; see [`from_fn`].
#[derive(Clone, Debug)]
pub struct FromFn<F>(F);

/// A scorer made of a closure from images `[N, C, H, W]` to scores `[N, K]`.
///
/// ```
/// use convscope_nn::Tensor;
/// use convscope_vis::{Scorer, from_fn};
/// use ndarray::Axis;
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let brightness = from_fn(|images: &Tensor| {
///     let n = images.shape()[0];
///     let means = images.outer_iter().map(|one| one.mean().unwrap_or(0.0));
///     Ok(Tensor::from_shape_vec(vec![n, 1], means.collect()).unwrap())
/// });
/// let scores = brightness.scores(&Tensor::from_elem(vec![2, 1, 8, 8], 0.5))?;
/// assert_eq!(scores.shape(), [2, 1]);
/// # Ok(()) }
/// ```
pub fn from_fn<F: Fn(&Tensor) -> Result<Tensor>>(scores: F) -> FromFn<F> {
    FromFn(scores)
}

impl<F: Fn(&Tensor) -> Result<Tensor>> Scorer for FromFn<F> {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        (self.0)(images)
    }
}

/// The scores of a batch, checked to be `[N, K]` and finite.
pub(crate) fn checked_scores(scorer: &(impl Scorer + ?Sized), images: &Tensor) -> Result<Tensor> {
    let scores = scorer.scores(images)?;
    let n = images.shape()[0];
    if scores.ndim() != 2 || scores.shape()[0] != n || scores.shape()[1] == 0 {
        return Err(VisError::shape(
            "the scores of a batch",
            format!("[{n}, classes]"),
            scores.shape(),
        ));
    }
    match scores.iter().all(|v| v.is_finite()) {
        true => Ok(scores),
        false => Err(VisError::invalid(
            "the scores hold a NaN or an infinity: look at what gives them",
        )),
    }
}
