//! What a network is to be shown, where nobody has said it: preprocessing and class names, by its
//! entry in the catalogue and by its shapes.

use crate::catalogue::Entry;
use convscope_data::{Channels, Preprocessing, Resize, labels};

impl Entry {
    /// What its published weights expect of a picture: torchvision's preprocessing for networks on
    /// ImageNet (pixels from -1 to 1 for GoogLeNet and Inception v3, whose weights come from
    /// TensorFlow), mean and standard deviation of the dataset for those on CIFAR-10 and MNIST.
    pub fn preprocessing(&self) -> Preprocessing {
        self.preprocessing_for(self.input)
    }

    /// The same for images of another shape, `[channels, height, width]`. The short side before the
    /// crop keeps its proportion; a network on grey images gets the mean of the colours' settings.
    pub fn preprocessing_for(&self, input: [usize; 3]) -> Preprocessing {
        let [channels, height, width] = input;
        let side = height.min(width);
        let base = match (self.name, self.input) {
            ("googlenet" | "inception_v3", _) => Preprocessing::torchvision_inception(side),
            // The paper crops 224 of 256; its strides need three pixels more.
            (_, [3, 227, 227]) if side == 227 => Preprocessing {
                resize: Resize::ShortSide(256),
                ..Preprocessing::torchvision(227)
            },
            (_, [3, 224 | 227 | 299, _]) => Preprocessing::torchvision(side),
            (_, [1, ..]) => Preprocessing {
                resize: Resize::ShortSide(digit(self.input, side)),
                ..Preprocessing::mnist()
            },
            _ => Preprocessing {
                resize: Resize::ShortSide(side),
                ..Preprocessing::cifar10()
            },
        };
        Preprocessing {
            crop: Some([height, width]),
            ..with_channels(base, channels)
        }
    }

    /// The names of its classes, where the list is known.
    pub(crate) fn labels_for(&self, classes: usize) -> Vec<String> {
        class_names(self.input, classes)
    }
}

/// The height of a digit in an image of this size. MNIST's have 28 pixels: LeNet-5 sees them in a
/// margin of zeros, ConvNetJS's network without their own margin.
fn digit(published: [usize; 3], side: usize) -> usize {
    match published[1] {
        size if size == side => 28,
        size => (28 * side).div_ceil(size),
    }
}

fn with_channels(base: Preprocessing, channels: usize) -> Preprocessing {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    match (channels, base.channels) {
        (1, Channels::Rgb | Channels::Bgr) => {
            let (m, s) = (mean(&base.mean), mean(&base.std));
            Preprocessing {
                channels: Channels::Grey,
                ..base.normalised([m], [s])
            }
        }
        (3, Channels::Grey) => {
            let (m, s) = (base.mean[0], base.std[0]);
            Preprocessing {
                channels: Channels::Rgb,
                ..base.normalised([m; 3], [s; 3])
            }
        }
        _ => base,
    }
}

/// The preprocessing that a network of unknown origin most likely expects, by the shape of its
/// images.
pub(crate) fn likely(input: [usize; 3]) -> Preprocessing {
    let base = match input {
        [1, 0..=40, _] => Preprocessing::mnist(),
        [_, 0..=40, _] => Preprocessing::cifar10(),
        [_, height, width] => Preprocessing::torchvision(height.min(width)),
    };
    let [channels, height, width] = input;
    let resize = match height.min(width) {
        side @ 0..=40 => Resize::ShortSide(side),
        _ => base.resize,
    };
    Preprocessing {
        crop: Some([height, width]),
        resize,
        ..with_channels(base, channels)
    }
}

/// The names of so many classes of images of this shape, where the list is known; else numbers.
pub(crate) fn class_names(input: [usize; 3], classes: usize) -> Vec<String> {
    let list = match (input, classes) {
        (_, 1000) => "imagenet",
        ([1, ..], 10) => "mnist",
        ([3, 0..=64, _], 10) => "cifar10",
        _ => return numbered(classes),
    };
    labels(list).unwrap_or_else(|_| numbered(classes))
}

fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|i| format!("class {i}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{entries, get};

    #[test]
    fn every_entry_is_shown_images_of_its_own_shape() {
        for entry in entries() {
            let preprocessing = entry.preprocessing();
            preprocessing.check().unwrap();
            assert_eq!(
                preprocessing.output_shape(),
                Some(entry.input),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn what_is_usual_for_weights_is_what_they_get() {
        let of = |name| get(name).unwrap().preprocessing();
        assert_eq!(of("resnet50"), Preprocessing::torchvision(224));
        assert_eq!(
            of("inception_v3"),
            Preprocessing::torchvision_inception(299)
        );
        assert_eq!(of("googlenet"), Preprocessing::torchvision_inception(224));
        assert_eq!(of("alexnet_one_tower").resize, Resize::ShortSide(256));
        assert_eq!(of("resnet20"), Preprocessing::cifar10());
        assert_eq!(of("cnn2"), Preprocessing::mnist());
        assert_eq!(of("lenet5").crop, Some([32, 32]));
        assert_eq!(of("lenet5").resize, Resize::ShortSide(28));
        let grey = get("resnet18").unwrap().preprocessing_for([1, 64, 96]);
        assert_eq!(grey.output_shape(), Some([1, 64, 96]));
        assert_eq!(grey.resize, Resize::ShortSide(73));
    }

    #[test]
    fn classes_get_the_names_of_the_set_they_are_likely_from() {
        assert_eq!(class_names([3, 224, 224], 1000)[243], "bull mastiff");
        assert_eq!(class_names([3, 32, 32], 10)[3], "cat");
        assert_eq!(class_names([1, 28, 28], 10)[3], "3");
        assert_eq!(class_names([3, 224, 224], 2), ["class 0", "class 1"]);
    }
}
