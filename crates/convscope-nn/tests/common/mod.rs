//! A small network and a dataset that it can learn.
#![allow(dead_code)]

use convscope_data::{Augmentation, Dataset};
use convscope_nn::*;
use ndarray::IxDyn;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

pub fn small_net() -> Network {
    Network::input([1, 8, 8])
        .add("conv1", Conv2d::new(4, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("drop1", Dropout::new(0.2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(3)
        .unwrap()
}

/// Three classes that a small network can tell apart: a bright row, column or corner.
pub fn toy(n: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let mut images =
        Tensor::from_shape_simple_fn(IxDyn(&[n, 1, 8, 8]), || rng.random_range(-0.5f32..0.5));
    for (i, &label) in labels.iter().enumerate() {
        for k in 0..8 {
            let at = [[i, 0, 3, k], [i, 0, k, 3], [i, 0, k / 4, k % 4]][label];
            images[at] += 2.0;
        }
    }
    let classes = ["row", "column", "corner"].map(String::from).to_vec();
    Dataset {
        name: "toy".into(),
        images,
        labels,
        classes,
    }
}

/// A run with everything in it that has a state or is random.
pub fn training(epochs: usize) -> Training {
    Training::new(Adam::new(0.003))
        .epochs(epochs)
        .batch_size(16)
        .seed(5)
        .loss(CrossEntropy::new().label_smoothing(0.1))
        .schedule(WarmUp::new(1.0, ReduceOnPlateau::new(0)))
        .clip(Clip::Norm(1.0))
        .augment(Augmentation::new().crop(1))
        .restore_best()
        .quiet()
}

/// `training`, with checkpoints in this folder, going on from the last if there is one.
pub fn resumable(epochs: usize, folder: &Path, every: usize) -> Training {
    let checkpoints = Checkpoints::in_folder(folder).every_batches(every);
    let last = checkpoints.last();
    let training = training(epochs).checkpoints(checkpoints);
    match last.exists() {
        true => training.resume_from(last),
        false => training,
    }
}

pub fn bits(net: &Network) -> Vec<(String, Vec<u32>)> {
    let named = net.parameters().into_iter().chain(net.buffers());
    named
        .map(|(path, t)| (path, t.iter().map(|v| v.to_bits()).collect()))
        .collect()
}

/// The records without what the clock says.
pub fn untimed(history: &History) -> Vec<EpochRecord> {
    let epochs = history.epochs.iter().map(|e| EpochRecord {
        seconds: 0.0,
        images_per_second: 0.0,
        ..*e
    });
    epochs.collect()
}
