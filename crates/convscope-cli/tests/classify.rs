//! What `scope classify` says about photos, and about what is wrong.

mod common;

use common::{Ended, Place, fixture};
use std::fs;
use std::path::Path;

#[test]
fn photos_are_classified_with_weights_from_a_file() {
    let place = Place::new();
    place.photo("a.png", 40, 30);
    place.photo("b.png", 200, 300);
    let weights = fixture("resnet20.pth");
    let args = [
        "classify",
        "resnet20",
        "a.png",
        "b.png",
        "--weights",
        &weights,
    ];
    let text = place.scope(&args).well().out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 12, "{text}");
    assert_eq!((lines[0], lines[6]), ("a.png", "b.png"));
    assert!(lines[1].contains(" %  "), "{text}");

    let args = [&args[..], &["--json", "--top", "3"]].concat();
    let json = place.scope(&args).well().json();
    let json = json.as_array().unwrap();
    assert_eq!(json.len(), 2);
    for (found, file) in json.iter().zip(["a.png", "b.png"]) {
        assert_eq!(found["file"], file);
        let top = found["top"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        let shares: Vec<f64> = top
            .iter()
            .map(|t| t["probability"].as_f64().unwrap())
            .collect();
        assert!(shares.is_sorted_by(|a, b| a >= b) && shares[0] <= 1.0 && shares[2] > 0.0);
        let first = &top[0];
        let index = first["index"].as_u64().unwrap() as usize;
        let labels = convscope_data::labels("cifar10").unwrap();
        assert_eq!(first["label"], labels[index]);
    }
}

#[test]
fn all_photos_of_a_folder_are_taken_in_the_order_of_their_names() {
    let place = Place::new();
    fs::create_dir(place.path("photos")).unwrap();
    for i in [3, 1, 2] {
        place.photo(&format!("photos/{i}.png"), 28, 28);
    }
    fs::write(place.path("photos/notes.txt"), "not a photo").unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    let weights = fixture("cnn2.pth");
    let args = [
        "classify",
        "cnn2",
        "photos",
        "--weights",
        &weights,
        "--json",
    ];
    let json = place.scope(&args).well().json();
    let files: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["file"].clone())
        .collect();
    let expected: Vec<_> = (1..=3)
        .map(|i| {
            Path::new("photos")
                .join(format!("{i}.png"))
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(files, expected);
    let args = ["classify", "cnn2", "empty", "--weights", &weights];
    place.scope(&args).badly(1, &["empty", "\"png\""]);
}

#[test]
fn photos_that_cannot_be_read_are_reported_and_the_rest_goes_on() {
    let place = Place::new();
    place.photo("good.png", 28, 28);
    place.photo("dot.png", 1, 1);
    fs::write(place.path("text.png"), "not a picture").unwrap();
    let whole = fs::read(place.path("good.png")).unwrap();
    fs::write(place.path("half.png"), &whole[..whole.len() / 2]).unwrap();
    let weights = fixture("cnn2.pth");
    let mut args = vec!["classify", "cnn2", "--weights", &weights, "--json"];
    args.extend(["missing.png", "good.png", "text.png", "dot.png", "half.png"]);
    let ended = place.scope(&args);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let json = ended.json();
    let files: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["file"].clone())
        .collect();
    assert_eq!(files, ["good.png", "dot.png"]);
    for file in ["missing.png", "text.png", "half.png"] {
        let errors = ended
            .err
            .lines()
            .filter(|l| l.starts_with("error: ") && l.contains(file));
        assert_eq!(errors.count(), 1, "{file}: {}", ended.err);
    }
}

#[test]
fn weights_that_do_not_fit_are_listed_with_both_shapes() {
    let place = Place::new();
    place.photo("a.png", 28, 28);
    let weights = fixture("lenet5.pth");
    let args = [
        "classify",
        "lenet5",
        "a.png",
        "--weights",
        &weights,
        "--classes",
        "3",
    ];
    let ended = place.scope(&args).badly(1, &["2 of another shape"]);
    let both = "output.weight: expected [3, 84], got [10, 84]";
    assert!(ended.err.contains(both), "{}", ended.err);
    let args = ["classify", "cnn1", "a.png", "--weights", &weights];
    let ended = place.scope(&args).badly(1, &["missing", "unexpected"]);
    assert!(
        ended.err.contains("conv1.weight: expected"),
        "{}",
        ended.err
    );
    fs::write(place.path("weights.pth"), "<html>").unwrap();
    let args = ["classify", "cnn1", "a.png", "--weights", "weights.pth"];
    place.scope(&args).badly(1, &["weights.pth", "web page"]);
}

#[test]
fn without_weights_it_is_said_how_to_get_them() {
    let place = Place::new();
    place.photo("a.png", 30, 30);
    let ended = place.scope(&["classify", "squeezenet1_0", "a.png", "--offline"]);
    let ended = ended.badly(1, &["cargo course fetch squeezenet1_0", "--weights"]);
    let errors = ended
        .err
        .lines()
        .skip_while(|line| !line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", ended.err);
    // A photo that is not there is found before anything is fetched for it.
    let ended = place.scope(&["classify", "squeezenet1_0", "missing.png"]);
    assert!(!ended.err.contains("fetching"), "{}", ended.err);
    ended.badly(1, &["missing.png"]);
    // A model that there is not comes before a photo that there is not.
    let ended = place.scope(&["classify", "squeezenet", "missing.png"]);
    ended.badly(1, &["squeezenet", "squeezenet1_0"]);
    let ended = place.scope(&["classify", "zfnet", "a.png", "--offline"]);
    ended.badly(1, &["no published weights", "zfnet", "--random-weights"]);
    let ended = place.scope(&[
        "classify",
        "squeezenet1_0",
        "a.png",
        "--offline",
        "--size",
        "64",
    ]);
    ended.badly(1, &["--size", "--weights"]);
}

#[test]
fn random_weights_are_said_loudly_and_follow_from_their_seed() {
    let place = Place::new();
    place.photo("a.png", 30, 30);
    let run = |seed: &str| {
        let mut args = vec!["classify", "cnn1", "a.png", "--json", "--random-weights"];
        args.extend(["--seed", seed]);
        place.scope(&args).well()
    };
    let one = run("1");
    assert!(
        one.err.contains("warning: random weights (seed 1)"),
        "{}",
        one.err
    );
    assert_eq!(one.out, run("1").out);
    assert_ne!(one.out, run("2").out);
}

#[test]
fn labels_and_preprocessing_may_be_a_users_own() {
    let place = Place::new();
    place.photo("a.png", 28, 28);
    let weights = fixture("cnn2.pth");
    let run = |more: &[&str]| {
        let args = [
            &["classify", "cnn2", "a.png", "--weights", &weights, "--json"],
            more,
        ];
        place.scope(&args.concat())
    };
    let usual = run(&[]).well().json();
    let names: Vec<String> = (0..10).map(|i| format!("n0000000{i} name {i}")).collect();
    fs::write(place.path("names.txt"), names.join("\n")).unwrap();
    let named = run(&["--labels", "names.txt"]).well().json();
    let index = &named[0]["top"][0]["index"];
    assert_eq!(named[0]["top"][0]["label"], format!("name {index}"));
    run(&["--labels", "nowhere.txt"]).badly(1, &["nowhere.txt", "imagenet"]);
    fs::write(place.path("two.txt"), "a\nb\n").unwrap();
    run(&["--labels", "two.txt"]).badly(1, &["2 class names", "[10]"]);

    let mine = "resize = { exact = [28, 28] }\ninterpolation = \"nearest\"\nchannels = \"grey\"\n\
                range = \"unit\"\nmean = [0.5]\nstd = [0.5]\n";
    fs::write(place.path("mine.toml"), mine).unwrap();
    let other = run(&["--preprocessing", "mine.toml"]).well().json();
    assert_ne!(
        other[0]["top"][0]["probability"],
        usual[0]["top"][0]["probability"]
    );
    assert_eq!(run(&["--preprocessing", "mnist"]).well().json(), usual);
    run(&["--preprocessing", "imagined"]).badly(1, &["imagined", "torchvision"]);
    fs::write(place.path("bad.toml"), "resize = 3").unwrap();
    run(&["--preprocessing", "bad.toml"]).badly(1, &["bad.toml"]);
    // Three channels for a network of one.
    run(&["--preprocessing", "cifar10"]).badly(1, &["a.png", "[batch, 1, 28, 28]"]);
}

/// The photographs and weights are on a mirror, which `CONVSCOPE_MIRROR` names.
#[test]
fn a_parrot_is_a_macaw_with_published_weights() {
    let photo = std::env::var_os("CONVSCOPE_MIRROR")
        .map(|mirror| Path::new(&mirror).join("photos/parrot.jpg"))
        .filter(|photo| photo.exists());
    let Some(photo) = photo else {
        println!("skipped: CONVSCOPE_MIRROR names no folder with photos/parrot.jpg in it");
        return;
    };
    let place = Place::new();
    let photo = photo.display().to_string();
    let mut command = place.command(&["classify", "squeezenet1_0", &photo, "--json", "--offline"]);
    command.env(
        "CONVSCOPE_MIRROR",
        std::env::var_os("CONVSCOPE_MIRROR").unwrap(),
    );
    let ended = Ended::of(command.output().unwrap()).well();
    assert_eq!(ended.json()[0]["top"][0]["label"], "macaw", "{}", ended.err);
}
