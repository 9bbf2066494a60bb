//! Everything a notebook needs: `use convscope::prelude::*;`.
//!
//! It leaves std's names alone (`Result` is std's).

pub use crate::check::{Score, hint, my_score};
pub use crate::checks::{n00 as check00, n01 as check01, n02 as check02};
pub use crate::show::{EvcxrDebug, EvcxrDisplay, Show, Shown};
pub use crate::{
    Colormap, Figure, Gallery, Picture, Plot, Plots, Row, Timing, figure, gallery, gallery_of,
    heatmap, mnist, mnist_small, picture, predictions, row, side_by_side, time_it,
};
pub use crate::{image, ndarray, plotters};

pub use ndarray::{
    Array, Array0, Array1, Array2, Array3, Array4, ArrayD, ArrayView, ArrayView1, ArrayView2,
    ArrayView3, ArrayView4, ArrayViewD, ArrayViewMut1, ArrayViewMut2, ArrayViewMut3, ArrayViewMut4,
    Axis, Ix1, Ix2, Ix3, Ix4, IxDyn, Zip, arr0, arr1, arr2, arr3, array, concatenate, s, stack,
};

pub use convscope_data::{
    Confounder, DataError, Dataset, InkDigits, Mnist, MnistSmall, Photo, Shapes, ShapesConfig,
    Standardizer, load_photo, sample_photo,
};
pub use convscope_nn::{
    Adam, Add, AvgPool2d, ConfusionMatrix, Conv2d, EpochRecord, Evaluation, Flatten, History, Init,
    Layer, Linear, MaxPool2d, Network, NetworkBuilder, NnError, Optimizer, Padding, Pass, Real,
    Relu, Rule, Sgd, Sigmoid, Summary, SummaryRow, Tensor, Trace, Training, Unit, conv,
    cross_entropy, evaluate, gradcheck, softmax,
};
