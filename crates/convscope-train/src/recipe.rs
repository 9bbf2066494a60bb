//! The recipes: for each network what it is trained on, and how.

use anyhow::{Result, bail};
use convscope_data::{Augmentation, Preprocessing};
use convscope_nn::{
    Adam, CrossEntropy, Loss, Momentum, Nesterov, OneCycle, Optimizer, ParameterGroups, Schedule,
    Training,
};
use convscope_zoo::shipped::Settings;

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Digits, 60,000 to train on.
    Mnist,
    /// Photographs, 50,000 to train on.
    Cifar10,
}

impl Set {
    /// Its name in the registry of `cargo course fetch`.
    pub fn name(self) -> &'static str {
        match self {
            Set::Mnist => "mnist",
            Set::Cifar10 => "cifar10",
        }
    }
}

/// How a network is trained. All of them go through one cycle of the learning rate
/// ([`OneCycle`]), which gets far in few epochs.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The weights' name, and the architecture's in the zoo.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it is trained on.
    pub set: Set,
    /// Training images: the first so many.
    pub images: usize,
    /// Validation images: the last so many of the training part, for the curves alone.
    pub validation: usize,
    /// What is done to every image.
    pub preprocessing: fn() -> Preprocessing,
    /// The optimizer, with the highest learning rate.
    pub optimizer: fn() -> Box<dyn Optimizer<f32>>,
    /// On every parameter.
    pub weight_decay: f64,
    /// Of the labels.
    pub label_smoothing: f64,
    /// Random changes to training images.
    pub augmentation: fn() -> Augmentation,
    /// How often every image is used.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
    /// Of the first weights, the order of the images and all that is random.
    pub seed: u64,
    /// About how long it takes on two cores with AVX-512 that do nothing else.
    pub minutes: u32,
    /// Images and epochs for people with time.
    pub full: Option<(usize, usize)>,
}

/// Validation images of every recipe.
const VALIDATION: usize = 2_000;

/// He, Zhang, Ren and Sun 2016, section 4.2 (momentum 0.9, weight decay 1e-4, batches of 128, rate
/// 0.1, flips and crops), cut down from their 64,000 steps to what is enough to see that depth
/// hurts plain networks: one recipe for the four, so that nothing but depth and shortcuts differs.
const DEPTH: Recipe = Recipe {
    name: "",
    about: "",
    set: Set::Cifar10,
    images: 20_000,
    validation: VALIDATION,
    preprocessing: Preprocessing::cifar10,
    optimizer: || Momentum::new(0.1).into(),
    weight_decay: 1e-4,
    label_smoothing: 0.0,
    augmentation: flips_and_crops,
    epochs: 8,
    batch_size: 128,
    seed: 1,
    minutes: 0,
    full: Some((48_000, 182)),
};

fn flips_and_crops() -> Augmentation {
    Augmentation::new().flip().crop(4)
}

const DIGITS: Recipe = Recipe {
    name: "",
    about: "",
    set: Set::Mnist,
    images: 58_000,
    validation: VALIDATION,
    preprocessing: Preprocessing::mnist,
    optimizer: || Adam::new(0.005).into(),
    weight_decay: 0.0,
    label_smoothing: 0.0,
    augmentation: Augmentation::new,
    epochs: 12,
    batch_size: 128,
    seed: 1,
    minutes: 1,
    full: None,
};

/// LeNet-5 takes 32 x 32: the digits in a margin of black.
fn mnist_in_a_margin() -> Preprocessing {
    Preprocessing {
        crop: Some([32; 2]),
        ..Preprocessing::mnist()
    }
}

/// All recipes.
pub fn recipes() -> Vec<Recipe> {
    vec![
        Recipe {
            name: "lenet5",
            about: "LeNet-5, digits",
            preprocessing: mnist_in_a_margin,
            ..DIGITS
        },
        Recipe {
            name: "cnn2",
            about: "the course's second network, digits",
            optimizer: || Adam::new(0.01).into(),
            epochs: 16,
            minutes: 2,
            ..DIGITS
        },
        Recipe {
            name: "vgg_cifar10",
            about: "a small VGG to look into",
            images: 48_000,
            optimizer: || Nesterov::new(0.1).into(),
            weight_decay: 5e-4,
            label_smoothing: 0.1,
            epochs: 10,
            minutes: 13,
            full: Some((48_000, 60)),
            ..DEPTH
        },
        Recipe {
            name: "plain20",
            about: "notebook 08: 20 layers, no shortcuts",
            minutes: 3,
            ..DEPTH
        },
        Recipe {
            name: "plain56",
            about: "notebook 08: 56 layers, no shortcuts",
            minutes: 7,
            ..DEPTH
        },
        Recipe {
            name: "resnet20",
            about: "notebook 08: 20 layers, shortcuts",
            minutes: 3,
            ..DEPTH
        },
        Recipe {
            name: "resnet56",
            about: "notebook 08: 56 layers, shortcuts",
            minutes: 7,
            ..DEPTH
        },
    ]
}

/// The recipe of this name.
///
/// # Errors
/// When there is none; the message has the nearest name and all the others.
pub fn find(name: &str) -> Result<Recipe> {
    let all = recipes();
    let names: Vec<&str> = all.iter().map(|r| r.name).collect();
    let Some(recipe) = all.iter().find(|r| r.name == name) else {
        let wanted = name.to_lowercase();
        // Who types a beginning means what begins so.
        let nearest = names.iter().min_by_key(|known| {
            let begins = !wanted.is_empty() && known.starts_with(&wanted);
            (!begins, strsim::damerau_levenshtein(known, &wanted))
        });
        bail!(
            "there is no recipe \"{name}\"; did you mean {}? There are: {}",
            nearest.unwrap_or(&"another"),
            names.join(", ")
        );
    };
    Ok(recipe.clone())
}

impl Recipe {
    /// The recipe for people with time.
    ///
    /// # Errors
    /// When there is none.
    pub fn for_long(mut self) -> Result<Recipe> {
        let Some((images, epochs)) = self.full else {
            bail!("{} has one recipe only: leave --full out", self.name);
        };
        self.images = images;
        self.epochs = epochs;
        Ok(self)
    }

    /// What is made small.
    pub fn loss(&self) -> CrossEntropy {
        CrossEntropy::new().label_smoothing(self.label_smoothing)
    }

    /// How the learning rate moves.
    pub fn schedule(&self) -> OneCycle {
        OneCycle::new(self.epochs as f64)
    }

    /// The training, without what it shows and keeps.
    pub fn training(&self) -> Training {
        let loss: Box<dyn Loss<f32>> = self.loss().into();
        let mut groups = ParameterGroups::new();
        if self.weight_decay > 0.0 {
            groups = groups.weight_decay("*", self.weight_decay);
        }
        Training::new((self.optimizer)())
            .loss(loss)
            .groups(groups)
            .schedule(self.schedule())
            .augment((self.augmentation)())
            .epochs(self.epochs)
            .batch_size(self.batch_size)
            .seed(self.seed)
    }

    /// What a card says about it.
    pub fn settings(&self) -> Settings {
        let loss = match self.label_smoothing {
            0.0 => "cross-entropy".to_owned(),
            smoothing => format!("cross-entropy, labels smoothed by {smoothing}"),
        };
        Settings {
            optimizer: (self.optimizer)().describe(),
            weight_decay: self.weight_decay,
            loss,
            schedule: self.schedule().describe(),
            augmentation: (self.augmentation)().to_string(),
            epochs: self.epochs,
            batch_size: self.batch_size,
            seed: self.seed,
        }
    }
}
