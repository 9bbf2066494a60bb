//! Where is it? A box head beside a classifier, learned from Shapes: agnostic and per class, after the
//! convolutions and after the dense layer.
//!
//! ```text
//! cargo run --release --example shapes_detector -- [IMAGES] [EPOCHS]
//! ```

use convscope_data::{Shapes, ShapesConfig};
use convscope_nn::{Conv2d, Flatten, Linear, MaxPool2d, Network, Relu};
use convscope_transfer::{BoxKind, BoxLoss, BoxedSet, Detector, DetectorTraining, Head, Pooling};
use std::error::Error;
use std::time::Instant;

fn classifier() -> Result<Network, Box<dyn Error>> {
    Ok(Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(16, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2)) // 16 x 16 x 16
        .add("conv2", Conv2d::new(32, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2)) // 32 x 8 x 8
        .add("conv3", Conv2d::new(48, 3).same())
        .add("relu3", Relu)
        .add("pool3", MaxPool2d::new(2)) // 48 x 4 x 4
        .add("flatten", Flatten)
        .add("fc1", Linear::new(96))
        .add("relu4", Relu)
        .add("fc2", Linear::new(8))
        .build(1)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let number = |k: usize, usual: usize| std::env::args().nth(k).map_or(Ok(usual), |a| a.parse());
    let (images, epochs) = (number(1, 6000)?, number(2, 12)?);
    let shapes = Shapes::generate(images + 1000, &ShapesConfig::default(), 1)?;
    let (train, test) = shapes.split(images)?;
    let (train, test) = (BoxedSet::shapes(&train)?, BoxedSet::shapes(&test)?);
    let classes = train.dataset.classes.clone();
    println!("{images} images, {epochs} epochs, 1000 unseen images");
    for (after, kind, loss) in [
        ("pool3", BoxKind::Agnostic, BoxLoss::L2),
        ("pool3", BoxKind::Agnostic, BoxLoss::SmoothL1 { beta: 0.05 }),
        ("pool3", BoxKind::PerClass, BoxLoss::L2),
        ("relu4", BoxKind::Agnostic, BoxLoss::L2),
        ("relu4", BoxKind::PerClass, BoxLoss::L2),
    ] {
        let head = Head::linear(4).pooling(Pooling::Flatten).hidden(&[96]);
        let mut detector = Detector::new(&classifier()?, &classes, after, &head, kind, 2)?;
        let begun = Instant::now();
        DetectorTraining::new(epochs)
            .loss(loss)
            .seed(1)
            .fit(&mut detector, &train, &test)?;
        let score = detector.evaluate(&test)?;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{kind:?} after {after}, {loss:?}: {score}; {seconds:.0} s");
    }
    Ok(())
}
