//! CIFAR-10 with 100 labels: features of SqueezeNet at several layers, HOG and pixels, under every
//! classifier, over five seeds.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run --release --example few_labels -- [OUT.npz]
//! ```
//!
//! The mirror has `cifar10/cifar10_train_first4000.bin.gz`: the first 4000 training images in the
//! official format.

use convscope_data::Dataset;
use convscope_transfer::{
    Classifier, Extraction, Features, Hog, Learner, Pooling, Protocol, compare,
};
use convscope_zoo::Model;
use flate2::read::GzDecoder;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Pixels along a side, as the figures this is compared with had them.
const SIDE: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(mirror) = std::env::var_os("CONVSCOPE_MIRROR").map(PathBuf::from) else {
        println!("set CONVSCOPE_MIRROR to the folder that has cifar10/ in it");
        return Ok(());
    };
    let out = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join("convscope_few_labels.npz"),
        PathBuf::from,
    );
    let packed = File::open(mirror.join("cifar10/cifar10_train_first4000.bin.gz"))?;
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes)?;
    let set = Dataset::from_cifar10("cifar10, the first 4000", &bytes)?;
    let model = Model::pretrained("squeezenet1_0")?;
    let written = Extraction::of(&model)
        .size(SIDE)
        .layer("features.2")
        .layer("features.5")
        .layer("features.9")
        .layer("features.12")
        .pooled("features.12", Pooling::GlobalMax)
        .to_file(&set, &out)?;
    println!("{written}, {:.0} s", written.seconds);
    let mut features = Features::read(&out)?;
    features.push(Hog::default().features(&set)?);
    features.push(Features::pixels(&set)?);
    for features in &features {
        println!("{features}");
    }
    let learners: Vec<Learner> = Classifier::all().into_iter().map(Learner::new).collect();
    let found = compare(
        &features,
        &learners,
        &Protocol::few_labels(),
        &[1, 2, 3, 4, 5],
    )?;
    println!("\n{found}\n");
    for row in &found.rows {
        println!("{} on {}: {:.2} s", row.learner, row.features, row.seconds);
    }
    if let Some(best) = found.best() {
        println!(
            "best: {} on {}: {}",
            best.learner, best.features, best.interval
        );
    }
    Ok(())
}
