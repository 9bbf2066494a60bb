//! Convolutional networks you can see through.
//!
//! A [`Network`] is a named graph of layers that does not change while it runs. A [`Trace`] is
//! everything that happened in one forward pass, under the nodes' names. Every question about
//! what a network does is then one gradient of one thing in the trace with respect to another:
//!
//! ```
//! use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Rule, Tensor, Unit};
//! # fn main() -> Result<(), convscope_nn::NnError> {
//! let net = Network::input([1, 8, 8])
//!     .add("conv1", Conv2d::new(4, 3).same())
//!     .add("relu1", Relu)
//!     .add("flatten", Flatten)
//!     .add("fc", Linear::new(3))
//!     .build(1)?;
//! let image = Tensor::from_elem(vec![1, 1, 8, 8], 0.5);
//! let trace = net.trace(&image)?;
//! assert_eq!(trace.activation("relu1")?.shape(), [1, 4, 8, 8]);
//! let saliency = trace.gradient(Unit::class(2), Rule::Gradient)?;
//! assert_eq!(saliency.shape(), image.shape());
//! # Ok(()) }
//! ```
#![deny(missing_docs)]

extern crate openblas_src as _; // links the BLAS

mod blas;
mod checkpoint;
mod colours;
pub mod conv;
mod eigen;
mod error;
mod functions;
pub mod gradcheck;
mod hessian;
mod init;
pub mod layer;
pub mod loss;
mod metrics;
mod network;
pub mod optim;
mod parallel;
mod pool;
mod real;
pub mod schedule;
mod trace;
mod train;

pub use checkpoint::Checkpoint;
pub use colours::colour_components;
pub use eigen::eigh;
pub use error::{NnError, Result};
pub use hessian::Hessian;
pub use init::Init;
pub use layer::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm1d, BatchNorm2d, ChannelAffine, Clamp, Concat,
    Conv2d, ConvTranspose2d, Crop, DepthConcat, DropConnect, Dropout, Flatten, Gelu,
    GlobalAvgPool2d, Layer, LeakyRelu, Linear, LocalResponseNorm, LogSoftmax, MaxPool2d,
    MaxUnpool2d, Multiply, Padding, Pass, Relu, Reshape, Rule, Shape, Sigmoid, Softmax,
    SpatialDropout, Tanh, Upsample2d, ZeroPad2d,
};
pub use loss::{
    BinaryCrossEntropy, CrossEntropy, Hinge, Loss, MeanAbsoluteError, MeanSquaredError, SmoothL1,
    Target, cross_entropy, softmax,
};
pub use metrics::{
    ConfusionMatrix, Evaluation, accuracy, box_agreement, evaluate, intersection_over_union, top_k,
    top_k_accuracy,
};
pub use network::{
    EffectiveField, INPUT, Network, NetworkBuilder, NodeView, ReceptiveField, Rect, Summary,
    SummaryRow,
};
pub use optim::{
    AdaDelta, AdaMax, Adagrad, Adam, AdamW, AmsGrad, Clip, Constraint, Group, Momentum, Nadam,
    Nesterov, Optimizer, ParameterGroups, RmsProp, Sgd, State,
};
pub use real::{Real, Tensor};
pub use schedule::{
    Constant, Cosine, Exponential, OneCycle, PerEpoch, RateSearch, RateSweep, ReduceOnPlateau,
    Schedule, ScheduleState, StepDecay, WarmUp, find_learning_rate,
};
pub use trace::{Trace, Unit};
pub use train::{
    Callback, Checkpoints, CurvePainter, Curves, EarlyStopping, EpochRecord, History, Measure,
    Moment, Progress, StopHandle, Training, set_curve_painter,
};
