//! Functions whose gradient is known: all that integrated gradients and SmoothGrad ask for.

use super::Seed;
use crate::error::{Result, VisError, node_shape};
use crate::target::Target;
use convscope_nn::{INPUT, Network, NnError, Rule, Tensor};

/// The most numbers of activations that a way back holds on to: 256 MB, five photographs in
/// SqueezeNet, so that a batch of any size fits beside what else is in memory.
const MOST_NUMBERS: usize = 64 << 20;

/// The most images at a time; more do not go faster.
const MOST_IMAGES: usize = 64;

/// A function from a point to a number, whose gradient is known: a network's target
/// ([`NetworkTarget`]), or a closure ([`from_gradient`]).
pub trait Differentiable {
    /// The function's value at each point of a batch `[N, ...]`, and the gradient there, in the
    /// shape of the batch.
    ///
    /// # Errors
    /// When the points are not what it takes.
    fn values_and_gradients(&self, points: &Tensor) -> Result<(Vec<f32>, Tensor)>;

    /// The values alone.
    ///
    /// # Errors
    /// As [`Differentiable::values_and_gradients`].
    fn values(&self, points: &Tensor) -> Result<Vec<f32>> {
        Ok(self.values_and_gradients(points)?.0)
    }

    /// How many points it takes at a time. 64, if it does not say.
    fn at_once(&self) -> usize {
        MOST_IMAGES
    }

    /// What it is, for the provenance.
    fn in_words(&self) -> String {
        "a function".into()
    }
}

impl<D: Differentiable + ?Sized> Differentiable for &D {
    fn values_and_gradients(&self, points: &Tensor) -> Result<(Vec<f32>, Tensor)> {
        (**self).values_and_gradients(points)
    }

    fn values(&self, points: &Tensor) -> Result<Vec<f32>> {
        (**self).values(points)
    }

    fn at_once(&self) -> usize {
        (**self).at_once()
    }

    fn in_words(&self) -> String {
        (**self).in_words()
    }
}

/// A function with its gradient, made of a closure; see [`from_gradient`].
#[derive(Clone, Debug)]
pub struct FromGradient<F>(F);

/// A function with its gradient, made of a closure from points `[N, ...]` to the `N` values and the
/// gradients, in the shape of the points.
///
/// ```
/// use convscope_nn::Tensor;
/// use convscope_vis::{IntegratedGradients, from_gradient, integrated_gradients_of};
/// use ndarray::arr2;
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let square = from_gradient(|x: &Tensor| Ok((x.iter().map(|v| v * v).collect(), 2.0 * x)));
/// let point = arr2(&[[3.0]]).into_dyn();
/// let found = integrated_gradients_of(&square, &point, &IntegratedGradients::new())?;
/// assert!((found.values[[0, 0]] - 9.0).abs() < 1e-4);
/// # Ok(()) }
/// ```
pub fn from_gradient<F>(function: F) -> FromGradient<F>
where
    F: Fn(&Tensor) -> Result<(Vec<f32>, Tensor)>,
{
    FromGradient(function)
}

impl<F: Fn(&Tensor) -> Result<(Vec<f32>, Tensor)>> Differentiable for FromGradient<F> {
    fn values_and_gradients(&self, points: &Tensor) -> Result<(Vec<f32>, Tensor)> {
        (self.0)(points)
    }
}

/// A target of a network, as a function of the image. ([`Target::Top`] is another class for another
/// image, noisy copies included: name the class where it must not change.)
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkTarget {
    /// The network (a clone shares its weights).
    pub net: Network,
    /// What is asked of it.
    pub target: Target,
    /// The rule at the ReLUs on the way back; under another than [`Rule::Gradient`], which is the
    /// default, it is no gradient.
    pub rule: Rule,
    /// What the way back starts from: [`Seed::One`], if it is not said.
    pub seed: Seed,
}

impl NetworkTarget {
    /// The target and its gradient.
    pub fn new(net: &Network, target: &Target) -> NetworkTarget {
        NetworkTarget {
            net: net.clone(),
            target: target.clone(),
            rule: Rule::Gradient,
            seed: Seed::One,
        }
    }

    /// With another rule at the ReLUs.
    pub fn rule(mut self, rule: Rule) -> NetworkTarget {
        self.rule = rule;
        self
    }

    /// With another start of the way back.
    pub fn seed(mut self, seed: Seed) -> NetworkTarget {
        self.seed = seed;
        self
    }

    /// The same for one image `[1, C, H, W]`, with the class it is taken for there, which noise and
    /// baselines must not change; the target's value and that class.
    pub(crate) fn pinned(&self, image: &Tensor) -> Result<(NetworkTarget, f32, Option<usize>)> {
        let trace = self.net.trace(image)?;
        let aim = self.target.aim(&self.net, &trace);
        let aim = aim.map_err(|e| with_nearest(&self.net, e))?;
        let class = aim.classes.first().copied().flatten();
        let mut pinned = self.clone();
        pinned.target = match (&self.target, class) {
            (Target::Top, Some(k)) => Target::Class(k),
            (Target::TopProbability, Some(k)) => Target::Probability(k),
            (other, _) => other.clone(),
        };
        Ok((pinned, aim.values.first().copied().unwrap_or(0.0), class))
    }
}

impl Differentiable for NetworkTarget {
    fn values_and_gradients(&self, points: &Tensor) -> Result<(Vec<f32>, Tensor)> {
        let trace = self.net.trace(points)?;
        let aim = self.target.aim(&self.net, &trace);
        let values = aim.map_err(|e| with_nearest(&self.net, e))?.values;
        let by_value = self.seed == Seed::Activation;
        let gradients = self
            .target
            .gradient(&self.net, &trace, INPUT, self.rule, by_value)?;
        Ok((values, gradients))
    }

    fn values(&self, points: &Tensor) -> Result<Vec<f32>> {
        let aim = self.target.aim(&self.net, &self.net.trace(points)?);
        Ok(aim.map_err(|e| with_nearest(&self.net, e))?.values)
    }

    fn at_once(&self) -> usize {
        images_at_once(&self.net)
    }

    fn in_words(&self) -> String {
        self.target.in_words()
    }
}

/// An unknown node's nearest names in the place of a list of all.
pub(crate) fn with_nearest(net: &Network, error: VisError) -> VisError {
    match error {
        VisError::Network(NnError::Unknown {
            what: "node",
            ref name,
            ..
        }) => node_shape(net, name).err().unwrap_or(error),
        other => other,
    }
}

/// How many images' traces fit into memory beside each other.
pub(crate) fn images_at_once(net: &Network) -> usize {
    let nodes = net.views().map(|v| v.shape.iter().product::<usize>());
    let one = nodes.sum::<usize>() + net.input_shape().iter().product::<usize>();
    (MOST_NUMBERS / one.max(1)).clamp(1, MOST_IMAGES)
}

/// The values and gradients of a batch, checked to be what the trait promises, and finite.
pub(crate) fn checked(f: &dyn Differentiable, points: &Tensor) -> Result<(Vec<f32>, Tensor)> {
    let (values, gradients) = f.values_and_gradients(points)?;
    if values.len() != points.shape()[0] {
        return Err(VisError::shape(
            "the values of a function at a batch of points",
            format!("{} values", points.shape()[0]),
            &[values.len()],
        ));
    }
    if gradients.shape() != points.shape() {
        return Err(VisError::shape(
            "the gradients of a function at a batch of points",
            format!("the points' shape, {:?}", points.shape()),
            gradients.shape(),
        ));
    }
    finite(&gradients)?;
    Ok((values, gradients))
}

/// That a gradient holds neither a NaN nor an infinity.
pub(crate) fn finite(gradients: &Tensor) -> Result<()> {
    match gradients.iter().all(|v| v.is_finite()) {
        true => Ok(()),
        false => Err(VisError::invalid(
            "the gradient holds a NaN or an infinity: the numbers inside the function grow beyond \
             what single precision holds",
        )),
    }
}

/// That there is at least one point, and each is more than a number.
pub(crate) fn a_batch(points: &Tensor) -> Result<()> {
    match points.ndim() > 1 && !points.is_empty() {
        true => Ok(()),
        false => Err(VisError::shape(
            "the images",
            "a batch of at least one, [batch, channels, height, width] or [batch, numbers]",
            points.shape(),
        )),
    }
}
