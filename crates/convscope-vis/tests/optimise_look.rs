//! Pictures to look at, made with real networks: run one by name with
//! `CONVSCOPE_LOOK=folder cargo test -p convscope-vis --test optimise_look -- --ignored NAME`.
//! SqueezeNet's weights are needed (a mirror, or the download cache); the presets were tuned on these.

use convscope_data::{Photo, Preprocessing};
use convscope_nn::{Network, Tensor};
use convscope_vis::*;
use convscope_zoo::{Model, shipped};
use ndarray::{Array3, Axis, s};
use std::path::PathBuf;
use std::time::Instant;

fn folder() -> PathBuf {
    let folder = std::env::var_os("CONVSCOPE_LOOK").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("convscope-look"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn squeezenet() -> Option<Model> {
    if std::env::var_os("CONVSCOPE_MIRROR").is_none() {
        println!("skipped: CONVSCOPE_MIRROR names no folder with the weights");
        return None;
    }
    Some(Model::pretrained("squeezenet1_0").unwrap())
}

fn photo(name: &str) -> Photo {
    let mirror = PathBuf::from(std::env::var_os("CONVSCOPE_MIRROR").unwrap());
    Photo::open(mirror.join("photos").join(name)).unwrap()
}

/// Rows of images of one size, each turned back into a picture.
fn sheet(name: &str, rows: &[Vec<Array3<f32>>]) {
    let (c, h, w) = rows[0][0].dim();
    let across = rows.iter().map(Vec::len).max().unwrap();
    let size = (c, rows.len() * (h + 4), across * (w + 4));
    let mut all = Array3::from_elem(size, 1.0);
    for (i, row) in rows.iter().enumerate() {
        for (j, tile) in row.iter().enumerate() {
            let (y, x) = (i * (h + 4), j * (w + 4));
            all.slice_mut(s![.., y..y + h, x..x + w]).assign(tile);
        }
    }
    let path = folder().join(format!("{name}.png"));
    Photo::from_pixels(name, all)
        .unwrap()
        .save_png(&path)
        .unwrap();
    println!("{}", path.display());
}

fn tiles(images: &Tensor, preprocessing: &Preprocessing) -> Vec<Array3<f32>> {
    let each = images.axis_iter(Axis(0));
    each.map(|image| {
        let image = image.into_dimensionality().unwrap();
        let pixels = preprocessing.pixels(image).unwrap();
        pixels.mapv(|v| v.clamp(0.0, 1.0))
    })
    .collect()
}

fn sure(net: &Network, images: &Tensor, classes: &[usize]) -> Vec<String> {
    let shape = images.shape()[1..].to_vec();
    let p = net.for_input(shape).unwrap().probabilities(images).unwrap();
    let each = classes.iter().enumerate();
    each.map(|(i, &k)| format!("{:.2}", p[[i, k]])).collect()
}

/// Presets to try: names in CONVSCOPE_PRESETS, or these.
fn names(default: &str) -> Vec<String> {
    let list = std::env::var("CONVSCOPE_PRESETS").unwrap_or_else(|_| default.to_owned());
    list.split(',').map(str::to_owned).collect()
}

const CLASSES: [usize; 8] = [1, 130, 88, 985, 340, 949, 22, 107];

#[test]
#[ignore = "makes pictures to look at"]
fn classes() {
    let Some(model) = squeezenet() else { return };
    let range = PixelRange::of(&model.preprocessing).unwrap();
    let objectives = CLASSES.map(Objective::class);
    for name in names("squeezenet,lucid,cs231n") {
        let begun = Instant::now();
        let settings = Maximize::preset(&name).unwrap().range(range.clone());
        let made = maximize_all(&model.network, &objectives, &settings).unwrap();
        println!(
            "{name} {:.1} s, {:.1?}",
            begun.elapsed().as_secs_f64(),
            made.values
        );
        println!("{:?}", sure(&model.network, &made.images, &CLASSES));
        let all = tiles(&made.images, &model.preprocessing);
        sheet(
            &format!("classes-{name}"),
            &[all[..4].to_vec(), all[4..].to_vec()],
        );
    }
}

#[test]
#[ignore = "makes pictures to look at"]
fn channels() {
    let Some(model) = squeezenet() else { return };
    let range = PixelRange::of(&model.preprocessing).unwrap();
    for name in names("squeezenet") {
        let settings = Maximize::preset(&name)
            .unwrap()
            .range(range.clone())
            .size(128, 128);
        let mut rows = Vec::new();
        for layer in [
            "features.1",
            "features.4",
            "features.7",
            "features.10",
            "features.12",
        ] {
            let objectives: Vec<_> = (10..16).map(|c| Objective::channel(layer, c)).collect();
            let begun = Instant::now();
            let made = maximize_all(&model.network, &objectives, &settings).unwrap();
            let seconds = begun.elapsed().as_secs_f64();
            println!(
                "{name} {layer} {seconds:.1} s {:.1?} {:?}",
                made.values, made.flags
            );
            rows.push(tiles(&made.images, &model.preprocessing));
        }
        sheet(&format!("channels-{name}"), &rows);
    }
}

#[test]
#[ignore = "makes pictures to look at"]
fn dreams() {
    let Some(model) = squeezenet() else { return };
    let range = PixelRange::of(&model.preprocessing).unwrap();
    let photo = photo("bridge.jpg").resize_short_side(320).unwrap();
    let image = model.preprocessing.normalise(photo.pixels.view()).unwrap();
    let image = image.insert_axis(Axis(0)).into_dyn();
    for name in names("google_deepdream") {
        let settings = Dream::preset(&name).unwrap().range(range.clone());
        for layer in ["features.4", "features.7", "features.9", "features.12"] {
            let begun = Instant::now();
            let objective = Objective::norm(layer);
            let made = dream(&model.network, &objective, &image, &settings).unwrap();
            println!(
                "{name} {layer} {:.1} s {:?}",
                begun.elapsed().as_secs_f64(),
                made.octaves
            );
            sheet(
                &format!("dream-{name}-{layer}"),
                &[tiles(&made.image, &model.preprocessing)],
            );
        }
    }
}

#[test]
#[ignore = "makes pictures to look at"]
fn guided_and_noise_dreams() {
    let Some(model) = squeezenet() else { return };
    let range = PixelRange::of(&model.preprocessing).unwrap();
    let settings = Dream::new().range(range);
    let image = model.preprocessing.apply(&photo("bridge.jpg")).unwrap();
    let image = image.insert_axis(Axis(0)).into_dyn();
    let layer = "features.7";
    let guide = model.preprocessing.apply(&photo("flamingo.jpg")).unwrap();
    let part = model.network.until(layer).unwrap();
    let code = part
        .forward(&guide.insert_axis(Axis(0)).into_dyn())
        .unwrap();
    let objective = Objective::guide(layer, code.index_axis(Axis(0), 0).to_owned());
    let guided = dream(&model.network, &objective, &image, &settings).unwrap();
    let mut row = tiles(&guided.image, &model.preprocessing);
    for class in [130, 1, 949] {
        let range = settings.ascent.range.clone().unwrap();
        let settings = Dream::preset("google_noise").unwrap().range(range);
        let objective = Objective::class(class);
        let made = dream_from_noise(&model.network, &objective, [224, 224], &settings).unwrap();
        println!("{class}: {:?}", sure(&model.network, &made.image, &[class]));
        row.extend(tiles(&made.image, &model.preprocessing));
    }
    sheet("dream-guided-noise", &[row]);
}

#[test]
#[ignore = "makes pictures to look at"]
fn inversions() {
    let Some(model) = squeezenet() else { return };
    let range = PixelRange::of(&model.preprocessing).unwrap();
    let mut rows = Vec::new();
    for name in ["parrot.jpg", "egyptian_cat.jpg"] {
        let image = model.preprocessing.apply(&photo(name)).unwrap();
        let image = image.insert_axis(Axis(0)).into_dyn();
        let mut row = tiles(&image, &model.preprocessing);
        for layer in [
            "features.1",
            "features.4",
            "features.7",
            "features.10",
            "features.12",
            "flatten",
        ] {
            let begun = Instant::now();
            let settings = Invert::preset("mahendran").unwrap().range(range.clone());
            let made = invert(&model.network, layer, &image, &settings).unwrap();
            let seconds = begun.elapsed().as_secs_f64();
            println!(
                "{layer} {seconds:.1} s {:?} {}",
                made.losses, made.provenance.settings["variation"]
            );
            row.extend(tiles(&made.images, &model.preprocessing));
        }
        rows.push(row);
    }
    sheet("inversions", &rows);
}

#[test]
#[ignore = "makes pictures to look at"]
fn small_networks() {
    for (net, preset) in [
        ("cnn2", "digits"),
        ("lenet5", "digits"),
        ("resnet20", "small"),
        ("resnet56", "small"),
        ("vgg_cifar10", "small"),
    ] {
        let model = shipped::get(net).unwrap().into_model();
        let range = PixelRange::of(&model.preprocessing).unwrap();
        let settings = Maximize::preset(preset).unwrap().range(range);
        let objectives: Vec<_> = (0..10).map(Objective::class).collect();
        let begun = Instant::now();
        let made = maximize_all(&model.network, &objectives, &settings).unwrap();
        println!(
            "{net} {:.1} s {:.1?}",
            begun.elapsed().as_secs_f64(),
            made.values
        );
        let classes: Vec<usize> = (0..10).collect();
        println!("{:?}", sure(&model.network, &made.images, &classes));
        let all = tiles(&made.images, &model.preprocessing);
        let large: Vec<_> = all.iter().map(enlarged).collect();
        sheet(
            &format!("small-{net}"),
            &[large[..5].to_vec(), large[5..].to_vec()],
        );
    }
}

fn enlarged(image: &Array3<f32>) -> Array3<f32> {
    let (c, h, w) = image.dim();
    Array3::from_shape_fn((c, 4 * h, 4 * w), |(c, y, x)| image[[c, y / 4, x / 4]])
}

#[test]
#[ignore = "measures"]
fn the_loop_costs_little_beside_the_network() {
    let Some(model) = squeezenet() else { return };
    let settings = Maximize::preset("squeezenet")
        .unwrap()
        .size(128, 128)
        .steps(20);
    for layer in ["features.1", "features.12"] {
        let objectives: Vec<_> = (0..8).map(|c| Objective::channel(layer, c)).collect();
        let begun = Instant::now();
        maximize_all(&model.network, &objectives, &settings).unwrap();
        let loop_seconds = begun.elapsed().as_secs_f64();
        let part = model
            .network
            .until(layer)
            .unwrap()
            .for_input([3, 128, 128])
            .unwrap();
        let images = Tensor::from_elem(vec![8, 3, 128, 128], 0.1);
        let begun = Instant::now();
        for _ in 0..20 {
            let trace = part.trace(&images).unwrap();
            let unit = convscope_nn::Unit::channel(layer, 0);
            trace.gradient(unit, convscope_nn::Rule::Gradient).unwrap();
        }
        let network_seconds = begun.elapsed().as_secs_f64();
        println!("{layer}: {loop_seconds:.2} s, of which the network {network_seconds:.2} s");
    }
}
