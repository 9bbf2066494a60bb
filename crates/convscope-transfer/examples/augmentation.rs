//! What augmentation is worth on 200 photographs of each class of CIFAR-10: the network and the
//! training of notebook 05, with nothing but the recipe changed.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run -p convscope-transfer --example augmentation -- [EPOCHS SEEDS RECIPE..]
//! ```
//!
//! Without arguments: 30 epochs, seeds 1 to 5 (`1-5`), nothing against the notebook's recipe. A seed
//! draws the photographs, the first weights, the order and the changes, and is the same for every
//! recipe. A recipe is its changes' names with commas between them, such as `flip,crop,cut`.

use convscope_data::{Augmentation, Dataset, PixelRange, Standardizer, fetched};
use convscope_nn::{
    Adam, BatchNorm2d, Conv2d, Cosine, Flatten, Linear, MaxPool2d, Network, Relu, Training,
    colour_components, evaluate,
};
use std::error::Error;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let epochs: usize = arguments.next().map_or(Ok(30), |a| a.parse())?;
    let seeds = arguments.next().unwrap_or_else(|| "1-5".into());
    let (first, last) = seeds.split_once('-').unwrap_or((&seeds, &seeds));
    let seeds: Vec<u64> = (first.parse()?..=last.parse()?).collect();
    let mut recipes: Vec<String> = arguments.collect();
    if recipes.is_empty() {
        recipes = vec!["nothing".into(), "flip,crop,colours".into()];
    }
    let set = Dataset::read_cifar10(&fetched("cifar10-first4000")?.paths[0])?;
    println!("{epochs} epochs; validation and test accuracy in percent, one column for each seed");
    let mut without: Option<[Vec<f64>; 2]> = None;
    for recipe in &recipes {
        let begun = Instant::now();
        let (mut fitted, mut found) = (Vec::new(), [Vec::new(), Vec::new()]);
        for &seed in &seeds {
            let [train, valid, test] = lesson(&set, recipe, epochs, seed)?;
            fitted.push(train);
            found[0].push(valid);
            found[1].push(test);
        }
        let seconds = begun.elapsed().as_secs_f64() / seeds.len() as f64;
        println!(
            "{recipe} ({seconds:.0} s a run, training {:.1})",
            mean(&fitted)
        );
        for (i, part) in ["validation", "test"].into_iter().enumerate() {
            let each: Vec<String> = found[i].iter().map(|a| format!("{a:5.1}")).collect();
            print!(
                "  {part:10} {}  mean {:5.1}",
                each.join(" "),
                mean(&found[i])
            );
            if let Some(without) = &without {
                let pairs = found[i].iter().zip(&without[i]);
                let gains: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
                let (gain, n) = (mean(&gains), gains.len() as f64);
                let scatter: f64 = gains.iter().map(|g| (g - gain).powi(2)).sum();
                let error = (scatter / (n - 1.0) / n).sqrt();
                print!("  gain {gain:+5.1} (standard error {error:.1})");
            }
            println!();
        }
        without.get_or_insert(found);
    }
    Ok(())
}

/// Accuracy in percent on the training images as the last epoch met them, the validation images and
/// the test images.
fn lesson(set: &Dataset, recipe: &str, epochs: usize, seed: u64) -> Result<[f64; 3]> {
    let parts = set.balanced_parts([200, 80, 80], seed)?;
    let scale = Standardizer::fit_channels(&parts.train)?;
    let [train, valid, test] = [
        scale.apply(&parts.train)?,
        scale.apply(&parts.validation)?,
        scale.apply(&parts.test)?,
    ];
    let range = PixelRange::unit().standardised(&scale)?;
    let light = colour_components(&train, &range)?;
    let mut changes = Augmentation::new().range(range);
    for name in recipe.split(',') {
        changes = match name {
            "nothing" => changes,
            "flip" => changes.flip(),
            "crop" => changes.crop(4),
            "colours" => {
                let light = light.clone();
                changes.brightness(0.2).contrast(0.2).colour_jitter(light)
            }
            "turn" => changes.rotate(10.0),
            "zoom" => changes.zoom(1.2),
            "stretch" => changes.stretch(1.2),
            "cut" => changes.cut_out(12),
            "mix" => changes.mix_up(0.2),
            other => return Err(format!("there is no change called {other}").into()),
        };
    }
    let mut net = small_net(seed)?;
    let history = Training::new(Adam::new(0.003))
        .schedule(Cosine::new(epochs as f64))
        .epochs(epochs)
        .batch_size(64)
        .seed(seed)
        .augment(changes)
        .quiet()
        .fit(&mut net, &train, &valid)?;
    let last = history.last().expect("at least one epoch");
    let tested = evaluate(&net, &test)?.accuracy;
    Ok([last.train_accuracy, last.valid_accuracy, tested].map(|share| 100.0 * share))
}

/// The notebook's: five convolutions with batch norm, two dense layers.
fn small_net(seed: u64) -> Result<Network> {
    let mut net = Network::input([3, 32, 32]);
    for (i, filters) in [(1, 16), (2, 16), (3, 32), (4, 32), (5, 64)] {
        net = net
            .add(&format!("conv{i}"), Conv2d::new(filters, 3).same())
            .add(&format!("bn{i}"), BatchNorm2d::new())
            .add(&format!("relu{i}"), Relu);
        if i != 1 && i != 3 {
            net = net.add(&format!("pool{i}"), MaxPool2d::new(2));
        }
    }
    Ok(net
        .add("flatten", Flatten)
        .add("fc1", Linear::new(64))
        .add("relu6", Relu)
        .add("fc2", Linear::new(10))
        .build(seed)?)
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}
