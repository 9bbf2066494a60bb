//! The trainings of notebook 09, for five seeds: a network from scratch on 100 labels; eight classes by
//! a fully connected network, a convolutional one and a head on SqueezeNet's features; and what Monte
//! Carlo dropout says of known and of unknown classes.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run -p convscope-transfer --example eight_classes -- [OUT.npz]
//! ```
//!
//! A seed draws the images, the first weights, their order and the units that drop out.

use convscope_data::{Dataset, Standardizer, fetched};
use convscope_nn::{
    Adam, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Network, Pass, Relu, Tensor,
    Training, evaluate, softmax,
};
use convscope_transfer::{Extraction, Features, Interval, Protocol};
use convscope_zoo::Model;
use ndarray::{Array2, Ix2};
use std::error::Error;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// Cats and dogs.
const UNKNOWN: [usize; 2] = [3, 5];
/// How often each image is asked.
const DRAWS: u64 = 40;

fn main() -> Result<()> {
    let out = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join("convscope_eight_classes.npz"),
        PathBuf::from,
    );
    let set = Dataset::read_cifar10(&fetched("cifar10-first4000")?.paths[0])?;
    let pixels = Features::pixels(&set)?;
    for normed in [false, true] {
        let mut found = Vec::new();
        for seed in SEEDS {
            let parts = standardised(&set, &Protocol::few_labels().split(&pixels, seed)?)?;
            found.push(learn(convolutional(10, normed, seed)?, &parts, 30, seed)?.1);
        }
        let how = if normed { "with batch norm" } else { "plain" };
        say(&format!("100 labels, from scratch, {how}"), &found);
    }

    let model = Model::pretrained("squeezenet1_0")?;
    let extraction = Extraction::of(&model).size(128).layer("features.12");
    extraction.to_file(&set, &out)?;
    let features = Features::read(&out)?.remove(0);
    let known: Vec<usize> = (0..10).filter(|c| !UNKNOWN.contains(c)).collect();
    let (eight, eight_features) = (
        set.filter_classes(&known)?,
        features.filter_classes(&known)?,
    );
    let strangers = features.filter_classes(&UNKNOWN)?.to_dataset().take(400)?;
    let mut steps = vec![Vec::new(); 3];
    let mut apart = vec![Vec::new(); 3];
    let mut kept = vec![Vec::new(); 3];
    for seed in SEEDS {
        let split = Protocol::eight_classes().split(&eight_features, seed)?;
        let shots = standardised(&eight, &split)?;
        let table = eight_features.to_dataset();
        let rows = standardised(&table, &split)?;
        steps[0].push(learn(fully_connected(8, seed)?, &shots, 12, seed)?.1);
        steps[1].push(learn(convolutional(8, true, seed)?, &shots, 12, seed)?.1);
        let (head, accuracy) = learn(head(features.width(), 8, seed)?, &rows, 12, seed)?;
        steps[2].push(accuracy);

        let scale = Standardizer::fit_channels(&table.select(&split[0])?)?;
        let inside = Said::by(&head, &rows[2].images)?;
        let outside = Said::by(&head, &scale.apply(&strangers)?.images)?;
        apart[0].push(surer(&inside.once, &outside.once));
        apart[1].push(surer(&inside.certain, &outside.certain));
        apart[2].push(surer(&inside.calm, &outside.calm));
        let mut order: Vec<usize> = (0..inside.class.len()).collect();
        order.sort_by(|&a, &b| inside.certain[b].total_cmp(&inside.certain[a]));
        for (kept, share) in kept.iter_mut().zip([1, 2, 5]) {
            let first = &order[..order.len() / share];
            let right = first
                .iter()
                .filter(|i| inside.class[**i] == rows[2].labels[**i]);
            kept.push(right.count() as f64 / first.len() as f64);
        }
    }
    println!("\neight classes: {}", eight.classes.join(", "));
    for (name, found) in ["fully connected", "CNN", "features and head"]
        .iter()
        .zip(&steps)
    {
        say(name, found);
    }
    println!("\nknown and unknown apart (area under the curve), {DRAWS} draws");
    for (name, found) in ["one answer", "mean of the draws", "swing of the draws"]
        .iter()
        .zip(&apart)
    {
        say(name, found);
    }
    println!("\naccuracy, the most certain first");
    for (name, found) in ["all", "surest half", "surest fifth"].iter().zip(&kept) {
        say(name, found);
    }
    Ok(())
}

fn say(what: &str, found: &[f64]) {
    let each: Vec<String> = found.iter().map(|a| format!("{a:.3}")).collect();
    let interval = Interval::of(found).expect("a seed at least");
    println!("{what:40} {interval}   ({})", each.join(" "));
}

fn standardised(set: &Dataset, parts: &[Vec<usize>; 3]) -> Result<Vec<Dataset>> {
    let scale = Standardizer::fit_channels(&set.select(&parts[0])?)?;
    let part = |rows: &Vec<usize>| Ok(scale.apply(&set.select(rows)?)?);
    parts.iter().map(part).collect()
}

/// The network as it was best on the validation part, and its accuracy on the test part.
fn learn(mut net: Network, parts: &[Dataset], epochs: usize, seed: u64) -> Result<(Network, f64)> {
    let training = Training::new(Adam::new(0.001))
        .epochs(epochs)
        .batch_size(32);
    let training = training.seed(seed).restore_best().quiet();
    training.fit(&mut net, &parts[0], &parts[1])?;
    let accuracy = evaluate(&net, &parts[2])?.accuracy;
    Ok((net, accuracy))
}

fn convolutional(classes: usize, normed: bool, seed: u64) -> Result<Network> {
    let mut net = Network::input([3, 32, 32]);
    for (k, filters) in [(1, 32), (2, 64), (3, 64)] {
        net = net.add(&format!("conv{k}"), Conv2d::new(filters, 3).same());
        if normed {
            net = net.add(&format!("bn{k}"), BatchNorm2d::new());
        }
        net = net.add(&format!("relu{k}"), Relu);
        net = net.add(&format!("pool{k}"), MaxPool2d::new(2));
    }
    let net = net.add("flatten", Flatten).add("drop", Dropout::new(0.5));
    Ok(net.add("fc", Linear::new(classes)).build(seed)?)
}

fn fully_connected(classes: usize, seed: u64) -> Result<Network> {
    Ok(Network::input([3, 32, 32])
        .add("flatten", Flatten)
        .add("fc1", Linear::new(500))
        .add("relu1", Relu)
        .add("fc2", Linear::new(50))
        .add("relu2", Relu)
        .add("fc3", Linear::new(classes))
        .build(seed)?)
}

fn head(numbers: usize, classes: usize, seed: u64) -> Result<Network> {
    Ok(Network::input([numbers, 1, 1])
        .add("flatten", Flatten)
        .add("drop1", Dropout::new(0.5))
        .add("fc1", Linear::new(100))
        .add("relu1", Relu)
        .add("drop2", Dropout::new(0.5))
        .add("fc2", Linear::new(classes))
        .build(seed)?)
}

/// What a head says of images.
struct Said {
    /// The largest probability without dropout.
    once: Vec<f64>,
    /// The class with the largest mean probability over the draws.
    class: Vec<usize>,
    /// That mean.
    certain: Vec<f64>,
    /// How little that class's probability swings over the draws: minus its standard deviation.
    calm: Vec<f64>,
}

impl Said {
    fn by(net: &Network, inputs: &Tensor) -> Result<Said> {
        let matrix = |t: Tensor| -> Result<Array2<f64>> {
            Ok(t.into_dimensionality::<Ix2>()?.mapv(f64::from))
        };
        let largest =
            |row: &[f64]| (0..row.len()).fold(0, |a, b| if row[b] > row[a] { b } else { a });
        let once = matrix(net.probabilities(inputs)?)?;
        let mut draws = Vec::new();
        for draw in 0..DRAWS {
            draws.push(matrix(softmax(
                &net.forward_as(inputs, Pass::monte_carlo(draw))?,
            )?)?);
        }
        let mut said = Said {
            once: once
                .outer_iter()
                .map(|r| r.iter().fold(0.0, |a, b| b.max(a)))
                .collect(),
            class: Vec::new(),
            certain: Vec::new(),
            calm: Vec::new(),
        };
        let mean = draws
            .iter()
            .fold(Array2::zeros(once.dim()), |sum, d| sum + d)
            / DRAWS as f64;
        for (i, row) in mean.outer_iter().enumerate() {
            let class = largest(&row.to_vec());
            let off = draws.iter().map(|d| (d[[i, class]] - row[class]).powi(2));
            said.class.push(class);
            said.certain.push(row[class]);
            said.calm.push(-(off.sum::<f64>() / DRAWS as f64).sqrt());
        }
        Ok(said)
    }
}

/// The share of pairs in which the known one is surer; equals count one half.
fn surer(known: &[f64], unknown: &[f64]) -> f64 {
    let mut sum = 0.0;
    for k in known {
        for u in unknown {
            sum += if k > u { 1.0 } else { 0.0 };
            sum += if k == u { 0.5 } else { 0.0 };
        }
    }
    sum / (known.len() * unknown.len()) as f64
}
