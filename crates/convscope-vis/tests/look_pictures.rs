//! Pictures to be looked at by a person: `CONVSCOPE_MIRROR=... cargo test -p convscope-vis --test
//! look_pictures -- --ignored --nocapture` writes them to a folder and says where.

use convscope_data::{Photo, Preprocessing};
use convscope_nn::Tensor;
use convscope_vis::{
    Bounds, ChannelAxis, Encoding, Evolution, Fgsm, FilterScale, FoolingAscent, GratingTuning,
    Probabilities, SmallestPerturbation, TopPatches, Tsne, evolve, features, fgsm, filters,
    fit_gabors, fooling_images, grating_tuning, neighbours, pca, smallest_perturbation,
    top_patches, tsne,
};
use convscope_zoo::Model;
use image::{Rgb, RgbImage, imageops};
use ndarray::{Array3, ArrayView3, Axis};
use std::path::{Path, PathBuf};

/// Squares of one size with a gap, so many in a row, each enlarged to `side`.
fn sheet(tiles: &[RgbImage], columns: usize, side: u32, path: &Path) {
    let rows = tiles.len().div_ceil(columns) as u32;
    let pitch = side + 3;
    let mut all = RgbImage::from_pixel(columns as u32 * pitch, rows * pitch, Rgb([255; 3]));
    for (i, tile) in tiles.iter().enumerate() {
        let large = imageops::resize(tile, side, side, imageops::FilterType::Nearest);
        let at = ((i % columns) as u32 * pitch, (i / columns) as u32 * pitch);
        imageops::replace(&mut all, &large, at.0.into(), at.1.into());
    }
    all.save(path).unwrap();
    println!("{}", path.display());
}

fn picture(pixels: ArrayView3<'_, f32>) -> RgbImage {
    let (c, h, w) = pixels.dim();
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    RgbImage::from_fn(w as u32, h as u32, |x, y| {
        Rgb([0, 1, 2].map(|k| byte(pixels[[k.min(c - 1), y as usize, x as usize]])))
    })
}

fn seen(preprocessing: &Preprocessing, image: ArrayView3<'_, f32>) -> RgbImage {
    picture(preprocessing.pixels(image).unwrap().view())
}

/// The photographs below a folder.
fn photos(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        match path.extension().and_then(|e| e.to_str()) {
            None if path.is_dir() => photos(&path, into),
            Some("jpg" | "jpeg" | "JPEG" | "png") => into.push(path),
            _ => {}
        }
    }
}

fn squeezenet() -> Option<(Model, PathBuf)> {
    let Ok(mirror) = std::env::var("CONVSCOPE_MIRROR") else {
        println!("CONVSCOPE_MIRROR is not set: no pictures");
        return None;
    };
    Some((
        Model::pretrained("squeezenet1_0").unwrap(),
        PathBuf::from(mirror),
    ))
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join("convscope_look");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn input(model: &Model, path: &Path) -> Array3<f32> {
    let photo = Photo::open(path).unwrap();
    model.preprocessing.apply(&photo).unwrap()
}

#[test]
#[ignore = "needs the mirror's weights and somebody who looks"]
fn filters_and_patches_of_squeezenet() {
    let Some((model, mirror)) = squeezenet() else {
        return;
    };
    let (net, folder) = (&model.network, folder());
    let first = filters(net, "features.0").unwrap();
    for (scale, name) in [
        (FilterScale::Shared, "shared"),
        (FilterScale::PerFilter, "each"),
    ] {
        let tiles: Vec<_> = first
            .tiles(scale)
            .pictures
            .outer_iter()
            .map(picture)
            .collect();
        sheet(&tiles, 16, 56, &folder.join(format!("filters_{name}.png")));
    }
    let fits = fit_gabors(&first, ChannelAxis::Principal).unwrap();
    let mut r: Vec<f64> = fits.iter().map(|f| f.r_squared).collect();
    r.sort_by(f64::total_cmp);
    println!(
        "{} filters; R² median {:.2}, over 0.8: {}",
        r.len(),
        r[r.len() / 2],
        r.iter().filter(|&&r| r > 0.8).count()
    );
    let tuning = grating_tuning(net, "features.0", &GratingTuning::new()).unwrap();
    let selective = tuning
        .channels
        .iter()
        .filter(|c| c.selectivity > 0.4)
        .count();
    println!(
        "selective for orientation: {selective} of {}",
        tuning.channels.len()
    );
    let fitted: Vec<_> = fits
        .iter()
        .map(|f| {
            let p = f.gabor.picture([7, 7]);
            let most = p.iter().fold(1e-9, |m, v| f64::max(m, v.abs()));
            picture(
                p.mapv(|v| (0.5 + 0.5 * v / most) as f32)
                    .insert_axis(Axis(0))
                    .view(),
            )
        })
        .collect();
    sheet(&fitted, 16, 56, &folder.join("gabors.png"));

    let mut paths = Vec::new();
    photos(&mirror.join("photos"), &mut paths);
    if let Ok(more) = std::env::var("CONVSCOPE_LOOK_AT") {
        photos(Path::new(&more), &mut paths);
    }
    let layers = [
        "features.3",
        "features.5",
        "features.7",
        "features.9",
        "features.12",
    ];
    let settings = TopPatches::new().channels([3, 10, 17, 24, 31, 38, 45, 52]);
    let settings = settings.grey_of(&model.preprocessing).inside(0.75);
    let begun = std::time::Instant::now();
    let stream = paths.chunks(6).map(|some| {
        let all: Vec<_> = some.iter().map(|p| input(&model, p)).collect();
        let views: Vec<_> = all.iter().map(|a| a.view()).collect();
        ndarray::stack(Axis(0), &views).unwrap().into_dyn()
    });
    let found = top_patches(net, &layers, stream, &settings).unwrap();
    println!(
        "{} photos in {:.1} s",
        paths.len(),
        begun.elapsed().as_secs_f64()
    );
    for layer in &found {
        let all = layer.channels.iter().flat_map(|c| &c.patches);
        let tiles: Vec<_> = all
            .map(|p| seen(&model.preprocessing, p.pixels.view()))
            .collect();
        sheet(
            &tiles,
            9,
            100,
            &folder.join(format!("patches_{}.png", layer.layer)),
        );
    }
}

#[test]
#[ignore = "needs the mirror's weights and somebody who looks"]
fn squeezenet_is_fooled() {
    let Some((model, mirror)) = squeezenet() else {
        return;
    };
    let (net, folder) = (&model.network, folder());
    let bounds = Bounds::of(&model.preprocessing).unwrap();
    let names = ["flamingo", "goldfish", "parrot", "bear"];
    let inputs: Vec<_> = names
        .iter()
        .map(|n| input(&model, &mirror.join(format!("photos/{n}.jpg"))))
        .collect();
    let views: Vec<_> = inputs.iter().map(|a| a.view()).collect();
    let images: Tensor = ndarray::stack(Axis(0), &views).unwrap().into_dyn();
    let sign = fgsm(net, &images, &Fgsm::new(0.007, bounds.clone())).unwrap();
    let least = SmallestPerturbation::new(bounds.clone())
        .searches(6)
        .iterations(15);
    let least = smallest_perturbation(net, &images, &least).unwrap();
    let mut tiles = Vec::new();
    for (of, result) in [("fgsm", &sign), ("smallest", &least)] {
        for (i, name) in names.iter().enumerate() {
            let (before, after) = (result.before[i], result.after[i]);
            println!(
                "{of} {name}: {} {:.3} -> {} {:.3}, l2 {:.3}, linf {:.4}",
                model.labels[before.class],
                before.confidence,
                model.labels[after.class],
                after.confidence,
                result.distance[i].l2,
                result.distance[i].linf
            );
            let image = result
                .images
                .index_axis(Axis(0), i)
                .into_dimensionality()
                .unwrap();
            tiles.push(seen(&model.preprocessing, image));
            let change = result.perturbation.index_axis(Axis(0), i);
            let most = change.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            let change = change.mapv(|v| 0.5 + 0.5 * v / most.max(1e-9));
            tiles.push(picture(change.into_dimensionality().unwrap().view()));
        }
    }
    sheet(&tiles, 8, 224, &folder.join("fooled.png"));
    let classes = [130, 1, 88, 985, 954, 387];
    let settings = FoolingAscent::new(bounds.clone()).iterations(150);
    let nothing = fooling_images(net, [3, 224, 224], &classes, &settings).unwrap();
    println!(
        "{:?} after {:?} steps",
        nothing.confidence,
        nothing
            .curves
            .iter()
            .map(|c| c.len() - 1)
            .collect::<Vec<_>>()
    );
    let rows = nothing.images.outer_iter();
    let tiles: Vec<_> = rows
        .map(|i| seen(&model.preprocessing, i.into_dimensionality().unwrap()))
        .collect();
    sheet(&tiles, 6, 224, &folder.join("ascent.png"));
    let settings = Evolution::new(bounds).classes(classes).evaluations(640);
    for encoding in [Encoding::Cppn, Encoding::Direct] {
        let settings = settings.clone().encoding(encoding);
        let archive = evolve(&Probabilities(net), [3, 224, 224], &settings).unwrap();
        let found = archive.elites.iter();
        println!(
            "{encoding:?}: {:?}",
            found.map(|e| e.confidence).collect::<Vec<_>>()
        );
        let found = archive.elites.iter();
        let tiles: Vec<_> = found
            .map(|e| seen(&model.preprocessing, e.image.view()))
            .collect();
        sheet(
            &tiles,
            6,
            224,
            &folder.join(format!("evolved_{encoding:?}.png")),
        );
    }
}

#[test]
#[ignore = "needs the mirror's weights and somebody who looks"]
fn photographs_lie_near_their_like() {
    let Some((model, mirror)) = squeezenet() else {
        return;
    };
    let mut paths = Vec::new();
    photos(&mirror.join("photos"), &mut paths);
    if let Ok(more) = std::env::var("CONVSCOPE_LOOK_AT") {
        photos(Path::new(&more), &mut paths);
    }
    let inputs: Vec<_> = paths.iter().map(|p| input(&model, p)).collect();
    let views: Vec<_> = inputs.iter().map(|a| a.view()).collect();
    let images: Tensor = ndarray::stack(Axis(0), &views).unwrap().into_dyn();
    let queries: Vec<usize> = (0..paths.len()).step_by(paths.len().div_ceil(6)).collect();
    let found = neighbours(
        &model.network,
        &images,
        "features.12",
        &queries,
        5,
        Default::default(),
    );
    let found = found.unwrap();
    let mut tiles = Vec::new();
    for (q, &query) in queries.iter().enumerate() {
        for space in [&found.pixels, &found.features] {
            let row = std::iter::once(&query).chain(&space.indices[q]);
            tiles.extend(row.map(|&i| seen(&model.preprocessing, inputs[i].view())));
        }
    }
    sheet(&tiles, 12, 100, &folder().join("neighbours.png"));
    let points = features(&model.network, &images, "features.12", Default::default()).unwrap();
    let plane = pca(&points, 2).unwrap();
    let map = tsne(&points, &Tsne::new()).unwrap();
    println!(
        "{} photos: trustworthiness of PCA {:.3} ({:.0} % explained), of t-SNE {:.3} in {:.1} s",
        points.nrows(),
        plane.trustworthiness,
        100.0 * plane.explained_ratio.iter().sum::<f64>(),
        map.trustworthiness,
        map.provenance.seconds
    );
}
