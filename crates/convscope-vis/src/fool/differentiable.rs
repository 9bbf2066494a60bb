//! What can be fooled by following a gradient.

use crate::error::{Result, VisError};
use crate::scorer::Scorer;
use crate::target::logits_node;
use convscope_nn::{INPUT, Network, Rule, Tensor};

/// A [`Scorer`] that can also say how its scores change with the image. A network can, and so can a
/// pair of closures ([`with_gradient`]).
pub trait DifferentiableScorer: Scorer {
    /// The scores `[N, K]` before any softmax: what a cross-entropy is taken of.
    ///
    /// # Errors
    /// When the images are not what it takes.
    fn logits(&self, images: &Tensor) -> Result<Tensor> {
        self.scores(images)
    }

    /// The logits of a batch, and the gradient with respect to the images `[N, C, H, W]` of a number
    /// whose gradient with respect to the logits `seed` gives.
    ///
    /// # Errors
    /// When the images are not what it takes, or the seed's shape is not the logits'.
    fn pull_back(
        &self,
        images: &Tensor,
        seed: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)>;
}

impl DifferentiableScorer for Network {
    fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let node = logits_node(self);
        match self.views().last().is_some_and(|last| last.name == node) {
            true => Ok(self.forward(images)?),
            false => Ok(self.until(&node)?.forward(images)?),
        }
    }

    fn pull_back(
        &self,
        images: &Tensor,
        seed: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let trace = self.trace(images)?;
        let from = logits_node(self);
        let logits = trace.activation(&from)?.clone();
        let seed = seed(&logits)?;
        let gradient = trace.gradient_from(&from, &seed, INPUT, Rule::Gradient)?;
        Ok((logits, gradient))
    }
}

impl<S: DifferentiableScorer + ?Sized> DifferentiableScorer for &S {
    fn logits(&self, images: &Tensor) -> Result<Tensor> {
        (**self).logits(images)
    }

    fn pull_back(
        &self,
        images: &Tensor,
        seed: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        (**self).pull_back(images, seed)
    }
}

/// A differentiable scorer made of two closures; see [`with_gradient`].
#[derive(Clone, Debug)]
pub struct WithGradient<F, B> {
    forward: F,
    backward: B,
}

/// A differentiable scorer made of two closures: one from images to scores `[N, K]`, and one from
/// images and a gradient with respect to the scores to the gradient with respect to the images.
///
/// ```
/// use convscope_nn::Tensor;
/// use convscope_vis::{Bounds, Fgsm, fgsm, with_gradient};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// // Each pixel is the score of a class of its own.
/// let flat = |images: &Tensor| Ok(images.to_shape(vec![1, 3]).unwrap().into_owned());
/// let back = |images: &Tensor, seed: &Tensor| {
///     Ok(seed.to_shape(images.raw_dim()).unwrap().into_owned())
/// };
/// let image = Tensor::from_elem(vec![1, 1, 1, 3], 0.5);
/// let settings = Fgsm::new(0.1, Bounds::range(0.0, 1.0)?);
/// let fooled = fgsm(&with_gradient(flat, back), &image, &settings)?;
/// assert_eq!(fooled.images[[0, 0, 0, 0]], 0.4);
/// # Ok(()) }
/// ```
pub fn with_gradient<F, B>(forward: F, backward: B) -> WithGradient<F, B>
where
    F: Fn(&Tensor) -> Result<Tensor>,
    B: Fn(&Tensor, &Tensor) -> Result<Tensor>,
{
    WithGradient { forward, backward }
}

impl<F, B> Scorer for WithGradient<F, B>
where
    F: Fn(&Tensor) -> Result<Tensor>,
{
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        (self.forward)(images)
    }
}

impl<F, B> DifferentiableScorer for WithGradient<F, B>
where
    F: Fn(&Tensor) -> Result<Tensor>,
    B: Fn(&Tensor, &Tensor) -> Result<Tensor>,
{
    fn pull_back(
        &self,
        images: &Tensor,
        seed: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let scores = (self.forward)(images)?;
        let seed = seed(&scores)?;
        let gradient = (self.backward)(images, &seed)?;
        match gradient.shape() == images.shape() {
            true => Ok((scores, gradient)),
            false => Err(VisError::shape(
                "the gradient with respect to the images",
                format!("{:?}", images.shape()),
                gradient.shape(),
            )),
        }
    }
}
