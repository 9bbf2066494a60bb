//! Images that begin from what a network says of others: `codes_and_facets FOLDER` writes `codes.png`,
//! digits that a decoder draws while each class's score climbs in its codes (Nguyen et al. 2016), and
//! `facets.png`, what cnn2 takes for a 1, 4, 7 and 9, each begun from the means of three clusters
//! (Nguyen, Yosinski and Clune 2016). Drawn digits and shipped weights are all it needs.

use convscope_data::InkDigits;
use convscope_nn::Tensor;
use convscope_vis::render::{Tiles, picture};
use convscope_vis::{
    LatentAscent, Maximize, Objective, PixelRange, TrainDecoder, Watch, maximize_facets,
    maximize_latent, train_decoder,
};
use convscope_zoo::{Model, shipped};
use ndarray::{Array3, Axis, Ix3};
use std::error::Error;
use std::path::PathBuf;

/// Digits that the decoder learns from.
const DIGITS: usize = 2000;
const FACETS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected: a folder")?);
    std::fs::create_dir_all(&folder)?;
    let model = shipped::get("cnn2")?.into_model();
    let net = &model.network;
    let digits = InkDigits::generate(DIGITS, 1);
    let mut images = digits.images.clone();
    for mut one in images.outer_iter_mut() {
        let pixels = one.view().into_dimensionality::<Ix3>()?.mapv(|v| v / 255.0);
        one.assign(&model.preprocessing.normalise(pixels.view())?);
    }
    let watch = &mut Watch::quiet();

    let learning = TrainDecoder::new().epochs(40).channels(32);
    let decoder = train_decoder(net, "relu5", &images, &learning, watch)?;
    let classes: Vec<Objective> = (0..10).map(Objective::class).collect();
    let made = maximize_latent(net, &decoder.network, &classes, &LatentAscent::new(), watch)?;
    save(&model, &made.images, 5, folder.join("codes.png"))?;

    let range = PixelRange::of(&model.preprocessing)?;
    let settings = Maximize::preset("digits")?.range(range);
    let mut facets = Vec::new();
    for class in [1, 4, 7, 9] {
        let of = (0..DIGITS).filter(|&i| digits.labels[i] == class);
        let of = images.select(Axis(0), &of.collect::<Vec<_>>());
        let objective = Objective::class(class);
        let found = maximize_facets(net, &objective, &of, "relu5", FACETS, &settings, watch)?;
        facets.push(found.made.images);
    }
    let views: Vec<_> = facets.iter().map(Tensor::view).collect();
    let facets = ndarray::concatenate(Axis(0), &views)?;
    save(&model, &facets, FACETS, folder.join("facets.png"))
}

fn save(model: &Model, images: &Tensor, wide: usize, to: PathBuf) -> Result<(), Box<dyn Error>> {
    let mut tiles = Vec::new();
    for one in images.outer_iter() {
        let pixels: Array3<f32> = model.preprocessing.pixels(one.into_dimensionality()?)?;
        tiles.push(picture(pixels.mapv(|v| v.clamp(0.0, 1.0)).view())?);
    }
    Ok(Tiles::new().columns(wide).pictures(&tiles, 56).save(to)?)
}
