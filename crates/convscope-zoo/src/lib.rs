//! The famous networks, as short builders that read like their papers' tables.
//!
//! ```
//! use convscope_zoo::{self as zoo, Options};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let net = zoo::resnet18(Options::new().classes(10).size(64))?;
//! assert_eq!(net.output_shape(), [10]);
//! let entry = zoo::get("squeezenet1_1")?;
//! assert_eq!(entry.parameters, 1_235_496);
//! assert_eq!(entry.build(Options::new().blank())?.parameter_count(), entry.parameters);
//! # Ok(()) }
//! ```
//!
//! Where torchvision has the same network, parameters have its paths (`layer1.0.conv1.weight`), so
//! that its weights fit by name. Every network is an image classifier that ends in logits:
//! [`Network::probabilities`](convscope_nn::Network::probabilities) makes probabilities of them.
#![deny(missing_docs)]

mod arch;
mod catalogue;
mod error;
mod load;
mod look;
mod model;
mod options;
mod published;
pub mod shipped;

pub use arch::airbench::airbench;
pub use arch::alexnet::{alexnet, alexnet_one_tower, alexnet_two_towers};
pub use arch::convnetjs::{convnetjs_cifar10, convnetjs_mnist};
pub use arch::course::{cnn1, cnn2, cnn2_wide, fc, keras_example, live_demo};
pub use arch::densenet::densenet121;
pub use arch::googlenet::{googlenet, googlenet_2014};
pub use arch::inception_v3::inception_v3;
pub use arch::lenet::lenet5;
pub use arch::nin::{nin, nin_cifar10};
pub use arch::resnet::{
    resnet18, resnet34, resnet50, resnet50_2015, resnet101, resnet101_2015, resnet152,
    resnet152_2015,
};
pub use arch::resnet_cifar::{
    plain20, plain32, plain44, plain56, resnet20, resnet32, resnet44, resnet56,
};
pub use arch::shortcut::PaddedShortcut;
pub use arch::squeezenet::{squeezenet1_0, squeezenet1_1};
pub use arch::vgg::{
    vgg_a, vgg_a_lrn, vgg_b, vgg_c, vgg_d, vgg_e, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16,
    vgg16_bn, vgg19, vgg19_bn,
};
pub use arch::vgg_cifar10::vgg_cifar10;
pub use arch::zfnet::zfnet;
pub use catalogue::{Accuracy, Entry, entries, get, names};
pub use error::{Result, ZooError};
pub use load::{Loaded, Naming, load, load_as};
pub use model::{Model, Ranked};
pub use options::Options;
pub use published::{HUMAN_TOP5_ERROR, PUBLISHED, Published, Quantity, WINNERS, Winner};
