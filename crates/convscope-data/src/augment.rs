//! Augmentation: small random changes to training images that leave the class what it is, so that
//! a network sees a slightly different set every epoch (Krizhevsky, Sutskever and Hinton 2012,
//! section 4.1).

use crate::draw::Draw;
use crate::error::{DataError, Result};
use ndarray::ArrayViewMut3;
use std::fmt;
use std::sync::Arc;

/// What stands around an image that is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// One value, in the units of the dataset: 0 is black in plain pixels, and the mean in
    /// standardised ones.
    Value(f32),
    /// The image mirrored at its edge, without repeating the edge itself.
    Reflect,
}

/// One random change.
#[derive(Clone)]
#[non_exhaustive]
pub enum Augment {
    /// Left and right exchanged in this share of the images. 0.5 is the custom; not for digits.
    HorizontalFlip {
        /// From 0 to 1.
        probability: f64,
    },
    /// The image with a border of `padding` pixels, cut back to its size at a random place: the
    /// same as a shift by up to `padding` pixels down and across. He et al. (2015, section 4.2)
    /// use 4 zeros on CIFAR-10.
    RandomCrop {
        /// Pixels on every side.
        padding: usize,
        /// What the border is made of.
        fill: Fill,
    },
    /// A function of one's own; see [`Augmentation::custom`].
    Custom {
        /// What errors and checkpoints call it.
        name: String,
        /// The function.
        change: Change,
    },
}

/// A change of one image `[C, H, W]` in place. Randomness must come from the draw alone.
pub type Change = Arc<dyn Fn(ArrayViewMut3<'_, f32>, &mut Draw) -> Result<()> + Send + Sync>;

impl fmt::Debug for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Augment::HorizontalFlip { probability } => write!(f, "flip {probability}"),
            Augment::RandomCrop { padding, fill } => match fill {
                Fill::Value(v) => write!(f, "crop with {padding} pixels of {v} around"),
                Fill::Reflect => write!(f, "crop with {padding} reflected pixels around"),
            },
            Augment::Custom { name, .. } => f.write_str(name),
        }
    }
}

/// Random changes, made one after the other.
///
/// ```
/// use convscope_data::Augmentation;
/// let augmentation = Augmentation::new().flip().crop(4);
/// let mut image = vec![0.5; 3 * 32 * 32];
/// // The same seed, epoch and index change an image in the same way, on any thread.
/// augmentation.apply(&mut image, [3, 32, 32], (1, 2, 3))?;
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Augmentation {
    steps: Vec<Augment>,
}

impl Augmentation {
    /// None yet: images stay as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Then this change.
    pub fn then(mut self, step: Augment) -> Self {
        self.steps.push(step);
        self
    }

    /// Then a horizontal flip of every other image, by chance.
    pub fn flip(self) -> Self {
        self.then(Augment::HorizontalFlip { probability: 0.5 })
    }

    /// Then a random crop out of the image with this many zeros on every side.
    pub fn crop(self, padding: usize) -> Self {
        let fill = Fill::Value(0.0);
        self.then(Augment::RandomCrop { padding, fill })
    }

    /// Then a function of one's own. Its `name` is what errors call it, and what a checkpoint
    /// knows it by: give another behaviour another name.
    pub fn custom(
        self,
        name: impl Into<String>,
        change: impl Fn(ArrayViewMut3<'_, f32>, &mut Draw) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.then(Augment::Custom {
            name: name.into(),
            change: Arc::new(change),
        })
    }

    /// The changes in their order.
    pub fn steps(&self) -> &[Augment] {
        &self.steps
    }

    /// Whether images stay as they are.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the changes can be made to images of this shape, `[C, H, W]`.
    ///
    /// # Errors
    /// If a probability is not one, a fill is not finite, or there is too little image to reflect.
    pub fn check(&self, shape: [usize; 3]) -> Result<()> {
        for step in &self.steps {
            let problem = match step {
                Augment::HorizontalFlip { probability } if !(0.0..=1.0).contains(probability) => {
                    "the probability of a flip must be from 0 to 1".to_owned()
                }
                Augment::RandomCrop {
                    fill: Fill::Value(v),
                    ..
                } if !v.is_finite() => "the fill must be a finite number".to_owned(),
                Augment::RandomCrop {
                    padding,
                    fill: Fill::Reflect,
                } if *padding >= shape[1].min(shape[2]) => format!(
                    "{padding} pixels to reflect need an image of at least {0}x{0}, got {1}x{2}",
                    padding + 1,
                    shape[1],
                    shape[2]
                ),
                _ => continue,
            };
            return Err(DataError::Argument {
                what: "augmentation",
                problem: format!("{step}: {problem}"),
            });
        }
        Ok(())
    }

    /// Changes one image of shape `[C, H, W]` in place. What is drawn depends on the seed, the
    /// epoch and the example's index alone, so batches may be made by any number of threads.
    ///
    /// # Errors
    /// If `image` is not of that shape, as [`check`](Self::check), or what a function of one's own
    /// returns.
    pub fn apply(
        &self,
        image: &mut [f32],
        shape: [usize; 3],
        (seed, epoch, index): (u64, u64, u64),
    ) -> Result<()> {
        if self.steps.is_empty() {
            return Ok(());
        }
        self.check(shape)?;
        if image.len() != shape.iter().product::<usize>() {
            return Err(DataError::Shape {
                what: "an image to augment".into(),
                expected: format!("{shape:?}"),
                got: vec![image.len()],
            });
        }
        let mut draw = Draw::new(mix(seed, epoch), index);
        for step in &self.steps {
            match step {
                Augment::HorizontalFlip { probability } => {
                    if f64::from(draw.unit()) < *probability {
                        flip(image, shape);
                    }
                }
                Augment::RandomCrop { padding, fill } => {
                    let [down, across] = [(); 2].map(|()| draw.below(2 * padding + 1));
                    let by = [down, across].map(|at| at as isize - *padding as isize);
                    shift(image, shape, by, *fill);
                }
                Augment::Custom { change, .. } => {
                    let view = ArrayViewMut3::from_shape(shape, image)
                        .expect("as many values as the shape holds");
                    change(view, &mut draw)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("none");
        }
        for (i, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
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

fn flip(image: &mut [f32], [_, _, w]: [usize; 3]) {
    image.chunks_exact_mut(w.max(1)).for_each(<[f32]>::reverse);
}

/// What stood at `(y + down, x + across)` comes to `(y, x)`.
fn shift(image: &mut [f32], [_, h, w]: [usize; 3], [down, across]: [isize; 2], fill: Fill) {
    if (down, across) == (0, 0) || image.is_empty() {
        return;
    }
    let source = |at: usize, by: isize, size: usize| -> Option<usize> {
        let from = at as isize + by;
        match fill {
            Fill::Value(_) => usize::try_from(from).ok().filter(|&f| f < size),
            // -1 is 1, and size is size - 2.
            Fill::Reflect => Some(match from {
                from if from < 0 => -from as usize,
                from if from as usize >= size => 2 * (size - 1) - from as usize,
                from => from as usize,
            }),
        }
    };
    let border = match fill {
        Fill::Value(v) => v,
        Fill::Reflect => 0.0,
    };
    let columns: Vec<Option<usize>> = (0..w).map(|x| source(x, across, w)).collect();
    let mut old = vec![0.0; h * w];
    for plane in image.chunks_exact_mut(h * w) {
        old.copy_from_slice(plane);
        for (y, row) in plane.chunks_exact_mut(w).enumerate() {
            match source(y, down, h) {
                None => row.fill(border),
                Some(from) => {
                    let from = &old[from * w..][..w];
                    for (v, column) in row.iter_mut().zip(&columns) {
                        *v = column.map_or(border, |x| from[x]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [1, 2, 3];
    const IMAGE: [f32; 6] = [1., 2., 3., 4., 5., 6.];

    #[test]
    fn a_flip_mirrors_every_row() {
        let always = Augmentation::new().then(Augment::HorizontalFlip { probability: 1.0 });
        let mut image = IMAGE;
        always.apply(&mut image, SHAPE, (0, 0, 0)).unwrap();
        assert_eq!(image, [3., 2., 1., 6., 5., 4.]);
    }

    #[test]
    fn a_shift_brings_in_the_fill_or_the_mirrored_image() {
        for (by, fill, expected) in [
            ([0, 1], Fill::Value(9.0), [2., 3., 9., 5., 6., 9.]),
            ([0, -2], Fill::Value(0.0), [0., 0., 1., 0., 0., 4.]),
            ([-1, 0], Fill::Value(0.0), [0., 0., 0., 1., 2., 3.]),
            ([3, 0], Fill::Value(7.0), [7.; 6]),
            ([0, 1], Fill::Reflect, [2., 3., 2., 5., 6., 5.]),
            ([1, -2], Fill::Reflect, [6., 5., 4., 3., 2., 1.]),
        ] {
            let mut image = IMAGE;
            shift(&mut image, SHAPE, by, fill);
            assert_eq!(image, expected, "{by:?} {fill:?}");
        }
    }

    #[test]
    fn what_is_drawn_depends_on_seed_epoch_and_index_alone() {
        let augmentation = Augmentation::new().flip().crop(3);
        let shape = [2, 9, 8];
        let original: Vec<f32> = (0..144).map(|i| i as f32).collect();
        let changed = |key| {
            let mut image = original.clone();
            augmentation.apply(&mut image, shape, key).unwrap();
            image
        };
        let of = |keys: [(u64, u64, u64); 40]| keys.map(changed).to_vec();
        let base = of(std::array::from_fn(|i| (1, 1, i as u64)));
        assert_eq!(base, of(std::array::from_fn(|i| (1, 1, i as u64))));
        for other in [
            of(std::array::from_fn(|i| (2, 1, i as u64))),
            of(std::array::from_fn(|i| (1, 2, i as u64))),
            of(std::array::from_fn(|i| (1, 1, i as u64 + 40))),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_crop_reaches_every_place_and_a_flip_is_an_even_chance() {
        let (mut places, mut flipped) = ([0; 9], 0);
        for index in 0..900 {
            let mut image = [0., 0., 0., 0., 1., 0., 0., 0., 0.];
            let crop = Augmentation::new().crop(1);
            crop.apply(&mut image, [1, 3, 3], (5, 0, index)).unwrap();
            places[image.iter().position(|&v| v == 1.0).unwrap()] += 1;
            let mut pair = [0., 1.];
            let flip = Augmentation::new().flip();
            flip.apply(&mut pair, [1, 1, 2], (5, 0, index)).unwrap();
            flipped += usize::from(pair[0] == 1.0);
        }
        assert!(places.iter().all(|&n| (60..140).contains(&n)), "{places:?}");
        assert!((400..500).contains(&flipped), "{flipped}");
    }

    #[test]
    fn a_function_of_ones_own_runs_in_its_turn_and_may_fail() {
        let darker = Augmentation::new().custom("half", |mut image, _| {
            image *= 0.5;
            Ok(())
        });
        let mut image = IMAGE;
        darker.apply(&mut image, SHAPE, (0, 0, 0)).unwrap();
        assert_eq!(image, IMAGE.map(|v| v / 2.0));
        assert_eq!(darker.flip().to_string(), "half, flip 0.5");
        let refusing = Augmentation::new().custom("no", |_, _| {
            Err(DataError::Argument {
                what: "augmentation",
                problem: "no".into(),
            })
        });
        assert!(refusing.apply(&mut image, SHAPE, (0, 0, 0)).is_err());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let reflect = |padding| Augment::RandomCrop {
            padding,
            fill: Fill::Reflect,
        };
        let nan = Augment::RandomCrop {
            padding: 1,
            fill: Fill::Value(f32::NAN),
        };
        for (step, word) in [
            (Augment::HorizontalFlip { probability: 1.5 }, "from 0 to 1"),
            (
                Augment::HorizontalFlip {
                    probability: f64::NAN,
                },
                "from 0 to 1",
            ),
            (reflect(2), "at least 3x3, got 2x3"),
            (nan, "finite"),
        ] {
            let error = Augmentation::new().then(step).check(SHAPE).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        Augmentation::new().then(reflect(1)).check(SHAPE).unwrap();
        let error = Augmentation::new()
            .flip()
            .apply(&mut [0.0; 5], SHAPE, (0, 0, 0));
        assert!(error.unwrap_err().to_string().contains("[1, 2, 3]"));
    }
}
