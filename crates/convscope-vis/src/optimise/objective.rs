//! What an image is to be optimised for.

use crate::error::{Result, VisError};
use convscope_nn::{Tensor, softmax};
use ndarray::{ArrayView2, Axis, Ix2};
use std::fmt;
use std::ops::{Add, Mul};

/// A number that an image has in a network and that is to grow: a channel's mean, a class, a layer's
/// norm, likeness to another image's layer, or a weighted sum of several.
///
/// ```
/// use convscope_vis::Objective;
/// let mixed = Objective::channel("conv2", 3) + Objective::class(7) * 0.5;
/// assert_eq!(mixed.to_string(), "mean of channel 3 of \"conv2\", plus logit of class 7 times 0.5");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    pub(crate) terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) weight: f64,
    /// The layer; the logits where there is none.
    pub(crate) layer: Option<String>,
    aim: Aim,
}

#[derive(Clone, Debug, PartialEq)]
enum Aim {
    Class(usize),
    Probability(usize),
    Unit(Vec<usize>),
    Centre(usize),
    Channel(usize),
    Direction(Tensor),
    HalfSquares,
    MeanSquare(usize),
    Guide(Tensor),
    Code(Tensor),
}

impl Objective {
    fn new(layer: Option<&str>, aim: Aim) -> Objective {
        Objective {
            terms: vec![Term {
                weight: 1.0,
                layer: layer.map(str::to_owned),
                aim,
            }],
        }
    }

    /// The logit of a class.
    pub fn class(class: usize) -> Objective {
        Objective::new(None, Aim::Class(class))
    }

    /// The softmax probability of a class. It grows also by making other classes less likely, and
    /// its gradient vanishes where the network is sure: the logit gives better images (Simonyan,
    /// Vedaldi and Zisserman 2014, section 2).
    pub fn probability(class: usize) -> Objective {
        Objective::new(None, Aim::Probability(class))
    }

    /// One unit of a layer, by its index without the batch: `[c, y, x]` or `[d]`.
    pub fn unit(layer: &str, index: &[usize]) -> Objective {
        Objective::new(Some(layer), Aim::Unit(index.to_vec()))
    }

    /// The unit in the middle of a channel, whatever the image's size: its image is one of the thing,
    /// where a channel's mean gives a pattern of it.
    pub fn centre(layer: &str, channel: usize) -> Objective {
        Objective::new(Some(layer), Aim::Centre(channel))
    }

    /// The mean of a channel.
    pub fn channel(layer: &str, channel: usize) -> Objective {
        Objective::new(Some(layer), Aim::Channel(channel))
    }

    /// The product of a layer's activation with a direction. A direction in the activation's own
    /// shape is multiplied number by number; one of `[C]` with the mean over all places.
    pub fn direction(layer: &str, direction: Tensor) -> Objective {
        Objective::new(Some(layer), Aim::Direction(direction))
    }

    /// Half the sum of the squares of a layer: its gradient is the activation itself, so that
    /// whatever is there gets stronger (Google's deep dream, Mordvintsev, Olah and Tyka 2015).
    pub fn norm(layer: &str) -> Objective {
        Objective::new(Some(layer), Aim::HalfSquares)
    }

    /// The mean of the squares of a layer, without `border` units at each side of its maps (Keras'
    /// deep dream: 2, against artefacts of the border). Where the maps are too small for that, the
    /// border is left out.
    pub fn mean_square(layer: &str, border: usize) -> Objective {
        Objective::new(Some(layer), Aim::MeanSquare(border))
    }

    /// Likeness to another image's layer, given its activation there `[C, H, W]`: every place looks
    /// for the place of the guide whose product with it is largest, and this is the sum of those
    /// products (Google's guided dream).
    pub fn guide(layer: &str, activation: Tensor) -> Objective {
        Objective::new(Some(layer), Aim::Guide(activation))
    }

    /// Likeness to an activation, place by place: minus the squared distance, over the code's squared
    /// norm (Mahendran and Vedaldi 2015, equation 4). 0 is the best there is, and -1 what an
    /// activation of zeros has.
    pub fn code(layer: &str, activation: Tensor) -> Objective {
        Objective::new(Some(layer), Aim::Code(activation))
    }
}

impl Mul<f64> for Objective {
    type Output = Objective;

    fn mul(mut self, weight: f64) -> Objective {
        self.terms.iter_mut().for_each(|t| t.weight *= weight);
        self
    }
}

impl Add for Objective {
    type Output = Objective;

    fn add(mut self, other: Objective) -> Objective {
        self.terms.extend(other.terms);
        self
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(", plus ")?;
            }
            let layer = term.layer.as_deref().unwrap_or("output");
            match &term.aim {
                Aim::Class(k) => write!(f, "logit of class {k}")?,
                Aim::Probability(k) => write!(f, "probability of class {k}")?,
                Aim::Unit(index) => write!(f, "unit {index:?} of \"{layer}\"")?,
                Aim::Centre(c) => write!(f, "middle unit of channel {c} of \"{layer}\"")?,
                Aim::Channel(c) => write!(f, "mean of channel {c} of \"{layer}\"")?,
                Aim::Direction(_) => write!(f, "a direction in \"{layer}\"")?,
                Aim::HalfSquares => write!(f, "half the squared norm of \"{layer}\"")?,
                Aim::MeanSquare(_) => write!(f, "mean square of \"{layer}\"")?,
                Aim::Guide(_) => write!(f, "products with a guide in \"{layer}\"")?,
                Aim::Code(_) => write!(f, "likeness to a code of \"{layer}\"")?,
            }
            if term.weight != 1.0 {
                write!(f, " times {}", term.weight)?;
            }
        }
        Ok(())
    }
}

impl Term {
    /// The term's value for one image, given its activation of this shape (without the batch), and
    /// adds the gradient with respect to that activation.
    pub(crate) fn add(&self, a: &[f32], shape: &[usize], gradient: &mut [f32]) -> Result<f64> {
        let weight = self.weight as f32;
        let place = shape[1..].iter().product::<usize>().max(1);
        let layer = self.layer.as_deref().unwrap_or("output");
        let one = |index: usize, gradient: &mut [f32]| {
            gradient[index] += weight;
            f64::from(a[index])
        };
        let channel = |c: usize| match c < shape[0] {
            true => Ok(c * place..(c + 1) * place),
            false => Err(VisError::invalid(format!(
                "a channel of \"{layer}\": expected one of 0 to {}, got {c}",
                shape[0] - 1
            ))),
        };
        let value = match &self.aim {
            Aim::Class(k) => {
                class_index(*k, shape)?;
                one(*k, gradient)
            }
            Aim::Probability(k) => {
                class_index(*k, shape)?;
                probability(*k, a, weight, gradient)?
            }
            Aim::Unit(index) => one(flat_index(index, shape, layer)?, gradient),
            Aim::Centre(c) => {
                let middle = match *shape {
                    [_, h, w] => (h / 2) * w + w / 2,
                    _ => 0,
                };
                one(channel(*c)?.start + middle, gradient)
            }
            Aim::Channel(c) => {
                let range = channel(*c)?;
                let share = weight / place as f32;
                gradient[range.clone()].iter_mut().for_each(|g| *g += share);
                sum(a[range].iter().map(|&v| v.into())) / place as f64
            }
            Aim::Direction(d) if d.shape() == shape => {
                add_scaled(gradient, weight, d.iter());
                sum(a.iter().zip(d).map(|(&a, &d)| f64::from(a * d)))
            }
            Aim::Direction(d) if d.shape() == [shape[0]] => {
                let mut value = 0.0;
                for (c, &d) in d.iter().enumerate() {
                    let range = channel(c)?;
                    let share = d / place as f32;
                    value += f64::from(share) * sum(a[range.clone()].iter().map(|&v| v.into()));
                    gradient[range]
                        .iter_mut()
                        .for_each(|g| *g += weight * share);
                }
                value
            }
            Aim::Direction(d) => {
                let what = format!("the direction in \"{layer}\"");
                let expected = format!("{shape:?} or [{}]", shape[0]);
                return Err(VisError::shape(what, expected, d.shape()));
            }
            Aim::HalfSquares => {
                add_scaled(gradient, weight, a.iter());
                0.5 * sum(a.iter().map(|&v| f64::from(v) * f64::from(v)))
            }
            Aim::MeanSquare(border) => mean_square(*border, a, shape, weight, gradient),
            Aim::Guide(guide) => guided(guide, a, shape, layer, weight, gradient)?,
            Aim::Code(code) => {
                if code.shape() != shape {
                    let what = format!("the code of \"{layer}\"");
                    return Err(VisError::shape(what, format!("{shape:?}"), code.shape()));
                }
                let norm = sum(code.iter().map(|&v| f64::from(v) * f64::from(v)));
                let norm = if norm > 0.0 { norm } else { 1.0 };
                let by = weight * (2.0 / norm) as f32;
                let mut distance = 0.0;
                for ((g, &a), &c) in gradient.iter_mut().zip(a).zip(code) {
                    *g -= by * (a - c);
                    distance += f64::from(a - c) * f64::from(a - c);
                }
                -distance / norm
            }
        };
        Ok(self.weight * value)
    }
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.sum()
}

fn add_scaled<'a>(to: &mut [f32], by: f32, values: impl Iterator<Item = &'a f32>) {
    to.iter_mut().zip(values).for_each(|(t, v)| *t += by * v);
}

/// Outputs of one place a class, `[K]` or `[K, 1, 1]`.
fn class_index(class: usize, shape: &[usize]) -> Result<()> {
    if shape[1..].iter().any(|&side| side != 1) {
        return Err(VisError::shape(
            "a class as the objective needs a classifier's output",
            "[classes]",
            shape,
        ));
    }
    match class < shape[0] {
        true => Ok(()),
        false => Err(VisError::UnknownClass {
            class,
            classes: shape[0],
        }),
    }
}

fn flat_index(index: &[usize], shape: &[usize], layer: &str) -> Result<usize> {
    let inside = index.len() == shape.len() && index.iter().zip(shape).all(|(i, n)| i < n);
    if !inside {
        return Err(VisError::invalid(format!(
            "a unit of \"{layer}\": expected an index inside {shape:?}, got {index:?}"
        )));
    }
    Ok(index.iter().zip(shape).fold(0, |flat, (i, n)| flat * n + i))
}

/// dp_k / dz_j = p_k ([j = k] - p_j)
fn probability(k: usize, a: &[f32], weight: f32, gradient: &mut [f32]) -> Result<f64> {
    let logits = Tensor::from_shape_vec(vec![1, a.len()], a.to_vec()).expect("one row");
    let p = softmax(&logits)?;
    let pk = p[[0, k]];
    for (j, g) in gradient.iter_mut().enumerate() {
        let same = if j == k { 1.0 } else { 0.0 };
        *g += weight * pk * (same - p[[0, j]]);
    }
    Ok(pk.into())
}

fn mean_square(border: usize, a: &[f32], shape: &[usize], weight: f32, g: &mut [f32]) -> f64 {
    let [h, w] = match *shape {
        [_, h, w] => [h, w],
        _ => [1, 1],
    };
    let border = if h.min(w) > 2 * border { border } else { 0 };
    let share = 1.0 / a.len() as f64;
    let mut value = 0.0;
    for (i, (&a, g)) in a.iter().zip(g).enumerate() {
        let (y, x) = (i / w % h, i % w);
        if (border..h - border).contains(&y) && (border..w - border).contains(&x) {
            value += share * f64::from(a) * f64::from(a);
            *g += weight * 2.0 * share as f32 * a;
        }
    }
    value
}

fn guided(
    guide: &Tensor,
    a: &[f32],
    shape: &[usize],
    layer: &str,
    weight: f32,
    gradient: &mut [f32],
) -> Result<f64> {
    let channels = shape[0];
    if guide.ndim() == 0 || guide.shape()[0] != channels || guide.is_empty() {
        let what = format!("the guide's activation in \"{layer}\"");
        let expected = format!("{channels} channels, [{channels}, height, width]");
        return Err(VisError::shape(what, expected, guide.shape()));
    }
    let places = a.len() / channels;
    let ours = ArrayView2::from_shape((channels, places), a).expect("C order");
    let theirs = guide.as_standard_layout();
    let flat = theirs.to_shape([channels, guide.len() / channels]);
    let flat = flat.expect("as many numbers");
    let theirs = flat.view().into_dimensionality::<Ix2>().expect("two axes");
    let products = ours.t().dot(&theirs); // places x places of the guide
    let mut value = 0.0;
    for (place, row) in products.axis_iter(Axis(0)).enumerate() {
        let first = (0, f32::NEG_INFINITY);
        let best = row.iter().enumerate().fold(
            first,
            |best, (i, &v)| {
                if v > best.1 { (i, v) } else { best }
            },
        );
        value += f64::from(best.1);
        for (c, &v) in theirs.column(best.0).iter().enumerate() {
            gradient[c * places + place] += weight * v;
        }
    }
    Ok(value)
}
