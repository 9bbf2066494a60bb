//! Methods that hide parts of the image and ask for scores.

use super::settings::{Cutting, Fitting};
use super::{Asked, Found};
use convscope_nn::{Network, Tensor, Unit};
use convscope_vis::{
    Fill, Lime, Occlusion, Off, Probabilities, Result, Scorer, Slic, Superpixels, Surrogate,
    Target, VisError, lime_watched, occlusion_watched,
};
use ndarray::Axis;

/// What the network says of classes before a closing softmax, or a unit inside it as the one class.
pub enum Scores {
    Logits(Network),
    Unit(Network, Unit),
}

impl Scores {
    pub fn of(network: &Network, target: &Target) -> Result<Scores> {
        if let Target::Unit(unit) = target {
            return Ok(Scores::Unit(network.clone(), unit.clone()));
        }
        let views: Vec<_> = network.views().collect();
        let closing = views
            .last()
            .filter(|view| matches!(view.layer.kind(), "Softmax" | "LogSoftmax"));
        Ok(Scores::Logits(match closing {
            Some(softmax) => network.until(softmax.inputs[0])?,
            None => network.clone(),
        }))
    }
}

impl Scorer for Scores {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        match self {
            Scores::Logits(network) => network.scores(images),
            Scores::Unit(network, unit) => {
                let values = network.trace(images)?.value(unit)?;
                let column = ndarray::Array1::from_vec(values).insert_axis(Axis(1));
                Ok(column.into_dyn())
            }
        }
    }
}

/// The class of the scores that a target means.
fn class_of(target: &Target) -> Target {
    match target {
        Target::Unit(_) => Target::Class(0),
        class => class.clone(),
    }
}

pub fn occlusion(asked: &Asked<'_>) -> Result<Found> {
    let settings = asked.settings;
    let mut options = Occlusion::new();
    if let Some(window) = settings.window {
        options = options.window(window);
    }
    if let Some(stride) = settings.stride {
        options = options.stride(stride);
    }
    if let Some(fill) = &settings.fill {
        options = options.fill(fill.0.clone());
    }
    if let Some(scoring) = settings.scoring {
        options = options.scoring(scoring.into());
    }
    let scores = Scores::of(asked.network, &asked.target)?;
    let target = class_of(&asked.target);
    let watch = &mut asked.watch("occlusion");
    let mut found = occlusion_watched(&scores, asked.image, &target, &options, watch)?;
    if let Target::Unit(unit) = &asked.target {
        found.classes = vec![None];
        found.provenance = found.provenance.target(unit.to_string());
    }
    Ok(found.into())
}

pub fn lime(asked: &Asked<'_>) -> Result<Found> {
    let settings = asked.settings;
    let scores = Scores::of(asked.network, &asked.target)?;
    let class = match class_of(&asked.target) {
        Target::Class(k) | Target::Probability(k) => k,
        // Which class that is has to be known before the fit.
        _ => {
            let scores = scores.scores(asked.image)?;
            convscope_nn::top_k(&scores, 1)?[0][0]
        }
    };
    let mut options = Lime::new().seed(asked.seed).classes(&[class]);
    if let Some(samples) = settings.samples {
        options = options.samples(samples);
    }
    if let Some(cutting) = settings.superpixels {
        options = options.superpixels(match cutting {
            Cutting::Grid => Superpixels::Grid(grid(asked.image)),
            Cutting::Slic => Superpixels::Slic(Slic::default()),
            Cutting::Quickshift => Superpixels::default(),
        });
    }
    if let Some(fitting) = settings.surrogate {
        options = options.surrogate(match fitting {
            Fitting::Ridge => Surrogate::Ridge { alpha: 1.0 },
            Fitting::Lasso => Surrogate::Lasso { alpha: 0.01 },
            Fitting::Forest => Surrogate::Forest {
                trees: 50,
                depth: 4,
            },
        });
    }
    match settings.fill.as_ref().map(|f| &f.0) {
        None => {}
        Some(Fill::Zero) => options = options.off(Off::Colour(vec![0.0])),
        Some(Fill::Colour(colour)) => options = options.off(Off::Colour(colour.clone())),
        Some(_) => {
            return Err(VisError::Invalid(
                "lime hides superpixels behind their own mean colour (without --fill), zero or \
                 numbers; grey and mean are fills of occlusion"
                    .into(),
            ));
        }
    }
    let watch = &mut asked.watch("lime");
    let image = asked.image;
    let found = match asked.target {
        Target::TopProbability | Target::Probability(_) => {
            lime_watched(&Probabilities(&scores), image, &options, watch)?
        }
        _ => lime_watched(&scores, image, &options, watch)?,
    };
    let shape = [
        1,
        1,
        found.segmentation.labels.nrows(),
        found.segmentation.labels.ncols(),
    ];
    let map = found
        .map(class)
        .unwrap_or_else(|| ndarray::Array2::zeros((shape[2], shape[3])));
    let of_class = !matches!(asked.target, Target::Unit(_));
    Ok(Found {
        values: map.insert_axis(Axis(0)).insert_axis(Axis(0)).into_dyn(),
        target_value: found.scores.first().copied().unwrap_or(0.0),
        class: of_class.then_some(class),
        flags: found.flags,
        provenance: found.provenance,
        segments: Some(found.segmentation.labels),
    })
}

/// Squares of about an eighth of the shorter side.
fn grid(image: &Tensor) -> [usize; 2] {
    let (h, w) = (image.shape()[2], image.shape()[3]);
    let side = (h.min(w) / 8).max(1);
    [(h / side).max(1), (w / side).max(1)]
}
