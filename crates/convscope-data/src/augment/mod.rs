//! Augmentation: small random changes to training images that leave the class what it is, so that
//! a network sees a slightly different set every epoch (Krizhevsky, Sutskever and Hinton 2012,
//! section 4.1).

mod build;
mod check;
mod colour;
mod link;
mod mix_up;
mod range;
mod step;
#[cfg(test)]
mod tests;
mod truth;
mod warp;

pub(crate) use check::wrong_size;
pub use colour::ColourComponents;
pub use mix_up::Pair;
pub use range::PixelRange;
pub use step::{Augment, Change, Fill};
pub use truth::Augmented;
pub(crate) use warp::resized;

use crate::dataset::Dataset;
use crate::draw::Draw;
use crate::error::{DataError, Result};
use link::Link;
use ndarray::{Array2, Array3, ArrayView3, ArrayViewMut3};
use std::fmt;
use truth::Truth;
use warp::Chain;

/// Random changes, made one after the other.
///
/// Those that move pixels (flips, crops, shifts, turns, bends) and follow each other are made by one
/// bilinear interpolation, so the image is blurred once however many there are; flips and crops by
/// whole pixels alone are exact. Where an image shrinks, all the pixels that one covers are averaged.
/// Changes of colours need to know what black and white are ([`range`](Self::range)) and keep pixels
/// between them. Boxes and masks come along with [`augment_with`](Self::augment_with).
///
/// ```
/// use convscope_data::{Augmentation, PixelRange};
/// let augmentation = Augmentation::new()
///     .range(PixelRange::unit())
///     .flip()
///     .crop(4)
///     .rotate(10.0)
///     .contrast(0.3);
/// let mut image = vec![0.5; 3 * 32 * 32];
/// // The same seed, epoch and index change an image in the same way, on any thread.
/// augmentation.apply(&mut image, [3, 32, 32], (1, 2, 3))?;
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmentation {
    steps: Vec<Augment>,
    range: Option<PixelRange>,
    mix_up: Option<f64>,
    least_visible: f32,
}

/// An image as training sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Shape `[C, H, W]`.
    pub image: Array3<f32>,
    /// The share of each class in the label; without mix-up one is 1.
    pub label: Vec<f32>,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            range: None,
            mix_up: None,
            least_visible: 0.25,
        }
    }
}

impl Augmentation {
    /// The changes in their order.
    pub fn steps(&self) -> &[Augment] {
        &self.steps
    }

    /// What black and white are, if that was said.
    pub fn pixel_range(&self) -> Option<&PixelRange> {
        self.range.as_ref()
    }

    /// Whether images and labels stay as they are.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.mix_up.is_none()
    }

    /// Whether the changes can be made to images of this shape, `[C, H, W]`.
    ///
    /// # Errors
    /// If a setting makes no sense or does not fit the shape (a part larger than its image, too
    /// little image to reflect, colours where there are none), or a change of colours is asked for
    /// and the range is not known.
    pub fn check(&self, shape: [usize; 3]) -> Result<()> {
        self.output_shape(shape).map(drop)
    }

    /// The shape of the images it makes of images of this shape, `[C, H, W]`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn output_shape(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        if let Some(alpha) = self.mix_up {
            mix_up::check(alpha)?;
        }
        if !(0.0..=1.0).contains(&self.least_visible) {
            return Err(DataError::Argument {
                what: "augmentation",
                problem: format!(
                    "the least visible share of a box must be from 0 to 1, got {}",
                    self.least_visible
                ),
            });
        }
        let mut steps = self.steps.iter();
        steps.try_fold(shape, |shape, step| {
            step.output_shape(shape, self.range.as_ref())
        })
    }

    /// Changes one image of shape `[C, H, W]` in place. What is drawn depends on the seed, the
    /// epoch and the example's index alone, so batches may be made by any number of threads.
    /// Mix-up, which needs a second image, is left out.
    ///
    /// # Errors
    /// If `image` is not of that shape, if it would get another one, as [`check`](Self::check), if
    /// its values are not those of the range, or what a function of one's own returns.
    pub fn apply(&self, image: &mut [f32], shape: [usize; 3], key: (u64, u64, u64)) -> Result<()> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let to = self.output_shape(shape)?;
        if to != shape || image.len() != shape.iter().product::<usize>() {
            return Err(DataError::Shape {
                what: "an image to augment".into(),
                expected: match to == shape {
                    true => format!("{shape:?}"),
                    false => format!("{to:?}, the size it gets, to change it in place"),
                },
                got: match to == shape {
                    true => vec![image.len()],
                    false => shape.to_vec(),
                },
            });
        }
        let (changed, _) = self.run(image.to_vec(), shape, None, key)?;
        image.copy_from_slice(&changed);
        Ok(())
    }

    /// An image `[C, H, W]` after the changes; its size may be another one. As
    /// [`apply`](Self::apply).
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn augment(&self, image: ArrayView3<'_, f32>, key: (u64, u64, u64)) -> Result<Array3<f32>> {
        let shape = <[usize; 3]>::from(image.dim());
        self.check(shape)?;
        let (pixels, shape) = self.run(image.iter().copied().collect(), shape, None, key)?;
        Ok(Array3::from_shape_vec(shape, pixels).expect("as many values as the shape holds"))
    }

    /// An image `[C, H, W]` after the changes, with the boxes `[boxes, 4]` in it (x0, y0, x1, y1 in
    /// pixels, half-open, as [`Shapes`](crate::Shapes) has them) and its mask `[H, W]`.
    ///
    /// Boxes go by their corners (with a lens by places along their sides as well): the outline is
    /// moved, cut to the image after every change, and the box around what is left is given, with
    /// the share that is left. Masks go by the nearest pixel. Neither follows a function of one's
    /// own.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); if a box has no area or lies outside the image, or the mask is not
    /// of its size.
    pub fn augment_with(
        &self,
        image: &Array3<f32>,
        boxes: &Array2<f32>,
        mask: Option<&Array2<u8>>,
        key: (u64, u64, u64),
    ) -> Result<Augmented> {
        let shape = <[usize; 3]>::from(image.dim());
        self.check(shape)?;
        let mut truth = Truth::new(boxes, mask, [shape[1], shape[2]])?;
        let pixels = image.iter().copied().collect();
        let (pixels, shape) = self.run(pixels, shape, Some(&mut truth), key)?;
        let (boxes, visible, mask) = truth.finish([shape[1], shape[2]]);
        let kept = |share: &f32| *share > 0.0 && *share >= self.least_visible;
        Ok(Augmented {
            image: Array3::from_shape_vec(shape, pixels).expect("as many as the shape holds"),
            boxes,
            kept: visible.iter().map(kept).collect(),
            visible,
            mask,
        })
    }

    /// Whom an image of a set of `n` is mixed with; `None` without mix-up. Drawn from seed, epoch and
    /// index alone.
    pub fn pair(&self, n: usize, key: (u64, u64, u64)) -> Option<Pair> {
        let alpha = self.mix_up.filter(|_| n > 0)?;
        Some(mix_up::pair(alpha, n, key))
    }

    /// Image number `index` of a set as training sees it in an epoch, mix-up included: both images of
    /// a pair are changed on their own and then mixed, and so are their labels.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), or if there is no such image.
    pub fn example(
        &self,
        set: &Dataset,
        index: usize,
        (seed, epoch): (u64, u64),
    ) -> Result<Example> {
        let changed = |i: usize| self.augment(set.view(i)?, (seed, epoch, i as u64));
        let mut example = Example {
            image: changed(index)?,
            label: vec![0.0; set.classes.len()],
        };
        match self.pair(set.len(), (seed, epoch, index as u64)) {
            None => example.label[set.labels[index]] = 1.0,
            Some(pair) => {
                let other = changed(pair.partner)?;
                let of = "made in C order";
                let pixels = example.image.as_slice_mut().expect(of);
                pair.mix(pixels, other.as_slice().expect(of));
                pair.label(
                    &mut example.label,
                    set.labels[index],
                    set.labels[pair.partner],
                );
            }
        }
        Ok(example)
    }

    /// The steps themselves, on an image that was checked.
    fn run(
        &self,
        pixels: Vec<f32>,
        shape: [usize; 3],
        truth: Option<&mut Truth>,
        (seed, epoch, index): (u64, u64, u64),
    ) -> Result<(Vec<f32>, [usize; 3])> {
        let mut draw = Draw::new(mix(seed, epoch), index);
        let mut work = Work {
            pixels,
            shape,
            truth,
        };
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            if step.is_geometric() {
                let mut chain = Chain::default();
                let mut size = [work.shape[1], work.shape[2]];
                let mut step = Some(step);
                while let Some(one) = step {
                    if let Some(link) = Link::draw(one, size, &mut draw) {
                        size = link.to;
                        chain.push(link);
                    }
                    step = steps.next_if(|next| next.is_geometric());
                }
                work.bend(&chain);
            } else if let Some(range) = self.range.as_ref().filter(|_| step.is_colour()) {
                let [_, h, w] = work.shape;
                range.to_unit(&mut work.pixels, work.shape)?;
                colour::apply(step, &mut work.pixels, h * w, &mut draw);
                while let Some(next) = steps.next_if(|next| next.is_colour()) {
                    colour::apply(next, &mut work.pixels, h * w, &mut draw);
                }
                range.restore(&mut work.pixels, work.shape);
            } else {
                work.other(step, &mut draw)?;
            }
        }
        Ok((work.pixels, work.shape))
    }
}

/// An image on its way.
struct Work<'a> {
    pixels: Vec<f32>,
    shape: [usize; 3],
    truth: Option<&'a mut Truth>,
}

impl Work<'_> {
    fn bend(&mut self, chain: &Chain) {
        if chain.is_empty() {
            return;
        }
        let [c, h, w] = self.shape;
        if let Some(truth) = &mut self.truth {
            truth.follow(chain, [h, w]);
        }
        let (pixels, [h, w]) = chain.apply(std::mem::take(&mut self.pixels), [h, w]);
        (self.pixels, self.shape) = (pixels, [c, h, w]);
    }

    fn other(&mut self, step: &Augment, draw: &mut Draw) -> Result<()> {
        match step {
            Augment::CutOut { side, fill } => {
                hide(&mut self.pixels, self.shape, *side, *fill, draw);
                Ok(())
            }
            Augment::Custom { change, .. } => {
                let view = ArrayViewMut3::from_shape(self.shape, &mut self.pixels);
                change(view.expect("as many values as the shape holds"), draw)
            }
            _ => Ok(()),
        }
    }
}

/// Hides a square around a random pixel.
fn hide(image: &mut [f32], [_, h, w]: [usize; 3], side: usize, fill: Fill, draw: &mut Draw) {
    if h == 0 || w == 0 {
        return;
    }
    let [rows, columns] = [h, w].map(|size| {
        let middle = draw.below(size);
        let from = middle.saturating_sub(side / 2);
        // An even side has one pixel more above and to the left of its middle.
        from..(middle + side.div_ceil(2)).min(size)
    });
    let means = warp::means(image, h * w);
    for (plane, mean) in image.chunks_exact_mut(h * w).zip(means) {
        let value = match fill {
            Fill::Value(v) => v,
            _ => mean,
        };
        for row in plane.chunks_exact_mut(w).skip(rows.start).take(rows.len()) {
            row[columns.clone()].fill(value);
        }
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut parts: Vec<String> = self.steps.iter().map(Augment::to_string).collect();
        // Of no consequence where no colours are changed.
        let range = self.range.as_ref();
        parts.extend(
            range
                .filter(|_| self.steps.iter().any(Augment::is_colour))
                .map(|r| r.to_string()),
        );
        parts.extend(self.mix_up.map(|alpha| format!("mix-up {alpha}")));
        f.write_str(&parts.join(", "))
    }
}

/// One seed of two numbers, so that neighbours of either share no stream (the finalizer of
/// SplitMix64, Steele, Lea and Flood 2014).
fn mix(seed: u64, epoch: u64) -> u64 {
    let mut z = seed ^ epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
