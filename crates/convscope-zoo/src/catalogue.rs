//! The list of all architectures, by name.

use crate::arch;
use crate::error::{Result, ZooError};
use crate::options::Options;
use convscope_nn::{Network, NnError};

/// One architecture, with what was published about it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its name in the catalogue, that of its function in this crate; torchvision's where that has
    /// the same network.
    pub name: &'static str,
    /// Its name in writing.
    pub title: &'static str,
    /// The paper, and the table or figure in it that the builder follows.
    pub source: &'static str,
    /// The year of that paper in print; 0 for the course's own networks.
    pub year: u16,
    /// How often it was right where it was published; `None` where nobody has said.
    pub accuracy: Option<Accuracy>,
    /// The shape of an image, `[channels, height, width]`, if the options do not say otherwise.
    pub input: [usize; 3],
    /// The smallest height and width that go through it.
    pub smallest: usize,
    /// The classes, if the options do not say otherwise.
    pub classes: usize,
    /// Learned numbers of the network so built.
    pub parameters: usize,
    /// Multiply-adds of its convolutions and fully connected layers for one image.
    pub multiply_adds: u64,
    /// Whether torchvision has it, under the same name and with the same parameter paths.
    pub in_torchvision: bool,
    pub(crate) builder: fn(Options) -> Result<Network, NnError>,
}

impl Entry {
    /// Builds it.
    ///
    /// # Errors
    /// When the images are too small for it, or there are no classes.
    pub fn build(&self, options: Options) -> Result<Network, NnError> {
        (self.builder)(options)
    }
}

/// How often a network was right, in per cent, as its authors or the publishers of its weights say.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Accuracy {
    /// Its first answer was right.
    pub top1: Option<f64>,
    /// One of its first five was.
    pub top5: Option<f64>,
    /// The images, e.g. `"ImageNet, validation"`.
    pub on: &'static str,
    /// Who says so, and of which way to look at an image.
    pub source: &'static str,
}

impl Accuracy {
    /// Of torchvision's weights `IMAGENET1K_V1`, on the middle of the image.
    pub(crate) const fn torchvision(top1: f64, top5: f64) -> Option<Accuracy> {
        Accuracy::imagenet(top1, Some(top5), "torchvision, IMAGENET1K_V1")
    }

    pub(crate) const fn imagenet(
        top1: f64,
        top5: Option<f64>,
        source: &'static str,
    ) -> Option<Accuracy> {
        Some(Accuracy {
            top1: Some(top1),
            top5,
            on: "ImageNet, validation",
            source,
        })
    }

    pub(crate) const fn cifar10(top1: f64, source: &'static str) -> Option<Accuracy> {
        Some(Accuracy {
            top1: Some(top1),
            top5: None,
            on: "CIFAR-10, test",
            source,
        })
    }

    pub(crate) const fn mnist(top1: f64, source: &'static str) -> Option<Accuracy> {
        Some(Accuracy {
            top1: Some(top1),
            top5: None,
            on: "MNIST, test",
            source,
        })
    }
}

/// What entries of one family share; the rest is filled in beside the builders.
pub(crate) const IMAGENET: Entry = Entry {
    name: "",
    title: "",
    source: "",
    year: 0,
    accuracy: None,
    input: [3, 224, 224],
    smallest: 1,
    classes: 1000,
    parameters: 0,
    multiply_adds: 0,
    in_torchvision: false,
    builder: nothing,
};

pub(crate) const CIFAR: Entry = Entry {
    input: [3, 32, 32],
    classes: 10,
    ..IMAGENET
};

pub(crate) const MNIST: Entry = Entry {
    input: [1, 28, 28],
    classes: 10,
    ..IMAGENET
};

fn nothing(options: Options) -> Result<Network, NnError> {
    let plan = options.or([1, 1, 1], 1);
    plan.build(plan.image())
}

const FAMILIES: [&[Entry]; 15] = [
    &arch::lenet::ENTRIES,
    &arch::alexnet::ENTRIES,
    &arch::zfnet::ENTRIES,
    &arch::nin::ENTRIES,
    &arch::vgg::ENTRIES,
    &arch::googlenet::ENTRIES,
    &arch::inception_v3::ENTRIES,
    &arch::resnet::ENTRIES,
    &arch::resnet_cifar::ENTRIES,
    &arch::densenet::ENTRIES,
    &arch::squeezenet::ENTRIES,
    &arch::course::ENTRIES,
    &arch::convnetjs::ENTRIES,
    &arch::airbench::ENTRIES,
    &arch::vgg_cifar10::ENTRIES,
];

/// Every architecture, family by family, about in the order of their years.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.into_iter().flatten()
}

/// The names of all architectures, in the same order.
pub fn names() -> Vec<&'static str> {
    entries().map(|entry| entry.name).collect()
}

/// The architecture of this name.
///
/// # Errors
/// When there is none; the message has the nearest names.
pub fn get(name: &str) -> Result<&'static Entry> {
    entries().find(|entry| entry.name == name).ok_or_else(|| {
        let mut nearest = names();
        let wanted = plain(name);
        nearest.sort_by_key(|known| strsim::damerau_levenshtein(&wanted, &plain(known)));
        nearest.truncate(3);
        ZooError::UnknownArchitecture {
            name: name.to_owned(),
            nearest,
        }
    })
}

/// "ResNet-50" and "resnet50" differ in nothing that a reader means.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
