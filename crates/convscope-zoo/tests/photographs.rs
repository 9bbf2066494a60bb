//! Real weights on real photographs. They are on a mirror, which `CONVSCOPE_MIRROR` names; without
//! one these tests say so and pass.

use convscope_data::{
    Cache, FetchOptions, IMAGENET_MEAN, IMAGENET_STD, Mirror, Photo, Preprocessing,
};
use convscope_zoo::{Model, Ranked};
use std::path::{Path, PathBuf};

/// A folder of the mirror.
fn mirror(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CONVSCOPE_MIRROR").map(|root| Path::new(&root).join(what));
    let found = folder.filter(|folder| folder.exists());
    if found.is_none() {
        println!("skipped: CONVSCOPE_MIRROR names no folder with {what} in it");
    }
    found
}

/// The photos of a folder whose names begin so, in the order of their names.
fn photos(folder: &Path, begin: &str) -> Vec<Photo> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|e| e.path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(begin) && (name.ends_with(".jpg") || name.ends_with(".png"))
        })
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| Photo::open(file).unwrap())
        .collect()
}

/// The number last in the name of each photo.
fn classes(photos: &[Photo]) -> Vec<usize> {
    let last = |photo: &Photo| photo.name.rsplit('_').next().unwrap().parse().unwrap();
    photos.iter().map(last).collect()
}

/// How often the first answer was right, and one of the first five.
fn right(answers: &[Vec<Ranked>], classes: &[usize]) -> (usize, usize) {
    let within = |n: usize| {
        let pairs = answers.iter().zip(classes);
        let hit = |(a, class): &(&Vec<Ranked>, &usize)| a[..n].iter().any(|r| r.index == **class);
        pairs.filter(hit).count()
    };
    (within(1), within(5))
}

#[test]
fn squeezenet_names_imagenets_photographs_with_both_kinds_of_file() {
    let (Some(folder), Some(weights)) = (mirror("imagenet_val20"), mirror("weights")) else {
        return;
    };
    let photos = photos(&folder, "imagenet_");
    let classes = classes(&photos);
    assert_eq!(photos.len(), 20);
    let mut all = Vec::new();
    for file in ["squeezenet1_0.safetensors", "squeezenet1_0.pth"] {
        let model = Model::with_weights("squeezenet1_0", weights.join(file)).unwrap();
        assert_eq!(model.preprocessing, Preprocessing::torchvision(224));
        let answers = model.classify(&photos).unwrap();
        let (top1, top5) = right(&answers, &classes);
        println!("{file}: top-1 {top1}, top-5 {top5} of 20");
        assert!(top1 >= 15 && top5 >= 19, "{file}: {top1}, {top5}");
        all.push(answers);
    }
    assert_eq!(all[0], all[1]);
}

#[test]
fn squeezenet_names_photographs_as_it_is_known_to() {
    let (Some(folder), Some(weights)) = (mirror("photos"), mirror("weights")) else {
        return;
    };
    let model = Model::with_weights("squeezenet1_0", weights.join("squeezenet1_0.pth")).unwrap();
    for (file, name, probability) in [
        ("parrot", "macaw", 0.99),
        ("flamingo", "flamingo", 1.00),
        ("goldfish", "goldfish", 1.00),
        ("hot_dog", "hotdog", 1.00),
        ("bear", "brown bear", 0.86),
        ("egyptian_cat", "Egyptian cat", 0.69),
        ("elephants", "Indian elephant", 0.66),
        ("coyote", "coyote", 0.66),
    ] {
        let photo = Photo::open(folder.join(format!("{file}.jpg"))).unwrap();
        let best = &model.classify(&[photo]).unwrap()[0][0];
        println!("{file}: {best}");
        // As torchvision says on the same files; another JPEG decoder may move the second digit.
        let apart = (best.probability - probability).abs();
        let same =
            best.label.to_lowercase().replace(' ', "") == name.to_lowercase().replace(' ', "");
        assert!(same && apart < 0.02, "{file}: {best}");
    }
}

#[test]
fn resnet20_names_cifars_lossless_test_images() {
    let (Some(folder), Some(weights)) = (mirror("cifar10"), mirror("weights")) else {
        return;
    };
    let photos = photos(&folder, "cifar10_");
    let classes = classes(&photos);
    assert_eq!(photos.len(), 20);
    let file = weights.join("resnet20_cifar10.safetensors");
    let mut model = Model::with_weights("resnet20", file).unwrap();
    // These were trained with ImageNet's mean and standard deviation.
    model.preprocessing = Preprocessing::cifar10().normalised(IMAGENET_MEAN, IMAGENET_STD);
    let (top1, top5) = right(&model.classify(&photos).unwrap(), &classes);
    println!("resnet20_cifar10.safetensors: top-1 {top1}, top-5 {top5} of 20");
    assert!(top1 >= 17, "{top1}");
}

#[test]
fn published_weights_come_by_name_with_their_preprocessing_and_labels() {
    let Some(folder) = mirror("weights") else {
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let mut options = FetchOptions::new(Cache::new(cache.path()));
    options.mirror = folder.parent().map(|root| Mirror::Folder(root.to_owned()));
    options.offline = true;
    let fetch = |name| Model::pretrained_with(name, &options, &mut |_| {}).unwrap();
    let squeezenet = fetch("squeezenet1_0");
    assert_eq!(squeezenet.name, "squeezenet1_0");
    assert_eq!(squeezenet.labels.len(), 1000);
    assert_eq!(squeezenet.preprocessing, Preprocessing::torchvision(224));
    let resnet = fetch("resnet20_cifar10");
    assert_eq!(resnet.name, "resnet20");
    assert_eq!(resnet.labels[3], "cat");
    assert_eq!(resnet.preprocessing.mean, IMAGENET_MEAN);
}
