//! Ants and bees: SqueezeNet's features of the training photographs, classifiers on them, and how many
//! of the validation photographs they get right.
//!
//! ```text
//! CONVSCOPE_MIRROR=FOLDER cargo run --release --example ants_bees
//! ```

use convscope_transfer::{
    Classifier, Extraction, LabelledPhotos, Learner, Pooling, cross_validate,
};
use convscope_zoo::Model;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let photos = convscope_data::ants_bees()?;
    let model = Model::pretrained("squeezenet1_0")?;
    let extraction = Extraction::of(&model)
        .layer("features.12")
        .pooled("features.12", Pooling::AverageGrid(2));
    let of = |part: &str| {
        let photos = LabelledPhotos::by_folder(part, photos.under(part))?;
        extraction.run(&photos)
    };
    let (train, valid) = (of("train/")?, of("val/")?);
    for (train, valid) in train.iter().zip(&valid) {
        println!("{train}; {} to validate", valid.len());
        for classifier in Classifier::all() {
            let learner = Learner::new(classifier);
            let folds = cross_validate(&learner, train, 5, 1)?;
            let accuracy = learner.fit(train)?.accuracy(valid)?;
            println!("{folds}; on the validation photographs {accuracy:.3}");
        }
    }
    Ok(())
}
