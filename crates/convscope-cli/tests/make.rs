//! The commands that show layers, make images and look at folders of photos.

mod common;

use common::{Ended, Place, small};
use convscope_nn::Tensor;
use convscope_weights::Weights;
use std::fs;

/// A folder with `net.onnx`, `photo.png` and `photos/` with eight photos in two folders.
fn place() -> Place {
    let place = Place::new();
    convscope_onnx::write(&small(3, 7), place.path("net.onnx")).unwrap();
    place.photo("photo.png", 24, 20);
    for class in ["one", "two"] {
        fs::create_dir_all(place.path(&format!("photos/{class}"))).unwrap();
    }
    for i in 0..8 {
        let class = if i % 2 == 0 { "one" } else { "two" };
        place.photo(&format!("photos/{class}/p{i}.png"), 16 + 2 * i, 20);
    }
    place
}

fn array(place: &Place, name: &str) -> Tensor {
    let weights = Weights::read(place.path(name)).unwrap();
    weights.iter().next().unwrap().1.clone()
}

fn provenance(place: &Place, name: &str) -> serde_json::Value {
    let text = fs::read_to_string(place.path(&format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn run(place: &Place, line: &str) -> Ended {
    let args: Vec<&str> = line.split_whitespace().collect();
    place.scope(&args)
}

/// A picture that is not empty, with its provenance.
#[track_caller]
fn picture(place: &Place, name: &str) {
    let picture = image::open(place.path(name)).unwrap().to_rgb8();
    let first = *picture.get_pixel(0, 0);
    assert!(picture.pixels().any(|p| *p != first), "{name} is empty");
    let json = provenance(place, name);
    assert!(json["method"].is_string(), "{json}");
}

#[test]
fn filters_and_activations_are_tiles_and_raw_numbers() {
    let place = place();
    let out = run(&place, "filters net.onnx -o f.png --raw f.npy")
        .well()
        .out;
    assert!(
        out.contains("conv1: 6 filters of 3x3 over 3 channels"),
        "{out}"
    );
    picture(&place, "f.png");
    assert_eq!(array(&place, "f.npy").shape(), [6, 3, 3, 3]);
    run(
        &place,
        "filters net.onnx --layer conv2 --scale each --rows 4 -o g.png",
    )
    .well();
    picture(&place, "g.png");
    run(&place, "filters net.onnx --layer relu1 -o g.png").badly(1, &["relu1", "Relu"]);
    run(&place, "filters net.onnx --layer conv9").badly(1, &["conv9", "conv1"]);

    let out = run(&place, "activations net.onnx photo.png").well().out;
    for word in ["relu1", "fc", "mean", "spread"] {
        assert!(out.contains(word), "{out}");
    }
    let shown = "activations net.onnx photo.png --layer relu2 -o a.png --raw a.npy";
    run(&place, shown).well();
    picture(&place, "a.png");
    let raw = array(&place, "a.npy");
    assert_eq!(raw.shape(), [1, 8, 8, 8]);
    assert!(raw.iter().all(|&v| v >= 0.0) && raw.iter().any(|&v| v > 0.0));
    run(
        &place,
        "activations net.onnx photo.png --layer fc --each -o v.png",
    )
    .well();
    picture(&place, "v.png");
    run(&place, "activations net.onnx photo.png -o a.png").badly(1, &["--layer"]);
}

#[test]
fn the_patches_that_excite_channels_most_come_with_their_values() {
    let place = place();
    let line = "patches net.onnx photos --layer relu2 --channel 0,2-3 --top 3 -o p.png";
    run(&place, line).well();
    picture(&place, "p.png");
    let json = provenance(&place, "p.png");
    let listed = json["figures"]["patches"].as_array().unwrap();
    assert_eq!(listed.len(), 9);
    for three in listed.chunks(3) {
        let values: Vec<f64> = three.iter().map(|p| p["value"].as_f64().unwrap()).collect();
        assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
        let mut images: Vec<_> = three.iter().map(|p| p["image"].to_string()).collect();
        images.dedup();
        assert_eq!(images.len(), 3, "one patch of a photo at most");
    }
    run(&place, "patches net.onnx photos --layer relu2 --channel 8").badly(1, &["8", "0 to 7"]);
    run(&place, "patches net.onnx gone --layer relu2").badly(1, &["gone"]);
    fs::create_dir(place.path("empty")).unwrap();
    run(&place, "patches net.onnx empty --layer relu2").badly(1, &["empty", "no photo"]);
    let ended = run(
        &place,
        "patches net.onnx photos --layer relu2 --max-evals 0 -o z.png",
    );
    assert!(ended.well().err.contains("budget"));
}

#[test]
fn images_are_made_that_excite_channels_units_and_classes() {
    let place = place();
    let line = "maximize net.onnx --layer relu2 --channel 0-2 --steps 8 -o m.png --raw m.npy";
    run(&place, &format!("{line} --frames m.gif")).well();
    picture(&place, "m.png");
    let made = array(&place, "m.npy");
    assert_eq!(made.shape(), [3, 3, 16, 16]);
    assert!(
        fs::read(place.path("m.gif"))
            .unwrap()
            .starts_with(b"GIF89a")
    );
    assert!(place.path("m.gif.json").exists());
    run(&place, line).well();
    assert_eq!(array(&place, "m.npy"), made, "equal seeds, equal bits");
    run(&place, &format!("{line} --seed 5")).well();
    assert_ne!(array(&place, "m.npy"), made);
    let line = "maximize net.onnx --class 1 --preset lucid --steps 4 --image-size 32 -o k.png";
    // A dense layer behind it holds the image to its size.
    run(&place, line).badly(1, &["32"]);
    run(
        &place,
        "maximize net.onnx --class 1,3 --steps 4 -o k.png --frames k.html",
    )
    .well();
    let page = fs::read_to_string(place.path("k.html")).unwrap();
    assert!(page.contains("data:image/png;base64,") && !page.contains("http"));
    run(
        &place,
        "maximize net.onnx --layer relu2 --unit 1,2,3 --steps 4 -o u.png",
    )
    .well();
    picture(&place, "u.png");

    run(&place, "maximize net.onnx --class 1 --preset lucidd").badly(1, &["lucidd", "lucid"]);
    run(&place, "maximize net.onnx --class 9").badly(1, &["9", "0 to 3"]);
    run(&place, "maximize net.onnx --layer relu2 --channel 8").badly(1, &["8", "0 to 7"]);
    run(&place, "maximize net.onnx").badly(1, &["--class", "--layer"]);
    run(&place, "maximize net.onnx --class 1 --channel 3").badly(2, &[]);
    let ended = run(&place, "maximize net.onnx --class 1 --max-evals 0 -o z.png");
    assert!(ended.well().err.contains("budget"));
}

#[test]
fn dreams_grow_out_of_a_photo_out_of_noise_and_into_a_zoom() {
    let place = place();
    let line = "dream net.onnx photo.png --layer relu2 --side 40 --octaves 2 --steps 3 -o d.png";
    run(&place, &format!("{line} --raw d.npy --frames d.html")).well();
    picture(&place, "d.png");
    // The photo's proportions: 24 to 20.
    assert_eq!(array(&place, "d.npy").shape(), [1, 3, 40, 33]);
    run(&place, &format!("{line} --guide photos/one/p0.png")).well();
    run(&place, &format!("{line} --zoom 3 --frames z.gif")).well();
    assert!(place.path("z.gif").exists());
    let keras = "dream net.onnx photo.png --layer relu1=0.5,relu2=2 --preset keras_deepdream";
    run(&place, &format!("{keras} --side 32 --steps 2 -o e.png")).well();
    picture(&place, "e.png");
    let ended = run(
        &place,
        &format!("{keras} --side 32 --steps 2 --limit 0 -o e.png"),
    )
    .well();
    assert!(ended.err.contains("limit of 0"), "{}", ended.err);
    let noise = "dream net.onnx --layer relu2 --side 24 --octaves 1 --steps 2 -o n.png";
    run(&place, noise).well();
    picture(&place, "n.png");
    run(&place, "dream net.onnx gone.png --layer relu2").badly(1, &["gone.png"]);
    run(&place, "dream net.onnx photo.png --layer relu9").badly(1, &["relu9", "relu2"]);
    run(&place, "dream net.onnx photo.png --layer relu2=x").badly(1, &["relu2=x", "number"]);
    run(&place, "dream net.onnx photo.png").badly(2, &[]);
}

#[test]
fn layers_are_inverted_from_several_starts() {
    let place = place();
    let line = "invert net.onnx photo.png --layer relu1 --starts 2 --steps 30 -o i.png --raw i.npy";
    let out = run(&place, line).well().out;
    picture(&place, "i.png");
    assert_eq!(array(&place, "i.npy").shape(), [2, 3, 16, 16]);
    for line in out.lines() {
        let loss: f64 = line.strip_prefix("relu1: ").unwrap().parse().unwrap();
        assert!((0.0..0.5).contains(&loss), "{out}");
    }
    run(
        &place,
        "invert net.onnx photo.png --layer relu1,relu2 --steps 4 -o j.png",
    )
    .well();
    picture(&place, "j.png");
    run(
        &place,
        "invert net.onnx photo.png --layer relu1,relu2 --raw j.npy",
    )
    .badly(1, &["one layer", "2"]);
    run(&place, "invert net.onnx photo.png --layer relu9").badly(1, &["relu9"]);
}

#[test]
fn a_network_is_fooled_in_every_way() {
    let place = place();
    for how in ["fgsm", "pgd", "minimal"] {
        let line = format!("fool net.onnx photo.png --how {how} -o f.png --raw f.npy");
        let out = run(&place, &line).well().out;
        assert!(out.contains("->") && out.contains("/255"), "{out}");
        picture(&place, "f.png");
        assert_eq!(array(&place, "f.npy").shape(), [1, 3, 16, 16]);
    }
    let line = "fool net.onnx photo.png --how pgd --epsilon 0.5 --steps 40 --target";
    for class in ["1", "2"] {
        let out = run(&place, &format!("{line} {class} -o t.png")).well().out;
        assert!(out.contains(&format!("({class})")), "{out}");
    }
    let line = "fool net.onnx --how gradient --target 0,3 --steps 20 -o g.png --curve g.svg";
    run(&place, line).well();
    picture(&place, "g.png");
    assert!(
        fs::read_to_string(place.path("g.svg"))
            .unwrap()
            .contains("<svg")
    );
    let line = "fool net.onnx --how evolution --evaluations 128 -o e.png --raw e.npy";
    let out = run(&place, line).well().out;
    assert_eq!(out.lines().count(), 4, "{out}");
    assert_eq!(array(&place, "e.npy").shape(), [4, 3, 16, 16]);
    let ended = run(
        &place,
        "fool net.onnx --how evolution --evaluations 0 -o z.png",
    )
    .well();
    assert!(ended.err.contains("budget"), "{}", ended.err);

    run(&place, "fool net.onnx --how fgsm").badly(1, &["photo"]);
    run(&place, "fool net.onnx photo.png --how gradient --target 1").badly(1, &["noise"]);
    run(&place, "fool net.onnx --how gradient").badly(1, &["--target"]);
    run(&place, "fool net.onnx photo.png --how fgsm --norm two").badly(1, &["--norm", "Pgd"]);
    run(&place, "fool net.onnx photo.png --how fgsm --target 7").badly(1, &["7", "0 to 3"]);
    run(&place, "fool net.onnx photo.png --how fgsm --epsilon -1").badly(2, &[]);
}

#[test]
fn photos_have_neighbours_and_a_map() {
    let place = place();
    let line = "neighbours net.onnx photos --query p2,p5 --top 3 --layer relu2 -o n.png";
    let out = run(&place, line).well().out;
    assert_eq!(out.lines().count(), 4, "{out}");
    assert!(
        out.contains("p2 by pixels: p") && out.contains("p5 by features: p"),
        "{out}"
    );
    picture(&place, "n.png");
    run(&place, "neighbours net.onnx photos --query p22").badly(1, &["p22", "p2"]);
    run(&place, "neighbours net.onnx photos --top 9").badly(1, &["9"]);

    for how in ["pca", "tsne"] {
        let line = format!("embed net.onnx photos --how {how} -o e.png --raw e.npy --side 300");
        let out = run(&place, &line).well().out;
        assert!(out.starts_with("trustworthiness "), "{out}");
        picture(&place, "e.png");
        let points = array(&place, "e.npy");
        assert_eq!(points.shape(), [8, 2]);
        run(&place, &line).well();
        assert_eq!(array(&place, "e.npy"), points, "equal seeds, equal bits");
    }
    run(&place, "embed net.onnx photos --how pca --steps 5").badly(1, &["--steps", "tsne"]);
    run(&place, "embed net.onnx photo.png").badly(1, &["photo.png", "folder"]);
}

#[test]
fn explanations_are_measured() {
    let place = place();
    for what in ["deletion", "insertion"] {
        let line = format!(
            "measure net.onnx photo.png --what {what} --methods saliency,grad-cam --points 8 --json \
             -o c.svg"
        );
        let json = run(&place, &line).well().json();
        let maps: Vec<&str> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["map"].as_str().unwrap())
            .collect();
        assert_eq!(
            maps,
            ["saliency", "grad-cam", "random map", "blob in the middle"]
        );
        for map in json.as_array().unwrap() {
            assert!(
                (0.0..=1.0).contains(&map["area"].as_f64().unwrap()),
                "{map}"
            );
        }
        let svg = fs::read_to_string(place.path("c.svg")).unwrap();
        assert!(svg.contains("grad-cam (") && svg.contains("share of pixels"));
    }
    let line = "measure net.onnx photo.png --what sensitivity --methods saliency --neighbours 3";
    let out = run(&place, line).well().out;
    assert!(
        out.contains("sensitivity-max") && out.contains("saliency"),
        "{out}"
    );
    // The number does not depend on whether its curve is drawn.
    let drawn = run(&place, &format!("{line} -o s.svg")).well().out;
    let said = |out: &str| {
        out.lines()
            .find(|l| l.contains("saliency"))
            .map(str::to_owned)
    };
    assert_eq!(said(&drawn), said(&out));
    let svg = fs::read_to_string(place.path("s.svg")).unwrap();
    assert!(svg.contains("radius"), "{svg}");
    let line = "measure net.onnx photo.png --what drop --methods grad-cam -o d.png --json";
    let json = run(&place, line).well().json();
    for map in json.as_array().unwrap() {
        let (before, after) = (
            map["before"].as_f64().unwrap(),
            map["after"].as_f64().unwrap(),
        );
        let lost = ((before - after) / before).max(0.0);
        assert!((map["drop"].as_f64().unwrap() - lost).abs() < 1e-5, "{map}");
    }
    assert_eq!(json.as_array().unwrap().len(), 3);
    picture(&place, "d.png");
    let line = "measure net.onnx photo.png --what randomisation --methods saliency -o r.png --json";
    let json = run(&place, line).well().json();
    let from: Vec<&str> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["from"].as_str().unwrap())
        .collect();
    assert_eq!(from, ["fc", "conv2", "conv1"]);
    picture(&place, "r.png");
    run(
        &place,
        "measure net.onnx photo.png --what deletion --methods nothing",
    )
    .badly(1, &["nothing"]);
    run(
        &place,
        "measure net.onnx photo.png --what sensitivity -o s.png",
    )
    .badly(1, &[".svg"]);
    run(
        &place,
        "measure net.onnx photo.png --what drop --layer conv2 --unit 1",
    )
    .badly(1, &["--unit"]);
    run(
        &place,
        "measure net.onnx photo.png --what deletion -o s.png",
    )
    .badly(1, &[".svg"]);
    run(
        &place,
        "measure net.onnx photo.png --what deletion --layer conv2 --unit 1",
    )
    .badly(1, &["--unit"]);
}
