//! Everything a notebook needs: `use convscope::prelude::*;`.
//!
//! It leaves std's names alone (`Result` is std's).

pub use crate::check::{Score, hint, my_score};
pub use crate::checks::{
    n00 as check00, n01 as check01, n02 as check02, n03 as check03, n04 as check04, n05 as check05,
    n06 as check06, n07 as check07, n08 as check08, n09 as check09, n10 as check10, n11 as check11,
    n12 as check12, n13 as check13, n14 as check14, n15 as check15, n16 as check16, n17 as check17,
    n18 as check18, n19 as check19, n20 as check20,
};
pub use crate::show::{EvcxrDebug, EvcxrDisplay, Show, Shown};
pub use crate::{
    Album, Beside, Block, Blocks, Colormap, Detail, Drawing, Figure, Gallery, Landscape, LiveCurve,
    OwnRule, Picture, Plot, Plots, Race, Row, Timing, Track, Unplugged, WeightAverage,
    accuracy_against_cost, album, before_after, beside_published, best_so_far, box_sheet, by_block,
    came_back, chance_scores, cifar10_small, compare, contact_sheet, cut_out, draw, feature_file,
    figure, filter_sheet, gallery, gallery_of, gradient, heatmap, ladder, mean_with_interval,
    mnist, mnist_small, nine, patch_sheet, photo, picture, picture_map, predictions, put_back, row,
    seen, side_by_side, slider, time_it, trials_table, truth_sheet, upper_part,
};
pub use crate::{challenge, image, ndarray, plotters, search, transfer, vis, zoo};

pub use ndarray::{
    Array, Array0, Array1, Array2, Array3, Array4, ArrayD, ArrayView, ArrayView1, ArrayView2,
    ArrayView3, ArrayView4, ArrayViewD, ArrayViewMut1, ArrayViewMut2, ArrayViewMut3, ArrayViewMut4,
    Axis, Ix1, Ix2, Ix3, Ix4, IxDyn, Zip, arr0, arr1, arr2, arr3, array, concatenate, s, stack,
};

pub use convscope_data::{
    Augment, Augmentation, Augmented, Change, ColourComponents, Confounder, DataError, Dataset,
    Draw, Example, Fill, ImageFolder, InkDigits, LoadedFolder, MeanScores, Mnist, MnistSmall, Pair,
    Partition, Parts, Photo, PhotoSet, PixelRange, Preprocessing, Shapes, ShapesConfig, Skipped,
    Standardizer, TestViews, ViewBatches, Views, ants_bees, load_photo, photos, sample_photo,
};
pub use convscope_nn::conv::im2col::convolve as im2col_blas;
pub use convscope_nn::{
    AdaDelta, AdaMax, Adagrad, Adam, AdamW, AdaptiveAvgPool2d, Add, AmsGrad, AvgPool2d,
    BatchNorm1d, BatchNorm2d, BinaryCrossEntropy, Checkpoint, Checkpoints, Clip, Concat,
    ConfusionMatrix, Constant, Constraint, Conv2d, ConvTranspose2d, Cosine, CrossEntropy,
    DepthConcat, DropConnect, Dropout, EarlyStopping, EffectiveField, EpochRecord, Evaluation,
    Exponential, Flatten, Gelu, GlobalAvgPool2d, Hessian, Hinge, History, Init, Layer, LeakyRelu,
    Linear, LocalResponseNorm, Loss, MaxPool2d, MaxUnpool2d, MeanAbsoluteError, MeanSquaredError,
    Measure, Momentum, Nadam, Nesterov, Network, NetworkBuilder, NnError, OneCycle, Optimizer,
    Padding, ParameterGroups, Pass, PerEpoch, RateSearch, RateSweep, Real, ReceptiveField,
    ReduceOnPlateau, Relu, RmsProp, Rule, Schedule, Sgd, Sigmoid, SmoothL1, Softmax,
    SpatialDropout, State, StepDecay, StopHandle, Summary, SummaryRow, Tanh, Target, Tensor, Trace,
    Training, Unit, Upsample2d, WarmUp, ZeroPad2d, accuracy, colour_components, conv,
    cross_entropy, eigh, evaluate, find_learning_rate, gradcheck, intersection_over_union, softmax,
    top_k, top_k_accuracy,
};
pub use convscope_zoo::shipped::{Card, Shipped, get as shipped};
pub use convscope_zoo::{Model, Options, Ranked, ZooError};

pub use convscope_progress::{ProgressBar, grouped, stop_requested};
