//! Ants and bees: features and logistic regression against fine-tuning by the lecture's recipe. What
//! stays frozen is run once, over the photographs and their mirror images.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run --release --example fine_tuning -- [SIDE] [SEEDS]
//! ```

use convscope_data::{Dataset, ImageFolder, Preprocessing, Resize};
use convscope_nn::{
    BatchNorm1d, Cosine, Dropout, Flatten, GlobalAvgPool2d, Linear, Network, Training, evaluate,
};
use convscope_transfer::{
    Classifier, Extraction, Interval, Learner, Plan, Rule, Stage, replace_head_with, upper_part,
};
use convscope_zoo::Model;
use ndarray::Axis;
use std::error::Error;

const CUT: &str = "features.9";
const LOWER: &str = "features.10";
const TOP: &str = "features.12";
const RATE: f64 = 0.002;
const EPOCHS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let side: usize = args.next().map_or(Ok(224), |side| side.parse())?;
    let seeds: u64 = args.next().map_or(Ok(5), |seeds| seeds.parse())?;

    let model = Model::pretrained("squeezenet1_0")?;
    let crop = Preprocessing {
        resize: Resize::ShortSide(side),
        crop: Some([side, side]),
        ..model.preprocessing.clone()
    };
    let photos = convscope_data::ants_bees()?;
    let of = |part: &str| -> Result<Dataset, Box<dyn Error>> {
        Ok(ImageFolder::of(&photos, part)?.dataset(&crop)?.dataset)
    };
    let (train, valid) = (of("train/")?, of("val/")?);

    let net = model.network.for_input(vec![3, side, side])?;
    let frozen = net.until(CUT)?;
    let plain = maps(&frozen, &train)?;
    let valid = maps(&frozen, &valid)?;
    let both = plain.concat(&maps(&frozen, &mirrored(&train))?)?;

    let above = Model {
        network: upper_part(&net, CUT)?,
        ..model.clone()
    };
    let averages = Extraction::of(&above).as_they_are().layer(TOP).quiet();
    let of = |set: &Dataset| averages.run(set).map(|mut all| all.remove(0));
    let learner = Learner::new(Classifier::logistic());
    let mark = learner.fit(&of(&plain)?)?.accuracy(&of(&valid)?)?;
    println!("{side} pixels, features and logistic regression: {mark:.3}");

    let recipe = Plan::lecture("head", &[TOP], &[LOWER], RATE, [EPOCHS; 3]).rule(Rule::Adam);
    let once = Stage::new("everything at once", 3 * EPOCHS).rate("*", RATE);
    let hasty = Plan::new(vec![once]).rule(Rule::Adam);
    let plans = [("by the recipe", recipe), ("everything at once", hasty)];
    for (careful, (name, plan)) in [true, false].into_iter().zip(plans) {
        let mut right = Vec::new();
        for seed in 1..=seeds {
            let whole = replace_head_with(&net, TOP, seed, |b| {
                b.block("head", |head| {
                    head.add("pool", GlobalAvgPool2d)
                        .add("flatten", Flatten)
                        .add("norm", BatchNorm1d::new())
                        .add("drop", Dropout::new(0.5))
                        .add("fc", Linear::new(2))
                })
            })?;
            let mut upper = upper_part(&whole, CUT)?;
            // By the recipe the rate falls to 0 within each stage; in haste it stays where it is.
            let with = |training: Training| match careful {
                true => training.schedule(Cosine::new(EPOCHS as f64)).quiet(),
                false => training.quiet(),
            };
            let plan = plan.clone().seed(seed);
            plan.run_with(&mut upper, &both, &valid, with)?;
            right.push(evaluate(&upper, &valid)?.accuracy);
            println!("{name}, seed {seed}: {:.3}", right[right.len() - 1]);
        }
        if let Some(interval) = Interval::of(&right) {
            println!("{side} pixels, {name}: {interval} over {seeds} seeds");
        }
    }
    Ok(())
}

fn maps(frozen: &Network, set: &Dataset) -> Result<Dataset, Box<dyn Error>> {
    let (labels, classes) = (set.labels.clone(), set.classes.clone());
    Ok(Dataset::new(
        "maps",
        frozen.forward(&set.images)?,
        labels,
        classes,
    )?)
}

fn mirrored(set: &Dataset) -> Dataset {
    let mut turned = set.clone();
    turned.images.invert_axis(Axis(3));
    turned.images = turned.images.as_standard_layout().into_owned();
    turned
}
