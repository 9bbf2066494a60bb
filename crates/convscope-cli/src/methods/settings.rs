//! The options that single methods take.

use super::Spend;
use clap::ValueEnum;
use convscope_vis::{Combine, Fill, Quadrature, Reduce, Scoring, Seed, Upsampling};

/// Options of single methods; one that is left out has the method's default.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of methods")]
pub struct Settings {
    /// How the channels become one number in the picture [default: max, or sum where signs matter]
    #[arg(long, value_enum)]
    pub reduce: Option<Reducing>,
    /// Noisy copies for smoothgrad [default: 50], on/off patterns for lime [default: 1000]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// smoothgrad: standard deviation as a share of the image's range [default: 0.15]
    #[arg(long, value_name = "SHARE")]
    pub noise: Option<f32>,
    /// smoothgrad: what is made of the copies' maps [default: mean]
    #[arg(long, value_enum)]
    pub combine: Option<Combining>,
    /// integrated-gradients: points on the way [default: 50]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// integrated-gradients: where the way begins [default: zero]
    #[arg(long, value_enum)]
    pub baseline: Option<Beginning>,
    /// integrated-gradients: how the integral becomes a sum [default: midpoint]
    #[arg(long, value_enum)]
    pub quadrature: Option<Summing>,
    /// guided-backprop, deconvnet: start from 1, or from the target's own value [default: one]
    #[arg(long, value_enum)]
    pub seed_with: Option<Start>,
    /// grad-cam: keep what speaks against the target
    #[arg(long)]
    pub no_relu: bool,
    /// grad-cam: the raw map in the image's size [default: none for grad-cam, bilinear for
    /// guided-grad-cam]
    #[arg(long, value_enum)]
    pub upsampling: Option<Growing>,
    /// occlusion: the window in pixels [default: a seventh of the shorter side]
    #[arg(long, value_name = "N|HxW", value_parser = crate::model::parse_size)]
    pub window: Option<[usize; 2]>,
    /// occlusion: pixels from one place to the next [default: a quarter of the window]
    #[arg(long, value_name = "N|HxW", value_parser = crate::model::parse_size)]
    pub stride: Option<[usize; 2]>,
    /// What hidden pixels show: grey, mean, zero, or numbers for the channels like 0.5 or 0,-1,2 in
    /// the network's units [default: grey; for lime, the mean colour of the superpixel]
    #[arg(long, value_name = "FILL", value_parser = fill, allow_hyphen_values = true)]
    pub fill: Option<Filling>,
    /// occlusion: the mean or the sum of the drops over a pixel, or the score for each place
    /// [default: average]
    #[arg(long, value_enum)]
    pub scoring: Option<Counting>,
    /// lime: how the image is cut up [default: quickshift]
    #[arg(long, value_enum)]
    pub superpixels: Option<Cutting>,
    /// lime: the simple model [default: ridge]
    #[arg(long, value_enum)]
    pub surrogate: Option<Fitting>,
    #[command(flatten)]
    pub spend: Spend,
}

impl Settings {
    /// The options that were given, by their names.
    pub fn given(&self) -> Vec<&'static str> {
        let all = [
            ("reduce", self.reduce.is_some()),
            ("samples", self.samples.is_some()),
            ("noise", self.noise.is_some()),
            ("combine", self.combine.is_some()),
            ("steps", self.steps.is_some()),
            ("baseline", self.baseline.is_some()),
            ("quadrature", self.quadrature.is_some()),
            ("seed-with", self.seed_with.is_some()),
            ("no-relu", self.no_relu),
            ("upsampling", self.upsampling.is_some()),
            ("window", self.window.is_some()),
            ("stride", self.stride.is_some()),
            ("fill", self.fill.is_some()),
            ("scoring", self.scoring.is_some()),
            ("superpixels", self.superpixels.is_some()),
            ("surrogate", self.surrogate.is_some()),
        ];
        let given = all.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }
}

/// What hidden pixels show.
#[derive(Clone, Debug, PartialEq)]
pub struct Filling(pub Fill);

fn fill(text: &str) -> Result<Filling, String> {
    Ok(Filling(match text {
        "grey" => Fill::Grey,
        "mean" => Fill::Mean,
        "zero" => Fill::Zero,
        numbers => {
            let numbers: Result<Vec<f32>, _> =
                numbers.split(',').map(|n| n.trim().parse()).collect();
            Fill::Colour(numbers.map_err(|_| {
                "expected grey, mean, zero, or a number for each channel like 0,0,0".to_owned()
            })?)
        }
    }))
}

/// An enumeration of the command line that stands for one of the library.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident => $into:ident { $($(#[$about:meta])* $word:ident => $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub enum $name { $($(#[$about])* $word,)* }

        impl From<$name> for $into {
            fn from(word: $name) -> $into {
                match word { $($name::$word => $value,)* }
            }
        }
    };
}

words! {
    /// Channels to one number.
    Reducing => Reduce {
        /// the largest absolute value
        Max => Reduce::MaxAbs,
        /// the sum of the absolute values
        SumAbs => Reduce::SumAbs,
        /// the sum with its sign
        Sum => Reduce::Sum,
    }
}
words! {
    /// Noisy maps to one.
    Combining => Combine {
        /// SmoothGrad
        Mean => Combine::Mean,
        /// SmoothGrad squared
        Squares => Combine::MeanOfSquares,
        /// VarGrad
        Variance => Combine::Variance,
    }
}
words! {
    /// An integral as a sum.
    Summing => Quadrature {
        /// the middles of equal steps
        Midpoint => Quadrature::Midpoint,
        /// the ends of equal steps
        Right => Quadrature::Right,
        /// Gauss and Legendre's points, captum's default
        GaussLegendre => Quadrature::GaussLegendre,
    }
}
words! {
    /// What the way back starts from.
    Start => Seed {
        /// 1 at the target
        One => Seed::One,
        /// the target's own value
        Activation => Seed::Activation,
    }
}
words! {
    /// Coarse maps to the image's size.
    Growing => Upsampling {
        /// stays in the layer's size
        None => Upsampling::None,
        /// between the middles of the coarse places
        Bilinear => Upsampling::Bilinear,
        /// the coarse place in which a pixel lies
        Nearest => Upsampling::Nearest,
    }
}
words! {
    /// Scores to a map.
    Counting => Scoring {
        /// captum's rule
        Average => Scoring::Average,
        /// PAIR's rule
        Sum => Scoring::Sum,
        /// the score with the window there, as in the paper
        PerPosition => Scoring::PerPosition,
    }
}

/// Where integrated gradients begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Beginning {
    /// zero in the network's units
    Zero,
    /// the image's mean colour
    Mean,
}

/// How an image is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cutting {
    /// squares
    Grid,
    /// k-means in colour and place
    Slic,
    /// modes of density in colour and place
    Quickshift,
}

/// The simple model of LIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fitting {
    /// squared weights are held small
    Ridge,
    /// many weights become zero
    Lasso,
    /// decision trees
    Forest,
}
