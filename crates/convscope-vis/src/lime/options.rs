//! Settings of LIME.

use crate::error::{Result, VisError};
use crate::superpixels::Superpixels;
use ndarray::Array2;
use serde::Serialize;

/// Settings of [`lime`](crate::lime); the defaults are those of LIME's own program for images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lime {
    /// How the image is cut. Quickshift.
    pub superpixels: Superpixels,
    /// Images looked at. 1000, the program's; the first is the image as it is.
    pub samples: usize,
    /// Which superpixels are on in a sample. At random, each with probability one half.
    pub design: Design,
    /// What a superpixel shows that is off. Its mean colour.
    pub off: Off,
    /// What a sample counts. Cosine distance, width 0.25.
    pub kernel: Kernel,
    /// The simple model. Ridge regression with alpha 1.
    pub surrogate: Surrogate,
    /// Which classes are explained, all in one pass. The five best.
    pub labels: Labels,
    /// Images in a batch. `None`: as many as make 16 MiB, at most 128.
    pub batch: Option<usize>,
    /// Of what is drawn.
    pub seed: u64,
}

/// Which superpixels are on in a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Design {
    /// Each with this probability, independently.
    Random(f64),
    /// Every combination once: twice as many samples for every further superpixel, so at most
    /// [`Design::MOST`] superpixels.
    FullFactorial,
    /// These, `[samples, superpixels]`; the first should be all on, as its scores are taken for
    /// those of the image as it is.
    #[serde(serialize_with = "given")]
    Given(Array2<bool>),
}

fn given<S: serde::Serializer>(on: &Array2<bool>, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_str(&format_args!(
        "{} samples of {} switches",
        on.nrows(),
        on.ncols()
    ))
}

impl Design {
    /// The most superpixels of a full factorial: 65,536 samples.
    pub const MOST: usize = 16;
}

/// What a superpixel shows that is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Off {
    /// Its own mean colour.
    #[default]
    MeanColour,
    /// A number for each channel, or one for all of them.
    Colour(Vec<f32>),
}

/// What a sample counts in the fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kernel {
    /// sqrt(exp(-d² / width²)), d the cosine distance between the sample's switches and all on.
    Cosine {
        /// The smaller, the less do samples count that have much switched off.
        width: f64,
    },
    /// The same for all.
    Equal,
}

/// The simple model that is fitted to the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Surrogate {
    /// Weighted least squares + alpha times the squared coefficients.
    Ridge {
        /// 1 in LIME's own program.
        alpha: f64,
    },
    /// Half the weighted mean of squared errors + alpha times the absolute coefficients: many of
    /// them become zero. In a full factorial with equal weights a coefficient is the mean effect,
    /// shrunk by 4 alpha.
    Lasso {
        /// In units of the score.
        alpha: f64,
    },
    /// A random forest of linfa's decision trees, that tells the higher half of the scores (by weight)
    /// from the lower: it sees superpixels that matter together. Its importances have no sign of
    /// their own, and get that of the superpixel's mean effect.
    Forest {
        /// Trees; 50 are steady to about a tenth.
        trees: usize,
        /// Decisions one below the other: how many superpixels can matter together.
        depth: usize,
    },
}

/// Which classes are explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Labels {
    /// So many with the best scores in the image as it is.
    Top(usize),
    /// These.
    Classes(Vec<usize>),
}

impl Default for Lime {
    fn default() -> Lime {
        Lime {
            superpixels: Superpixels::default(),
            samples: 1000,
            design: Design::Random(0.5),
            off: Off::MeanColour,
            kernel: Kernel::Cosine { width: 0.25 },
            surrogate: Surrogate::Ridge { alpha: 1.0 },
            labels: Labels::Top(5),
            batch: None,
            seed: 0,
        }
    }
}

impl Lime {
    /// With the defaults.
    pub fn new() -> Lime {
        Lime::default()
    }

    /// With the image cut in another way.
    pub fn superpixels(mut self, superpixels: Superpixels) -> Lime {
        self.superpixels = superpixels;
        self
    }

    /// With so many samples.
    pub fn samples(mut self, samples: usize) -> Lime {
        self.samples = samples;
        self
    }

    /// With superpixels on with another probability.
    pub fn keep(mut self, probability: f64) -> Lime {
        self.design = Design::Random(probability);
        self
    }

    /// With every combination of superpixels once, each counting the same.
    pub fn full_factorial(mut self) -> Lime {
        self.design = Design::FullFactorial;
        self.kernel = Kernel::Equal;
        self
    }

    /// With samples of one's own, `[samples, superpixels]`, all on in the first.
    pub fn given_samples(mut self, on: Array2<bool>) -> Lime {
        self.design = Design::Given(on);
        self
    }

    /// With something else in superpixels that are off.
    pub fn off(mut self, off: Off) -> Lime {
        self.off = off;
        self
    }

    /// With another weight of samples.
    pub fn kernel(mut self, kernel: Kernel) -> Lime {
        self.kernel = kernel;
        self
    }

    /// With another simple model.
    pub fn surrogate(mut self, surrogate: Surrogate) -> Lime {
        self.surrogate = surrogate;
        self
    }

    /// Explains the best classes.
    pub fn top(mut self, classes: usize) -> Lime {
        self.labels = Labels::Top(classes);
        self
    }

    /// Explains these classes.
    pub fn classes(mut self, classes: &[usize]) -> Lime {
        self.labels = Labels::Classes(classes.to_vec());
        self
    }

    /// With so many images in a batch.
    pub fn batch(mut self, images: usize) -> Lime {
        self.batch = Some(images);
        self
    }

    /// With another seed.
    pub fn seed(mut self, seed: u64) -> Lime {
        self.seed = seed;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let positive = |what: &str, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(VisError::invalid(format!(
                "LIME's {what}: expected a number above 0, got {value}"
            ))),
        };
        if let Design::Random(p) = self.design {
            positive("probability of a superpixel to be on", p)?;
            positive("probability of a superpixel to be off", 1.0 - p)?;
        }
        if let Kernel::Cosine { width } = self.kernel {
            positive("kernel width", width)?;
        }
        match self.surrogate {
            Surrogate::Ridge { alpha } | Surrogate::Lasso { alpha } => positive("alpha", alpha)?,
            Surrogate::Forest { trees, depth } => {
                positive("number of trees", trees as f64)?;
                positive("depth of the trees", depth as f64)?;
            }
        }
        match &self.labels {
            Labels::Top(0) => Err(VisError::invalid("LIME for the best 0 classes: expected 1")),
            Labels::Classes(none) if none.is_empty() => {
                Err(VisError::invalid("LIME for no class: expected at least 1"))
            }
            _ => positive("number of samples", self.samples as f64),
        }
    }

    /// How many samples there will be of so many superpixels.
    pub(super) fn sample_count(&self, superpixels: usize) -> usize {
        match &self.design {
            Design::Random(_) => self.samples,
            Design::FullFactorial => 1 << superpixels,
            Design::Given(on) => on.nrows(),
        }
    }
}

impl Kernel {
    /// The cosine distance between all on and a sample with `on` of `of` superpixels on:
    /// 1 - sqrt(on / of). 1 where all are off, as in scikit-learn.
    pub fn distance(on: usize, of: usize) -> f64 {
        1.0 - (on as f64 / of.max(1) as f64).sqrt()
    }

    /// What such a sample counts.
    pub fn weight(&self, on: usize, of: usize) -> f64 {
        match *self {
            Kernel::Equal => 1.0,
            Kernel::Cosine { width } => {
                let share = Kernel::distance(on, of) / width;
                (-share * share).exp().sqrt()
            }
        }
    }
}
