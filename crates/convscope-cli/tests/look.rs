//! The commands that look inside a network, on one with weights from a file and on ONNX.

mod common;

use common::{Place, fixture, small};
use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Softmax, Tensor};
use convscope_vis::render::npy;
use convscope_vis::{Target, saliency};
use convscope_weights::Weights;
use std::fs;

const METHODS: [&str; 10] = [
    "saliency",
    "input-x-gradient",
    "smoothgrad",
    "integrated-gradients",
    "guided-backprop",
    "deconvnet",
    "grad-cam",
    "guided-grad-cam",
    "occlusion",
    "lime",
];

/// A folder with `net.onnx` over `channels`, `photo.png` and an array `x.npy` `[C, 16, 16]`.
fn place(channels: usize) -> (Place, Tensor) {
    let place = Place::new();
    convscope_onnx::write(&small(channels, 7), place.path("net.onnx")).unwrap();
    place.photo("photo.png", 24, 20);
    let mut next = 0.3_f32;
    let x = Tensor::from_shape_simple_fn(vec![channels, 16, 16], || {
        next += 0.37;
        next.sin()
    });
    fs::write(place.path("x.npy"), npy(&x)).unwrap();
    (place, x)
}

fn array(place: &Place, name: &str) -> Tensor {
    let weights = Weights::read(place.path(name)).unwrap();
    weights.iter().next().unwrap().1.clone()
}

fn provenance(place: &Place, name: &str) -> serde_json::Value {
    let text = fs::read_to_string(place.path(&format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A picture is there, of at least this size, with where it comes from beside it.
#[track_caller]
fn picture(place: &Place, name: &str, least: u32) -> image::RgbImage {
    let picture = image::open(place.path(name)).unwrap().to_rgb8();
    let (w, h) = picture.dimensions();
    assert!(w >= least && h >= least, "{name}: {w}x{h}");
    let first = *picture.get_pixel(0, 0);
    assert!(picture.pixels().any(|p| *p != first), "{name} is empty");
    assert!(provenance(place, name)["method"].is_string());
    picture
}

#[test]
fn every_method_explains_a_photo_and_writes_its_raw_numbers() {
    let (place, _) = place(3);
    for method in METHODS {
        let args = ["explain", "net.onnx", "photo.png", "--method", method];
        let mut args = args.to_vec();
        args.extend(["-o", "map.png", "--raw", "map.npy", "--target", "2"]);
        match method {
            "smoothgrad" => args.extend(["--samples", "3"]),
            "lime" => args.extend(["--samples", "40", "--superpixels", "grid"]),
            "occlusion" => args.extend(["--window", "4", "--stride", "2"]),
            _ => {}
        }
        let ended = place.scope(&args).well();
        assert!(ended.out.starts_with(method), "{}", ended.out);
        picture(&place, "map.png", 200);
        let raw = array(&place, "map.npy");
        let expected: &[usize] = match method {
            "grad-cam" => &[1, 1, 8, 8],
            "occlusion" | "lime" => &[1, 1, 16, 16],
            _ => &[1, 3, 16, 16],
        };
        assert_eq!(raw.shape(), expected, "{method}");
        assert!(raw.iter().all(|v| v.is_finite()), "{method}");
        assert!(raw.iter().any(|&v| v != 0.0), "{method}");
        let json = provenance(&place, "map.npy");
        assert_eq!(json["model"], "net");
        assert!(json["source"].as_str().unwrap().len() > 5);
    }
}

#[test]
fn a_network_of_the_zoo_is_explained_with_weights_from_a_file_and_at_random() {
    let place = Place::new();
    place.photo("a.png", 40, 40);
    let weights = fixture("resnet20.pth");
    let usual = ["explain", "resnet20", "a.png", "--method", "saliency"];
    let run = |more: &[&str]| {
        let args = [&usual[..], &["--raw", "a.npy"], more].concat();
        place.scope(&args).well();
        array(&place, "a.npy")
    };
    let one = run(&["--weights", &weights]);
    assert_eq!(one, run(&["--weights", &weights]));
    assert_ne!(one, run(&["--weights", &weights, "--target", "truck"]));
    let drawn = run(&["--random-weights", "--seed", "3"]);
    assert_eq!(drawn, run(&["--random-weights", "--seed", "3"]));
    assert_ne!(drawn, run(&["--random-weights", "--seed", "4"]));
    // Without -o the picture is named after image and method.
    picture(&place, "a.saliency.png", 200);
}

#[test]
fn an_array_goes_in_as_it_is_and_comes_out_as_the_library_has_it() {
    for channels in [1, 3, 5] {
        let (place, x) = place(channels);
        let args = [
            "explain",
            "net.onnx",
            "x.npy",
            "--no-preprocess",
            "--method",
            "saliency",
        ];
        let args = [
            &args[..],
            &["--target", "1", "--raw", "y.npy", "-o", "y.png"],
        ]
        .concat();
        place.scope(&args).well();
        let batch = x.clone().insert_axis(ndarray::Axis(0));
        let expected = saliency(&small(channels, 7), &batch, &Target::Class(1)).unwrap();
        let found = array(&place, "y.npy");
        assert_eq!(found.shape(), [channels, 16, 16]);
        for (a, b) in found.iter().zip(&expected.values) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        // With a batch axis of its own it keeps it.
        fs::write(place.path("x.npy"), npy(&batch)).unwrap();
        place.scope(&args).well();
        assert_eq!(array(&place, "y.npy").shape(), [1, channels, 16, 16]);
        picture(&place, "y.png", 200);
    }
}

#[test]
fn a_unit_inside_the_network_can_be_explained() {
    let (place, x) = place(3);
    let run = |method: &str, unit: &str| {
        let args = [
            "explain",
            "net.onnx",
            "x.npy",
            "--no-preprocess",
            "--method",
            method,
        ];
        let more = [
            "--layer", "conv2", "--unit", unit, "--raw", "u.npy", "-o", "u.png",
        ];
        place.scope(&[&args[..], &more].concat()).well();
        array(&place, "u.npy")
    };
    let map = run("saliency", "3,4,4");
    // Unit (4, 4) behind a 3x3, a 2x2 pooling and a 3x3 sees 8 pixels from 5 on.
    for ((_, y, x), v) in map
        .into_dimensionality::<ndarray::Ix3>()
        .unwrap()
        .indexed_iter()
    {
        let seen = (5..13).contains(&y) && (5..13).contains(&x);
        assert!(seen || *v == 0.0, "({y}, {x})");
    }
    assert!(run("occlusion", "3").iter().any(|&v| v != 0.0));
    assert_eq!(x.shape(), [3, 16, 16]);
}

#[test]
fn a_class_is_named_by_its_number_its_name_or_a_part_of_it() {
    let place = Place::new();
    place.photo("a.png", 32, 32);
    let weights = fixture("resnet20.pth");
    let run = |target: &str| {
        let args = [
            "explain", "resnet20", "a.png", "--method", "saliency", "-o", "b.png",
        ];
        place.scope(&[&args[..], &["--weights", &weights, "--target", target]].concat())
    };
    for (words, class) in [
        ("8", "ship (8)"),
        ("ship", "ship (8)"),
        ("AUTO", "automobile (1)"),
    ] {
        let out = run(words).well().out;
        assert!(out.contains(class), "{out}");
    }
    assert!(run("top").well().out.contains(" = "));
    run("10").badly(1, &["10", "0 to 9"]);
    run("shipp").badly(1, &["shipp", "\"ship\""]);
    run("e").badly(1, &["part of", "number"]);
}

#[test]
fn what_cannot_be_explained_is_said_in_one_line() {
    let (place, _) = place(3);
    fs::write(place.path("file"), "").unwrap();
    let explain = |more: &[&str]| {
        let args = [&["explain", "net.onnx", "photo.png"], more].concat();
        place.scope(&args)
    };
    let wrong: [(&[&str], &[&str]); 16] = [
        (&["--method", "salience"], &["salience", "saliency"]),
        (
            &["--method", "grad-cam", "--layer", "conv3"],
            &["conv3", "\"conv2\""],
        ),
        (
            &["--method", "grad-cam", "--layer", "fc"],
            &["fc", "feature maps"],
        ),
        (&["--method", "saliency", "--layer", "conv2"], &["--unit"]),
        (
            &["--method", "saliency", "--layer", "conv2", "--unit", "8"],
            &["8", "0 to 7"],
        ),
        (
            &[
                "--method", "saliency", "--layer", "conv2", "--unit", "1,8,0",
            ],
            &["1,8,0", "rows 0 to 7"],
        ),
        (
            &["--method", "saliency", "--layer", "fc", "--unit", "1,2,3"],
            &["1,2,3", "one number"],
        ),
        (&["--method", "saliency", "--target", "4"], &["4", "0 to 3"]),
        (&["--method", "occlusion", "--window", "17"], &["17", "16"]),
        (
            &["--method", "saliency", "--window", "3"],
            &["--window", "occlusion"],
        ),
        (
            &["--method", "smoothgrad", "--samples", "0"],
            &["at least 1", "0"],
        ),
        (
            &["--method", "integrated-gradients", "--steps", "0"],
            &["at least 1"],
        ),
        (
            &["--method", "saliency", "-o", "nowhere/map.png"],
            &["nowhere", "not there"],
        ),
        (
            &["--method", "saliency", "-o", "file/map.png"],
            &["file", "no folder"],
        ),
        (
            &["--method", "saliency", "-o", "map.gif"],
            &["map.gif", ".png"],
        ),
        (
            &["--method", "saliency", "--no-preprocess"],
            &["--no-preprocess", "photo.png"],
        ),
    ];
    for (more, parts) in wrong {
        let ended = explain(more).badly(1, parts);
        let lines = ended.err.lines().filter(|l| l.starts_with("error")).count();
        assert_eq!(lines, 1, "{}", ended.err);
    }
    let scope = |args: &[&str]| place.scope(args);
    scope(&["explain", "net.onnx", "x.npy", "--method", "saliency"])
        .badly(1, &["x.npy", "--no-preprocess"]);
    scope(&["explain", "net.onnx", "gone.png", "--method", "saliency"]).badly(1, &["gone.png"]);
    scope(&["explain", "gone.onnx", "photo.png", "--method", "saliency"]).badly(1, &["gone.onnx"]);
    // A model that there is not comes before an image that there is not.
    scope(&["explain", "squeezenet", "gone.png", "--method", "saliency"])
        .badly(1, &["squeezenet", "squeezenet1_0"]);
    scope(&[
        "explain",
        "net.onnx",
        "photo.png",
        "--method",
        "saliency",
        "--unit",
        "3",
    ])
    .badly(2, &[]);
    fs::write(place.path("odd.npy"), npy(&Tensor::zeros(vec![3, 9, 9]))).unwrap();
    scope(&[
        "explain",
        "net.onnx",
        "odd.npy",
        "--no-preprocess",
        "--method",
        "saliency",
    ])
    .badly(1, &["odd.npy", "[3, 16, 16]", "[3, 9, 9]"]);
    assert!(
        !place.path("photo.saliency.png").exists(),
        "nothing was written"
    );
}

#[test]
fn a_budget_of_zero_and_a_gradient_of_zero_give_a_flagged_map_of_zeros() {
    let (place, _) = place(3);
    for method in ["occlusion", "lime", "smoothgrad", "integrated-gradients"] {
        let args = ["explain", "net.onnx", "photo.png", "--method", method];
        let more = ["--max-evals", "0", "--raw", "z.npy", "-o", "z.png"];
        let ended = place.scope(&[&args[..], &more].concat()).well();
        assert!(ended.err.contains("budget"), "{method}: {}", ended.err);
        assert!(array(&place, "z.npy").iter().all(|&v| v == 0.0), "{method}");
    }
    // Behind a ReLU that lets nothing through.
    let mut net = small(3, 7);
    let bias = Tensor::from_elem(vec![8], -1e6);
    net.set_parameter("conv2.bias", bias).unwrap();
    convscope_onnx::write(&net, place.path("dead.onnx")).unwrap();
    let args = ["explain", "dead.onnx", "photo.png", "--method", "saliency"];
    let ended = place
        .scope(&[&args[..], &["--raw", "z.npy", "-o", "z.png"]].concat())
        .well();
    assert!(ended.err.contains("zero in every place"), "{}", ended.err);
    // A constant image is no reason to fail.
    fs::write(place.path("flat.npy"), npy(&Tensor::ones(vec![3, 16, 16]))).unwrap();
    for method in METHODS {
        let args = [
            "explain",
            "net.onnx",
            "flat.npy",
            "--no-preprocess",
            "--method",
            method,
        ];
        let mut args = args.to_vec();
        args.extend(["--raw", "z.npy", "-o", "z.png"]);
        if method == "lime" || method == "smoothgrad" {
            args.extend(["--samples", "20"]);
        }
        place.scope(&args).well();
        assert!(
            array(&place, "z.npy").iter().all(|v| v.is_finite()),
            "{method}"
        );
    }
}

#[test]
fn a_closing_softmax_does_not_change_what_is_explained() {
    let (place, _) = place(3);
    let net = || {
        Network::input([3, 16, 16])
            .add("conv1", Conv2d::new(6, 3).same())
            .add("relu1", Relu)
            .add("flatten", Flatten)
            .add("fc", Linear::new(4))
    };
    let plain = net().build(5).unwrap();
    let closed = net().add("softmax", Softmax).build(5).unwrap();
    convscope_onnx::write(&plain, place.path("plain.onnx")).unwrap();
    convscope_onnx::write(&closed, place.path("closed.onnx")).unwrap();
    for method in ["saliency", "occlusion", "lime"] {
        let run = |model: &str| {
            let args = [
                "explain",
                model,
                "photo.png",
                "--method",
                method,
                "--target",
                "1",
            ];
            let mut args = args.to_vec();
            args.extend(["--raw", "s.npy", "-o", "s.png"]);
            if method == "lime" {
                args.extend(["--samples", "30", "--superpixels", "grid"]);
            }
            place.scope(&args).well();
            array(&place, "s.npy")
        };
        let (a, b) = (run("plain.onnx"), run("closed.onnx"));
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-5, "{method}: {a} {b}");
        }
    }
}

#[test]
fn several_methods_and_images_stand_on_one_sheet() {
    let (place, _) = place(3);
    place.photo("other.png", 30, 16);
    fs::create_dir(place.path("raw")).unwrap();
    let args = [
        "compare",
        "net.onnx",
        "photo.png",
        "other.png",
        "-o",
        "sheet.png",
    ];
    let more = [
        "--methods",
        "saliency,grad-cam,occlusion",
        "--raw-into",
        "raw",
        "--side",
        "64",
    ];
    place.scope(&[&args[..], &more].concat()).well();
    let sheet = picture(&place, "sheet.png", 128);
    // A photo and three maps of 64 pixels, and two rows.
    assert!(sheet.width() > 4 * 64 && sheet.height() > 2 * 64);
    let json = provenance(&place, "sheet.png");
    assert_eq!(json["settings"]["maps"].as_array().unwrap().len(), 6);
    for name in ["photo.saliency", "other.occlusion"] {
        assert!(place.path(&format!("raw/{name}.npy")).exists(), "{name}");
    }
    let args = ["compare", "net.onnx", "photo.png", "--methods", "grad-cam"];
    let layers = [
        "--layers",
        "relu1,relu2",
        "-o",
        "layers.png",
        "--scale",
        "row",
    ];
    place.scope(&[&args[..], &layers].concat()).well();
    picture(&place, "layers.png", 200);
    place
        .scope(&[&args[..], &["--layers", "relu1,relu3"]].concat())
        .badly(1, &["relu3", "relu1"]);
}

/// The photographs and weights are on a mirror, which `CONVSCOPE_MIRROR` names.
#[test]
fn a_flamingo_is_explained_on_published_weights() {
    let mirror = std::env::var_os("CONVSCOPE_MIRROR");
    let photo = mirror
        .as_ref()
        .map(|m| std::path::Path::new(m).join("photos/flamingo.jpg"));
    let (Some(mirror), Some(photo)) = (mirror, photo.filter(|p| p.exists())) else {
        println!("skipped: CONVSCOPE_MIRROR names no folder with photos/flamingo.jpg in it");
        return;
    };
    let place = Place::new();
    let photo = photo.display().to_string();
    for method in ["saliency", "guided-backprop", "grad-cam", "guided-grad-cam"] {
        let args = [
            "explain",
            "squeezenet1_0",
            &photo,
            "--offline",
            "--method",
            method,
        ];
        let mut command = place.command(&[&args[..], &["--raw", "f.npy", "-o", "f.png"]].concat());
        command.env("CONVSCOPE_MIRROR", &mirror);
        let ended = common::Ended::of(command.output().unwrap()).well();
        assert!(ended.out.contains("flamingo (130) = "), "{}", ended.out);
        let raw = array(&place, "f.npy");
        assert_eq!(raw.shape()[0], 1);
        assert!(raw.iter().any(|&v| v != 0.0), "{method}");
    }
}
