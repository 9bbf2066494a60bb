//! Random search, evolution and REINFORCE at an equal budget: on a table of every network of a small
//! space, over five seeds and over two hundred. Then the networks that five searches of each method
//! found are trained anew, from seeds that no search has seen, and asked about test images.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run --release -p convscope-search --example race [RUNS]
//! ```
//!
//! `RUNS` is how many trainings the table averages for each network, 1 if it is left out.

use convscope_data::{Dataset, mnist_small};
use convscope_search::{Design, Kind, Method, Space, Table, training_score};
use ndarray::Array4;
use std::error::Error;

const EPOCHS: usize = 4;
const BUDGETS: [usize; 3] = [30, 60, 200];
const FEW: usize = 5;
const MANY: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let runs = std::env::args().nth(1).map_or(Ok(1), |word| word.parse())?;
    let digits = mnist_small()?;
    let train = halved(&digits.train.take(1200)?)?;
    let (valid, test) = (halved(&digits.validation)?, halved(&digits.test)?);
    let table = Table::train(&space(), &train, &valid, EPOCHS, runs)?;
    let best = table.best().ok_or("an empty table")?.accuracy;
    println!(
        "{} networks, {runs} training(s) each; the best reaches {best:.4}",
        table.trials.len()
    );
    let methods = [Method::Random, Method::evolution(), Method::reinforce()];
    let mut curves = Vec::new();
    for method in methods {
        let all: Result<Vec<Vec<f64>>, _> = (1..=MANY)
            .map(|seed| Ok(table.search(method, BUDGETS[2], seed)?.best_so_far()))
            .collect();
        curves.push(all.map_err(|e: convscope_search::SearchError| e)?);
    }
    for budget in BUDGETS {
        let found: Vec<Vec<f64>> = curves
            .iter()
            .map(|all| all.iter().map(|curve| curve[budget - 1]).collect())
            .collect();
        for seeds in [FEW, MANY as usize] {
            println!("\nthe best of {budget} designs, seeds 1 to {seeds}");
            for (method, found) in methods.iter().zip(&found) {
                let own = &found[..seeds];
                println!("{:22} {}", method.to_string(), with_interval(own));
            }
            for (method, own) in methods.iter().zip(&found).skip(1) {
                let ahead = differences(&own[..seeds], &found[0][..seeds]);
                println!(
                    "{:22} {} less random search; higher in {}, equal in {} of {seeds}",
                    method.to_string(),
                    with_interval(&ahead),
                    ahead.iter().filter(|d| **d > 0.0).count(),
                    ahead.iter().filter(|d| **d == 0.0).count(),
                );
            }
        }
        // What would others have found who had five seeds?
        for (method, own) in methods.iter().zip(&found).skip(1) {
            let ahead = differences(own, &found[0]);
            let groups: Vec<(f64, f64)> = ahead.chunks(FEW).map(mean_and_margin).collect();
            println!(
                "{method}: of {} comparisons over {FEW} seeds {} favour it, {} surely; {} the other, {} surely",
                groups.len(),
                groups.iter().filter(|(mean, _)| *mean > 0.0).count(),
                groups.iter().filter(|(mean, margin)| mean > margin).count(),
                groups.iter().filter(|(mean, _)| *mean < 0.0).count(),
                groups
                    .iter()
                    .filter(|(mean, margin)| -mean > *margin)
                    .count(),
            );
        }
    }
    println!(
        "\nwhat searches of {} designs found, trained anew from seeds 101 to 105: accuracy on {} test images",
        BUDGETS[1],
        test.len()
    );
    let mut anew = Vec::new();
    for method in methods {
        let mut means = Vec::new();
        for seed in 1..=FEW as u64 {
            let log = table.search(method, BUDGETS[1], seed)?;
            let found = log.best().ok_or("an empty search")?;
            means.push(again(&found.design, &train, &test)?);
        }
        println!("{:22} {}", method.to_string(), with_interval(&means));
        anew.push(means);
    }
    for (method, own) in methods.iter().zip(&anew).skip(1) {
        let ahead = with_interval(&differences(own, &anew[0]));
        println!("{:22} {ahead} less random search", method.to_string());
    }
    Ok(())
}

/// The space of notebook 19.
fn space() -> Space {
    Space {
        stages: 2,
        kinds: vec![Kind::Conv, Kind::Residual, Kind::Separable],
        depths: vec![1],
        filters: vec![4, 8, 16],
        kernels: vec![3, 5],
        max_pooling: vec![true],
        units: vec![0, 32],
        dropout: vec![0.0],
        ..Space::small([1, 14, 14], 10)
    }
}

/// Images at half their size, their pixels between 0 and 1.
fn halved(set: &Dataset) -> Result<Dataset, Box<dyn Error>> {
    let images = set.images4()?;
    let (n, _, height, width) = images.dim();
    let small = Array4::from_shape_fn((n, 1, height / 2, width / 2), |(i, _, y, x)| {
        let four = images.slice(ndarray::s![i, 0, 2 * y..2 * y + 2, 2 * x..2 * x + 2]);
        four.sum() / 4.0 / 255.0
    });
    Ok(Dataset::new(
        set.name.clone(),
        small.into_dyn(),
        set.labels.clone(),
        set.classes.clone(),
    )?)
}

/// The mean accuracy of five new trainings.
fn again(design: &Design, train: &Dataset, on: &Dataset) -> Result<f64, Box<dyn Error>> {
    let mut sum = 0.0;
    for seed in 101..=105 {
        sum += training_score(design, train, on, EPOCHS, seed)?.accuracy;
    }
    Ok(sum / 5.0)
}

fn differences(own: &[f64], other: &[f64]) -> Vec<f64> {
    own.iter().zip(other).map(|(a, b)| a - b).collect()
}

/// The mean, and half of its 95 % interval by Student's t (for five values, or for very many).
fn mean_and_margin(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let t = if values.len() == FEW { 2.776 } else { 1.972 };
    (mean, t * (squares / (n - 1.0) / n).sqrt())
}

fn with_interval(values: &[f64]) -> String {
    let (mean, margin) = mean_and_margin(values);
    format!("{mean:.4} ± {margin:.4}")
}
