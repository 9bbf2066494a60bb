//! The methods that `explain` and `compare` know: one table, and what each takes.

mod gradients;
mod hiding;
mod settings;

pub use hiding::Scores;
pub use settings::Settings;

use crate::output::{either, nearest};
use anyhow::{Result, bail};
use convscope_nn::{Network, Tensor};
use convscope_vis::{Attribution, Budget, Flag, Provenance, Reduce, Target, Watch};
use ndarray::{Array2, Axis, Ix4};
use std::time::Duration;

/// What a method is asked.
pub struct Asked<'a> {
    pub network: &'a Network,
    /// One image, `[1, C, H, W]`.
    pub image: &'a Tensor,
    pub target: Target,
    /// The layer of methods that look at one.
    pub layer: Option<&'a str>,
    pub settings: &'a Settings,
    pub seed: u64,
}

impl Asked<'_> {
    /// A bar of this name and the budget of the command line.
    pub fn watch(&self, what: &str) -> Watch {
        self.settings.spend.watch(what)
    }
}

/// The most that may be spent.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Spend {
    /// Stop after so many images have gone through the network, with what was had by then
    #[arg(long, value_name = "N")]
    pub max_evals: Option<usize>,
    /// Stop after so many seconds, with what was had by then
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds")?;
    Duration::try_from_secs_f64(number).map_err(|_| "expected 0 seconds or more".into())
}

impl Spend {
    /// A bar of this name and this budget.
    pub fn watch(&self, what: &str) -> Watch {
        Watch::bar(what).budget(Budget {
            max_evals: self.max_evals,
            time: self.time,
        })
    }
}

/// What a method found for one image.
#[derive(Clone, Debug)]
pub struct Found {
    /// As the library returned it, `[1, ..]`.
    pub values: Tensor,
    /// What the target was.
    pub target_value: f32,
    /// The class it stood for, where it was a class.
    pub class: Option<usize>,
    pub flags: Vec<Flag>,
    pub provenance: Provenance,
    /// The superpixels `[H, W]`, where the method had any.
    pub segments: Option<Array2<usize>>,
}

impl From<Attribution> for Found {
    fn from(found: Attribution) -> Found {
        Found {
            target_value: found.target_values.first().copied().unwrap_or(0.0),
            class: found.classes.first().copied().flatten(),
            flags: found.flags.into_iter().next().unwrap_or_default(),
            provenance: found.provenance,
            values: found.values,
            segments: None,
        }
    }
}

/// How a method's numbers are best seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The size of each pixel's number, by the largest of its channels.
    Size,
    /// The sum of the channels with its sign.
    Signed,
    /// Lines in the image's own channels, grey where there is nothing.
    Lines,
    /// Coarse, to be laid over the photo.
    Coarse,
}

/// One method.
pub struct Method {
    /// As on the command line.
    pub name: &'static str,
    /// What it does, for the help.
    pub about: &'static str,
    /// Its paper.
    pub source: &'static str,
    /// The options that it takes beside those that all take.
    pub takes: &'static [&'static str],
    /// How it is seen.
    pub shows: Shows,
    /// The method itself.
    pub run: fn(&Asked<'_>) -> convscope_vis::Result<Found>,
}

/// All of them, in the order in which a sheet shows them.
pub const METHODS: &[Method] = &[
    Method {
        name: "saliency",
        about: "the gradient of the target with respect to each pixel",
        source: "Simonyan, Vedaldi and Zisserman 2014",
        takes: &["reduce"],
        shows: Shows::Size,
        run: gradients::saliency,
    },
    Method {
        name: "input-x-gradient",
        about: "the gradient times the pixel",
        source: "Shrikumar et al. 2016",
        takes: &["reduce"],
        shows: Shows::Signed,
        run: gradients::input_x_gradient,
    },
    Method {
        name: "smoothgrad",
        about: "the mean gradient over noisy copies",
        source: "Smilkov et al. 2017",
        takes: &["reduce", "samples", "noise", "combine"],
        shows: Shows::Size,
        run: gradients::smoothgrad,
    },
    Method {
        name: "integrated-gradients",
        about: "the gradient over the way from a baseline, times the difference",
        source: "Sundararajan, Taly and Yan 2017",
        takes: &["reduce", "steps", "baseline", "quadrature"],
        shows: Shows::Signed,
        run: gradients::integrated_gradients,
    },
    Method {
        name: "guided-backprop",
        about: "back through ReLUs only what is positive both ways",
        source: "Springenberg et al. 2015",
        takes: &["reduce", "seed-with"],
        shows: Shows::Lines,
        run: gradients::guided_backprop,
    },
    Method {
        name: "deconvnet",
        about: "back through ReLUs whatever is positive",
        source: "Zeiler and Fergus 2014",
        takes: &["reduce", "seed-with"],
        shows: Shows::Lines,
        run: gradients::deconvnet,
    },
    Method {
        name: "grad-cam",
        about: "the channels of --layer, weighed by their gradients",
        source: "Selvaraju et al. 2017",
        takes: &["layer", "no-relu", "upsampling"],
        shows: Shows::Coarse,
        run: gradients::grad_cam,
    },
    Method {
        name: "guided-grad-cam",
        about: "guided backprop where grad-cam is strong",
        source: "Selvaraju et al. 2017",
        takes: &["reduce", "layer", "no-relu", "upsampling"],
        shows: Shows::Lines,
        run: gradients::guided_grad_cam,
    },
    Method {
        name: "occlusion",
        about: "how far the score falls when a window hides a part",
        source: "Zeiler and Fergus 2014",
        takes: &["window", "stride", "fill", "scoring"],
        shows: Shows::Coarse,
        run: hiding::occlusion,
    },
    Method {
        name: "lime",
        about: "weights of superpixels in a simple model fitted around the image",
        source: "Ribeiro, Singh and Guestrin 2016",
        takes: &["samples", "superpixels", "fill", "surrogate"],
        shows: Shows::Coarse,
        run: hiding::lime,
    },
];

/// The method of a name.
pub fn method(name: &str) -> Result<&'static Method> {
    let plain = name.to_lowercase().replace('_', "-");
    let found = METHODS.iter().find(|m| m.name == plain);
    found.ok_or_else(|| {
        let near = nearest(&plain, METHODS.iter().map(|m| m.name), 3);
        anyhow::anyhow!(
            "there is no method \"{name}\"; did you mean {}? (`scope help explain` lists them)",
            either(&near)
        )
    })
}

/// Whether each option that was given is one of these methods'.
pub fn check_options(methods: &[&Method], settings: &Settings, layer: bool) -> Result<()> {
    let mut given = settings.given();
    if layer {
        given.push("layer");
    }
    for option in given {
        if methods.iter().any(|m| m.takes.contains(&option)) {
            continue;
        }
        let takers = METHODS.iter().filter(|m| m.takes.contains(&option));
        let takers: Vec<&str> = takers.map(|m| m.name).collect();
        let names: Vec<&str> = methods.iter().map(|m| m.name).collect();
        if option == "layer" {
            bail!(
                "--layer says where --unit is, or what {} look at; {} needs --unit C[,Y,X] too",
                either(&takers).replace(" or ", " and "),
                names.join(" and ")
            );
        }
        bail!(
            "--{option} is an option of {}, not of {}",
            either(&takers),
            either(&names)
        );
    }
    Ok(())
}

impl Method {
    /// One number for each pixel, as it is looked at.
    pub fn map(&self, found: &Found, settings: &Settings) -> Array2<f32> {
        let usual = match self.shows {
            Shows::Size | Shows::Lines => Reduce::MaxAbs,
            Shows::Signed | Shows::Coarse => Reduce::Sum,
        };
        let Ok(four) = found.values.view().into_dimensionality::<Ix4>() else {
            return Array2::zeros((1, 1));
        };
        let channels = four.index_axis(Axis(0), 0);
        match settings.reduce.map_or(usual, Into::into) {
            Reduce::MaxAbs => channels.fold_axis(Axis(0), 0.0, |a, v| v.abs().max(*a)),
            Reduce::SumAbs => channels.fold_axis(Axis(0), 0.0, |a, v| a + v.abs()),
            Reduce::Sum => channels.sum_axis(Axis(0)),
        }
    }
}

/// What is to be known about a map, in words.
pub fn flag_in_words(flag: &Flag) -> String {
    match flag {
        Flag::ZeroGradient => {
            "the target's gradient is zero in every place: the map is zero and says nothing".into()
        }
        Flag::ZeroMap => "the map is zero in every place".into(),
        Flag::ConstantImage => {
            "the image has one value throughout: noise in proportion to its range is none".into()
        }
        Flag::ConstantScore => "the score stayed the same, whatever was hidden".into(),
        Flag::NotReached => "what was aimed at was not reached; this is the nearest".into(),
        Flag::Constant => "all of it is the same: there is nothing to be found in it".into(),
        Flag::Diverged { step } => {
            format!("numbers grew beyond all bounds at step {step}; this is the image before")
        }
        Flag::Unfinished { done } => format!(
            "the budget was used up after {:.0} % of the work; this is what was had by then",
            100.0 * done
        ),
        other => format!("{other:?}"),
    }
}

/// Says on standard error what is to be known.
pub fn note(flags: &[Flag]) {
    for flag in flags {
        crate::output::say(&format!("note: {}", flag_in_words(flag)));
    }
}

/// The table as it stands under the help.
pub fn table() -> String {
    let rows: Vec<Vec<String>> = METHODS
        .iter()
        .map(|m| {
            vec![
                format!("  {}", m.name),
                format!("{} ({})", m.about, m.source),
            ]
        })
        .collect();
    crate::output::table(&rows, &[])
}
