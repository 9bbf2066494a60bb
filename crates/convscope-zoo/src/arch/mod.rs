//! The architectures, a file for each family: its builders, and its entries in the catalogue.

pub(crate) mod airbench;
pub(crate) mod alexnet;
pub(crate) mod convnetjs;
pub(crate) mod course;
pub(crate) mod densenet;
pub(crate) mod googlenet;
pub(crate) mod inception_v3;
pub(crate) mod lenet;
pub(crate) mod nin;
pub(crate) mod resnet;
pub(crate) mod resnet_cifar;
pub(crate) mod shortcut;
pub(crate) mod squeezenet;
pub(crate) mod vgg;
pub(crate) mod vgg_cifar10;
pub(crate) mod zfnet;

use crate::catalogue::Entry;
use crate::options::Options;
use convscope_nn::layer::Layer;
use convscope_nn::{Network, NetworkBuilder, Result};

/// Layers one after the other under the names "0", "1", "2" ...: PyTorch's `Sequential`.
fn sequential(
    b: NetworkBuilder,
    layers: impl IntoIterator<Item = Box<dyn Layer<f32>>>,
) -> NetworkBuilder {
    let numbered = layers.into_iter().enumerate();
    numbered.fold(b, |b, (i, layer)| b.add(&i.to_string(), layer))
}

/// The layers of a [`sequential`].
macro_rules! layers {
    ($($layer:expr),* $(,)?) => {
        [$(Box::<dyn convscope_nn::layer::Layer<f32>>::from($layer)),*]
    };
}
use layers;
