//! Settings by the name of where they come from. Each says on which network it was tuned: published
//! settings hold for images of the size and networks of the kind that they were published with, and
//! give noise elsewhere. That is why there are this project's own.

use super::dream::{Detail, Dream};
use super::invert::Invert;
use super::penalty::Variation;
use super::settings::{Blur, Clamp, Maximize, Parametrisation};
use super::start::Start;
use super::step::{Normalise, Step};
use super::transform::Transform;
use crate::error::{Result, VisError};
use serde::Serialize;

/// Settings with a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// Who published it, or that it is this project's.
    pub source: &'static str,
    /// The network it was tuned on, with the size of the image.
    pub tuned_on: &'static str,
    /// The settings.
    pub settings: PresetSettings,
}

/// Settings of one of three kinds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)]
pub enum PresetSettings {
    /// For [`maximize`](crate::maximize).
    Maximize(Maximize),
    /// For [`dream`](crate::dream).
    Dream(Dream),
    /// For [`invert`](crate::invert).
    Invert(Invert),
}

/// Every preset there is.
pub fn presets() -> Vec<Preset> {
    let mut all = vec![keras_filters(), cs231n()];
    all.extend(yosinski());
    all.extend([simonyan(), lucid(), digits(), small(), squeezenet()]);
    all.extend([
        google_deepdream(),
        google_noise(),
        keras_deepdream(),
        mahendran(),
    ]);
    all
}

fn ours(name: &'static str, source: &'static str, tuned_on: &'static str, m: Maximize) -> Preset {
    Preset {
        name,
        source,
        tuned_on,
        settings: PresetSettings::Maximize(Maximize {
            preset: Some(name.to_owned()),
            ..m
        }),
    }
}

/// The settings before anything is added: nothing wakes, nothing is clamped.
fn bare() -> Maximize {
    Maximize {
        redirected: 0,
        clamp: Clamp::No,
        ..Maximize::default()
    }
}

/// One channel's mean; the course's own notebook 13 began with it.
fn keras_filters() -> Preset {
    let settings = Maximize {
        steps: 20,
        parametrisation: Parametrisation::Levels,
        start: Start::Levels(128.0, 148.0),
        step: Step::ascent(1.0, Normalise::RootMeanSquare),
        ..bare()
    };
    ours(
        "keras_filters",
        "Chollet 2016, How convolutional neural networks see the world",
        "VGG-16 in Keras, 128x128",
        settings,
    )
}

/// A class's score.
fn cs231n() -> Preset {
    let settings = Maximize {
        steps: 100,
        start: Start::Normal(1.0),
        step: Step::ascent(25.0, Normalise::Norm),
        l2: 1e-3,
        blur: Some(Blur {
            sigma: 0.5,
            every: 10,
        }),
        clamp: Clamp::After,
        transforms: vec![Transform::Roll(16)],
        ..bare()
    };
    ours(
        "cs231n",
        "Stanford CS231n, assignment 3, class visualisation",
        "SqueezeNet 1.1, 224x224",
        settings,
    )
}

/// Four kinds of regularisation, chosen by a random search over 300 (table 2 of the paper); the rate
/// of 100 is that of the toolbox's examples.
fn yosinski() -> [Preset; 4] {
    let base = |steps: usize| Maximize {
        steps,
        parametrisation: Parametrisation::Levels,
        start: Start::NormalLevels(10.0),
        step: Step::ascent(100.0, Normalise::No),
        clamp: Clamp::Before,
        ..bare()
    };
    let blur = |sigma: f64| Some(Blur { sigma, every: 4 });
    let a = Maximize {
        blur: blur(0.5),
        small_norm: 50.0,
        ..base(500)
    };
    let b = Maximize {
        decay: 0.3,
        small_norm: 20.0,
        ..base(750)
    };
    let c = Maximize {
        decay: 1e-4,
        blur: blur(1.0),
        ..base(1000)
    };
    let d = Maximize {
        blur: blur(0.5),
        small_contribution: 90.0,
        ..base(1000)
    };
    let named = ["yosinski_a", "yosinski_b", "yosinski_c", "yosinski_d"];
    let mut settings = [a, b, c, d].into_iter();
    named.map(|name| {
        ours(
            name,
            "Yosinski et al. 2015, table 2, and their deep visualization toolbox",
            "CaffeNet, 227x227",
            settings.next().expect("four"),
        )
    })
}

/// A class's score less lambda times the squared norm, from the mean image. The paper does not say
/// its rate and lambda.
fn simonyan() -> Preset {
    let settings = Maximize {
        steps: 200,
        start: Start::Zeros,
        step: Step::ascent(10.0, Normalise::Norm),
        l2: 1e-3,
        ..bare()
    };
    ours(
        "simonyan",
        "Simonyan, Vedaldi and Zisserman 2014, equation 1; rate and lambda are this project's",
        "SqueezeNet 1.0, 224x224",
        settings,
    )
}

/// Lucid's standard transforms and step.
fn lucid() -> Preset {
    let settings = Maximize {
        steps: 512,
        size: Some([128, 128]),
        parametrisation: Parametrisation::Fourier {
            decay: 1.0,
            decorrelate: true,
        },
        start: Start::Waves(0.01),
        step: Step::Adam { rate: 0.05 },
        transforms: vec![
            Transform::Pad(12),
            Transform::Jitter(8),
            Transform::Scale(0.9, 1.1),
            Transform::Rotate(-10.0, 10.0),
            Transform::Jitter(4),
        ],
        redirected: 16,
        ..bare()
    };
    ours(
        "lucid",
        "Olah, Mordvintsev and Schubert 2017, and Lucid",
        "GoogLeNet (Inception v1), 128x128",
        settings,
    )
}

/// For grey images of 28x28, white on black. Begun from black, since a digit is what is there and not
/// what is missing, and turned and shifted widely, or strokes fill the image; decay takes away what
/// does not help.
fn digits() -> Preset {
    let settings = Maximize {
        steps: 200,
        parametrisation: Parametrisation::Levels,
        start: Start::Levels(0.0, 10.0),
        step: Step::Adam { rate: 4.0 },
        decay: 0.01,
        blur: Some(Blur {
            sigma: 0.5,
            every: 4,
        }),
        clamp: Clamp::After,
        transforms: vec![
            Transform::Roll(2),
            Transform::Scale(0.9, 1.1),
            Transform::Rotate(-10.0, 10.0),
        ],
        redirected: 16,
        ..bare()
    };
    ours("digits", "this project", "cnn2 on digits, 28x28", settings)
}

/// For coloured images of 32x32.
fn small() -> Preset {
    let settings = Maximize {
        steps: 300,
        parametrisation: Parametrisation::Fourier {
            decay: 1.0,
            decorrelate: true,
        },
        start: Start::Waves(0.01),
        step: Step::Adam { rate: 0.05 },
        transforms: vec![
            Transform::Roll(3),
            Transform::Scale(0.9, 1.1),
            Transform::Rotate(-8.0, 8.0),
        ],
        redirected: 16,
        ..bare()
    };
    ours(
        "small",
        "this project, after Lucid",
        "ResNet-20, ResNet-56 and the VGG-style net on CIFAR-10, 32x32",
        settings,
    )
}

/// For SqueezeNet. The penalty on the variation keeps the ground calm and the animals whole: at 0 the
/// image fills with eyes, at .2 all but the outlines fades.
fn squeezenet() -> Preset {
    let settings = Maximize {
        steps: 256,
        size: Some([160, 160]),
        parametrisation: Parametrisation::Fourier {
            decay: 1.0,
            decorrelate: true,
        },
        start: Start::Waves(0.01),
        variation: Some((Variation::Replicated { beta: 2.0 }, 0.03)),
        step: Step::Adam { rate: 0.05 },
        transforms: vec![
            Transform::Pad(8),
            Transform::Roll(8),
            Transform::Scale(0.9, 1.1),
            Transform::Rotate(-10.0, 10.0),
            Transform::Jitter(16),
        ],
        redirected: 16,
        ..bare()
    };
    ours(
        "squeezenet",
        "this project, after Lucid",
        "SqueezeNet 1.0, 128x128 to 224x224",
        settings,
    )
}

fn google_deepdream() -> Preset {
    let name = "google_deepdream";
    Preset {
        name,
        source: "Mordvintsev, Olah and Tyka 2015, Google's notebook",
        tuned_on: "GoogLeNet (bvlc_googlenet), photographs of about 1024x575",
        settings: PresetSettings::Dream(Dream {
            preset: Some(name.to_owned()),
            ..Dream::default()
        }),
    }
}

/// From noise towards a class, with a blur for the prior that neighbouring pixels are alike.
fn google_noise() -> Preset {
    let name = "google_noise";
    let default = Dream::default();
    let ascent = Maximize {
        steps: 48,
        blur: Some(Blur {
            sigma: 0.5,
            every: 4,
        }),
        ..default.ascent.clone()
    };
    Preset {
        name,
        source: "Mordvintsev, Olah and Tyka 2015, after what they tell of dumb-bells; steps and blur \
                 are this project's",
        tuned_on: "SqueezeNet 1.0, 224x224",
        settings: PresetSettings::Dream(Dream {
            ascent,
            preset: Some(name.to_owned()),
            ..default
        }),
    }
}

/// Its step of .01 is one of a range from -1 to 1, or 1.275 levels.
fn keras_deepdream() -> Preset {
    let name = "keras_deepdream";
    let default = Dream::default();
    let ascent = Maximize {
        steps: 20,
        step: Step::ascent(1.275, Normalise::MeanAbsolute),
        transforms: Vec::new(),
        clamp: Clamp::No,
        limit: Some(15.0),
        ..default.ascent.clone()
    };
    Preset {
        name,
        source: "Chollet, deep dream of the Keras examples",
        tuned_on: "Inception v3 (mixed4 to mixed7, weights 1, 1.5, 2 and 2.5), 640x960",
        settings: PresetSettings::Dream(Dream {
            octaves: 3,
            detail: Detail::Lost,
            ascent,
            preset: Some(name.to_owned()),
            ..default
        }),
    }
}

fn mahendran() -> Preset {
    let name = "mahendran";
    Preset {
        name,
        source: "Mahendran and Vedaldi 2015; the weights are this project's, in its own units",
        tuned_on: "SqueezeNet 1.0, 224x224",
        settings: PresetSettings::Invert(Invert {
            preset: Some(name.to_owned()),
            ..Invert::default()
        }),
    }
}

/// The settings of a preset of one kind.
fn find<T>(name: &str, kind: &str, pick: impl Fn(PresetSettings) -> Option<T>) -> Result<T> {
    let mut names = Vec::new();
    for preset in presets() {
        let of_kind = pick(preset.settings);
        match of_kind {
            Some(settings) if preset.name == name => return Ok(settings),
            Some(_) => names.push(preset.name),
            None => {}
        }
    }
    names.sort_by(|a, b| {
        let near = |other: &str| strsim::jaro_winkler(name, other);
        near(b).total_cmp(&near(a))
    });
    Err(VisError::invalid(format!(
        "there is no preset \"{name}\" for {kind}; there are {}",
        names.join(", ")
    )))
}

pub(crate) fn maximize(name: &str) -> Result<Maximize> {
    find(name, "maximize", |settings| match settings {
        PresetSettings::Maximize(settings) => Some(settings),
        _ => None,
    })
}

pub(crate) fn dream(name: &str) -> Result<Dream> {
    find(name, "dream", |settings| match settings {
        PresetSettings::Dream(settings) => Some(settings),
        _ => None,
    })
}

pub(crate) fn invert(name: &str) -> Result<Invert> {
    find(name, "invert", |settings| match settings {
        PresetSettings::Invert(settings) => Some(settings),
        _ => None,
    })
}
