//! What a fooled image makes large or small.

use super::differentiable::DifferentiableScorer;
use crate::error::{Result, VisError};
use crate::images::part;
use convscope_nn::Tensor;
use ndarray::Axis;
use serde::Serialize;

/// The loss whose gradient is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoolingLoss {
    /// Softmax and cross-entropy of the logits, as the papers have it.
    #[default]
    CrossEntropy,
    /// The negative logarithm of the raw score of the class, without a softmax: captum's tests
    /// write their losses so. Of a score that is not positive only the gradient, -1 / score, is
    /// used.
    NegativeLog,
}

/// What an image is to be taken for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Goal {
    /// Anything but what the network takes it for.
    #[default]
    Away,
    /// Anything but these classes, one for each image, or one for all: the true labels.
    AwayFrom(Vec<usize>),
    /// These classes, one for each image, or one for all.
    Towards(Vec<usize>),
}

impl Goal {
    /// This class, for all images.
    pub fn towards(class: usize) -> Goal {
        Goal::Towards(vec![class])
    }

    /// What it is, in words.
    pub fn in_words(&self) -> String {
        let list = |classes: &[usize]| match classes {
            [one] => format!("class {one}"),
            many => format!("a class for each of {} images", many.len()),
        };
        match self {
            Goal::Away => "away from the network's own answer".into(),
            Goal::AwayFrom(classes) => format!("away from {}", list(classes)),
            Goal::Towards(classes) => format!("towards {}", list(classes)),
        }
    }

    /// The class in the loss for each image.
    pub(crate) fn classes(&self, logits: &Tensor) -> Result<Vec<usize>> {
        let [n, count] = [logits.shape()[0], logits.shape()[1]];
        let given = match self {
            Goal::Away => return Ok(answers(logits)),
            Goal::AwayFrom(classes) | Goal::Towards(classes) => classes,
        };
        if let Some(&class) = given.iter().find(|&&k| k >= count) {
            return Err(VisError::UnknownClass {
                class,
                classes: count,
            });
        }
        match given.as_slice() {
            [one] => Ok(vec![*one; n]),
            many if many.len() == n => Ok(many.to_vec()),
            many => Err(VisError::invalid(format!(
                "the goal: expected a class for each of {n} images, or one for all, got {}",
                many.len()
            ))),
        }
    }

    /// 1 where the loss of the class is to grow, -1 where it is to shrink.
    pub(crate) fn sign(&self) -> f32 {
        match self {
            Goal::Away | Goal::AwayFrom(_) => 1.0,
            Goal::Towards(_) => -1.0,
        }
    }

    /// Whether an answer is what was wanted.
    pub(crate) fn met(&self, class: usize, answer: usize) -> bool {
        (answer == class) == matches!(self, Goal::Towards(_))
    }
}

impl FoolingLoss {
    /// The gradient of each image's loss with respect to its logits. `scaled`: each row's largest
    /// number is 1, which keeps the direction where a sure network would leave nothing of it.
    pub(crate) fn seed(self, logits: &Tensor, classes: &[usize], scaled: bool) -> Tensor {
        let mut seed = Tensor::zeros(logits.raw_dim());
        for ((mut seed, logits), &class) in
            seed.outer_iter_mut().zip(logits.outer_iter()).zip(classes)
        {
            match self {
                FoolingLoss::CrossEntropy => {
                    // p_j, and minus their sum at the class: 1 - p would round to 0 first. Where
                    // the others alone count, their largest logit may as well be the zero.
                    let others = || (0..logits.len()).filter(|&j| j != class);
                    let top = others()
                        .map(|j| logits[j])
                        .fold(f32::NEG_INFINITY, f32::max);
                    let zero = if scaled { top } else { top.max(logits[class]) };
                    let mut sum = 0.0;
                    for j in others() {
                        seed[j] = (logits[j] - zero).exp();
                        sum += seed[j];
                    }
                    seed[class] = -sum;
                    if !scaled {
                        let total = sum + (logits[class] - zero).exp();
                        seed.mapv_inplace(|v| v / total);
                    }
                }
                FoolingLoss::NegativeLog => {
                    let score = logits[class];
                    let least = 1e-12_f32.copysign(score);
                    seed[class] = -1.0 / if score.abs() < 1e-12 { least } else { score };
                }
            }
            let largest = seed.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            if scaled && largest > 0.0 {
                seed.mapv_inplace(|v| v / largest);
            }
        }
        seed
    }
}

/// The logits of images, and the gradient of each one's loss with respect to it; a part of the
/// batch at a time.
pub(crate) fn loss_gradient(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    classes: &[usize],
    loss: FoolingLoss,
    scaled: bool,
) -> Result<(Tensor, Tensor)> {
    let mut logits = Vec::new();
    let mut gradients = Vec::new();
    for (from, to) in parts(images) {
        let classes = &classes[from..to];
        let mut seed = |logits: &Tensor| {
            check(logits, to - from)?;
            Ok(loss.seed(logits, classes, scaled))
        };
        let (scores, gradient) = model.pull_back(&part(images, from, to), &mut seed)?;
        logits.push(scores);
        gradients.push(gradient);
    }
    Ok((joined(&logits), joined(&gradients)))
}

/// The logits of images, checked.
pub(crate) fn logits(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
) -> Result<Tensor> {
    let mut all = Vec::new();
    for (from, to) in parts(images) {
        let logits = model.logits(&part(images, from, to))?;
        check(&logits, to - from)?;
        all.push(logits);
    }
    Ok(joined(&all))
}

fn check(logits: &Tensor, images: usize) -> Result<()> {
    if logits.ndim() != 2 || logits.shape()[0] != images || logits.shape()[1] == 0 {
        let expected = format!("[{images}, classes]: fooling takes a classifier");
        return Err(VisError::shape("the scores", expected, logits.shape()));
    }
    match logits.iter().all(|v| v.is_finite()) {
        true => Ok(()),
        false => Err(VisError::invalid(
            "the scores hold a NaN or an infinity: look at what gives them",
        )),
    }
}

/// The batch in parts whose traces fit into memory: 128 small images, 6 of 224x224.
pub(crate) fn parts(images: &Tensor) -> impl Iterator<Item = (usize, usize)> + use<> {
    let n = images.shape()[0];
    let size: usize = images.shape()[1..].iter().product();
    let most = ((1 << 20) / size.max(1)).clamp(1, 128);
    (0..n)
        .step_by(most)
        .map(move |from| (from, (from + most).min(n)))
}

fn joined(parts: &[Tensor]) -> Tensor {
    let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
    ndarray::concatenate(Axis(0), &views).expect("parts of one shape")
}

/// The class with the largest score in each row, the first of equals.
pub(crate) fn answers(logits: &Tensor) -> Vec<usize> {
    let best = |row: ndarray::ArrayViewD<'_, f32>| {
        let all = row.iter().enumerate();
        all.fold((0, f32::NEG_INFINITY), |best, (i, &v)| {
            if v > best.1 { (i, v) } else { best }
        })
        .0
    };
    logits.outer_iter().map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::cross_entropy;
    use ndarray::array;

    #[test]
    fn the_gradient_of_cross_entropy_is_the_engines() {
        let logits = array![[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]].into_dyn();
        let ours = FoolingLoss::CrossEntropy.seed(&logits, &[2, 0], false);
        let (_, theirs) = cross_entropy(&logits, &[2, 0]).unwrap();
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - 2.0 * b).abs() < 1e-6, "{a} {b}"); // theirs is a mean over two images
        }
    }

    #[test]
    fn a_sure_network_still_shows_a_direction() {
        let logits = array![[400.0, 1.0, 2.0]].into_dyn();
        let plain = FoolingLoss::CrossEntropy.seed(&logits, &[0], false);
        assert!(plain.iter().all(|&v| v == 0.0));
        let scaled = FoolingLoss::CrossEntropy.seed(&logits, &[0], true);
        assert_eq!(scaled[[0, 0]], -1.0);
        assert!(scaled[[0, 2]] > scaled[[0, 1]] && scaled[[0, 1]] > 0.0);
    }
}
