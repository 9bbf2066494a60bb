//! `scope features`: files of features from folders, files and arrays, interrupted, resumed, refused.

mod common;

use common::{Ended, Place, small};
use convscope_nn::Tensor;
use convscope_transfer::Features;
use convscope_vis::render::npy;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

/// `net.onnx`, and a folder `kinds` of five pictures of `ant` and four of `bee`.
fn place() -> Place {
    let place = Place::new();
    convscope_onnx::write(&small(3, 7), place.path("net.onnx")).unwrap();
    fs::create_dir_all(place.path("kinds/ant")).unwrap();
    fs::create_dir_all(place.path("kinds/bee")).unwrap();
    for i in 0..9 {
        let class = if i < 5 { "ant" } else { "bee" };
        place.photo(&format!("kinds/{class}/{i}.png"), 20 + i, 24);
    }
    place
}

/// With one layer into `f.npz`.
fn features(place: &Place, data: &str, more: &[&str]) -> Ended {
    let args = [
        "features", "net.onnx", data, "--layer", "relu2", "-o", "f.npz",
    ];
    place.scope(&[&args[..], more].concat())
}

fn read(place: &Place, name: &str) -> Vec<Features> {
    Features::read(place.path(name)).unwrap()
}

#[test]
fn several_layers_of_a_folder_of_classes_go_into_one_file() {
    let place = place();
    let more = [
        "--layer",
        "conv2:max",
        "--layer",
        "conv1:2x2",
        "--layer",
        "fc",
    ];
    let ended = features(&place, "kinds", &more).well();
    assert!(
        ended.out.contains("conv1:2x2       9            24"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("images a second"), "{}", ended.err);
    let all = read(&place, "f.npz");
    let widths: Vec<_> = all.iter().map(|f| (f.node.as_str(), f.width())).collect();
    assert_eq!(
        widths,
        [("relu2", 8), ("conv2:max", 8), ("conv1:2x2", 24), ("fc", 4)]
    );
    assert_eq!(all[0].classes, ["ant", "bee"]);
    assert_eq!(all[0].labels, [0, 0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(all[0].names[5], "bee/5");
    // After the ReLU there is nothing below zero, and the largest of both are the same.
    assert!(all[0].values.iter().all(|&v| v >= 0.0));
    features(&place, "kinds", &["--pool", "max", "-o", "max.npz"]).badly(2, &[]);
    let args = [
        "features", "net.onnx", "kinds", "--layer", "relu2", "--pool", "max",
    ];
    place
        .scope(&[&args[..], &["-o", "max.npz"]].concat())
        .well();
    let largest = &read(&place, "max.npz")[0];
    assert_eq!(largest.node, "relu2:max");
    assert_eq!(largest.values, all[1].values.mapv(|v| v.max(0.0)));
    // As JSON, and at once the second time.
    let json = features(&place, "kinds", &[&more[..], &["--json"]].concat())
        .well()
        .json();
    assert_eq!((&json["images"], &json["resumed"]), (&9.into(), &9.into()));
    assert_eq!(json["layers"][2]["width"], 24);
}

#[test]
fn a_network_of_the_zoo_takes_pictures_of_another_size_before_its_dense_layers() {
    let place = place();
    let run = |layer: &str, size: &str, out: &str| {
        let args = [
            "features",
            "squeezenet1_0",
            "kinds",
            "--random-weights",
            "--layer",
            layer,
        ];
        place.scope(&[&args[..], &["--size", size, "-o", out, "--pool", "flat"]].concat())
    };
    run("features.5", "64", "a.npz").well();
    run("features.5", "48x80", "b.npz").well();
    // 64 to 29 by 7x7 at stride 2, to 14 and 7 by the poolings; 256 channels. The second pooling is
    // features.6, so there are 14 x 14.
    assert_eq!(read(&place, "a.npz")[0].width(), 256 * 14 * 14);
    let wide = read(&place, "b.npz")[0].width();
    assert!(
        wide > 0 && wide.is_multiple_of(256) && wide != 256 * 14 * 14,
        "{wide}"
    );
    let args = [
        "features",
        "lenet5",
        "kinds",
        "--random-weights",
        "--layer",
        "f6",
    ];
    let ended = place.scope(&[&args[..], &["--size", "64", "-o", "c.npz"]].concat());
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
}

#[test]
fn photos_lists_records_and_arrays_have_features_too() {
    let place = place();
    let run = |data: &[&str], out: &str, more: &[&str]| {
        let args = [
            &["features", "net.onnx"],
            data,
            &["--layer", "relu2", "-o", out],
            more,
        ];
        place.scope(&args.concat()).well();
        read(&place, out).remove(0)
    };
    let whole = run(&["kinds"], "whole.npz", &[]);
    let loose = run(&["kinds/bee"], "loose.npz", &[]);
    assert_eq!(
        (loose.len(), &loose.classes[..]),
        (4, &["unlabelled".to_owned()][..])
    );
    assert!(
        loose
            .values
            .abs_diff_eq(&whole.values.slice(ndarray::s![5.., ..]), 1e-6)
    );
    let all = run(&["kinds"], "all.npz", &["--unlabelled"]);
    assert_eq!((all.len(), all.classes.len()), (9, 1));
    let two = run(&["kinds/ant/3.png", "kinds/bee/5.png"], "two.npz", &[]);
    assert_eq!(two.names[1], "kinds/bee/5.png");
    assert!(
        two.values
            .abs_diff_eq(&whole.values.select(ndarray::Axis(0), &[3, 5]), 1e-6)
    );
    fs::write(
        place.path("kinds/list.txt"),
        "# two\nant/3.png\n\nbee/5.png\n",
    )
    .unwrap();
    assert!(
        run(&["kinds/list.txt"], "list.npz", &[])
            .values
            .abs_diff_eq(&two.values, 1e-6)
    );
    // CIFAR-10's format.
    let records: Vec<u8> = (0..5 * 3073)
        .map(|i| {
            if i % 3073 == 0 {
                (i / 3073) as u8
            } else {
                (i * 37 % 251) as u8
            }
        })
        .collect();
    fs::write(place.path("images.bin"), records).unwrap();
    let cifar = run(&["images.bin"], "cifar.npz", &[]);
    assert_eq!(
        (&cifar.labels[..], cifar.classes[3].as_str()),
        (&[0, 1, 2, 3, 4][..], "cat")
    );
    // Arrays go in as they are.
    let x = Tensor::from_shape_fn(vec![3, 3, 16, 16], |i| {
        ((i[0] * 97 + i[2] * 7 + i[3]) as f32).sin()
    });
    fs::write(place.path("x.npy"), npy(&x)).unwrap();
    let array = run(
        &["x.npy"],
        "array.npz",
        &["--no-preprocess", "--batch", "2"],
    );
    let net = convscope_onnx::read(place.path("net.onnx")).unwrap();
    let trace = net.trace(&x).unwrap();
    let map = trace.activation("relu2").unwrap();
    for ((n, c), v) in array.values.indexed_iter() {
        let mean = (0..64).map(|p| map[[n, c, p / 8, p % 8]]).sum::<f32>() / 64.0;
        assert!((v - mean).abs() < 1e-5, "{v} {mean}");
    }
    // A list of labels beside the pictures.
    let lines =
        (0..9).map(|i| format!("{}/{i}.png,{}\n", if i < 5 { "ant" } else { "bee" }, i % 3));
    fs::write(place.path("labels.csv"), lines.collect::<String>()).unwrap();
    let own = run(&["kinds"], "own.npz", &["--labelled-by", "labels.csv"]);
    assert_eq!(own.labels, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    fs::write(place.path("labels.csv"), "ant/0.png,a\nant/77.png,b\n").unwrap();
    let args = [
        "features", "net.onnx", "kinds", "--layer", "relu2", "-o", "no.npz",
    ];
    place
        .scope(&[&args[..], &["--labelled-by", "labels.csv"]].concat())
        .badly(1, &["labels.csv", "77"]);
}

#[test]
fn what_cannot_be_read_is_left_out_and_listed_or_refused() {
    let place = place();
    fs::write(place.path("kinds/bee/torn.png"), "no picture").unwrap();
    place.photo("kinds/stray.png", 20, 20);
    features(&place, "kinds", &["--strict"]).badly(1, &["stray", "no class's folder"]);
    fs::remove_file(place.path("kinds/stray.png")).unwrap();
    features(&place, "kinds", &["--strict"]).badly(1, &["torn"]);
    assert!(!place.path("f.npz").exists());
    place.photo("kinds/stray.png", 20, 20);
    // Parts that were begun otherwise do not fit.
    features(&place, "kinds", &[]).badly(1, &["f.npz.parts", "left out"]);
    fs::remove_dir_all(place.path("f.npz.parts")).unwrap();
    let ended = features(&place, "kinds", &[]).well();
    for part in ["left out stray", "bee/torn"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let found = read(&place, "f.npz").remove(0);
    assert_eq!(
        (found.len(), found.skipped[0].name.as_str()),
        (9, "bee/torn")
    );
    // Whoever is strict does not take what somebody else was content with.
    fs::remove_file(place.path("kinds/stray.png")).unwrap();
    features(&place, "kinds", &["--strict"]).badly(1, &["f.npz", "torn"]);
    assert_eq!(read(&place, "f.npz")[0].len(), 9);
    // Nothing of a class, one image of a class.
    fs::create_dir(place.path("kinds/wasp")).unwrap();
    fs::write(place.path("kinds/wasp/w.png"), "").unwrap();
    let args = [
        "features", "net.onnx", "kinds", "--layer", "relu2", "-o", "g.npz",
    ];
    let err = place.scope(&args).well().err;
    assert!(
        err.contains("none of the 1 images of class \"wasp\""),
        "{err}"
    );
    assert!(err.contains("class \"wasp\" has one image"), "{err}");
    fs::create_dir(place.path("bad")).unwrap();
    fs::write(place.path("bad/a.png"), "").unwrap();
    features(&place, "bad", &["-o", "h.npz"]).badly(2, &[]);
    let args = [
        "features", "net.onnx", "bad", "--layer", "relu2", "-o", "h.npz",
    ];
    place
        .scope(&args)
        .badly(1, &["none of 1 images could be read"]);
}

#[test]
fn what_makes_no_sense_is_said_in_one_line_and_nothing_is_written() {
    let place = place();
    fs::create_dir_all(place.path("one/only")).unwrap();
    place.photo("one/only/a.png", 20, 20);
    fs::create_dir_all(place.path("empty")).unwrap();
    fs::create_dir_all(place.path("half/a")).unwrap();
    fs::create_dir_all(place.path("half/b")).unwrap();
    place.photo("half/a/a.png", 20, 20);
    fs::write(place.path("short.bin"), [0; 100]).unwrap();
    fs::write(place.path("x.npy"), npy(&Tensor::zeros(vec![2, 3, 16, 16]))).unwrap();
    fs::write(
        place.path("odd.npy"),
        npy(&Tensor::zeros(vec![2, 5, 16, 16])),
    )
    .unwrap();
    fs::write(
        place.path("nan.npy"),
        npy(&Tensor::from_elem(vec![2, 3, 16, 16], f32::NAN)),
    )
    .unwrap();
    fs::write(place.path("list.txt"), "# nothing\n").unwrap();
    fs::write(place.path("file"), "").unwrap();
    let wrong: [(&str, &[&str], &[&str]); 26] = [
        ("gone", &[], &["gone", "no such folder or file"]),
        ("cifar100", &[], &["cifar100", "\"cifar10\""]),
        ("mnist", &["--offline"], &["mnist", "cannot be had"]),
        (
            "mnist",
            &["--part", "val"],
            &["\"val\"", "\"train\" or \"test\""],
        ),
        ("photos", &["--part", "test"], &["photos has no parts"]),
        ("kinds", &["--part", "test"], &["--part", "kinds"]),
        ("one", &[], &["one class", "only", "--unlabelled"]),
        ("half", &[], &["class \"b\"", "no picture"]),
        ("empty", &[], &["empty", "no photograph"]),
        ("short.bin", &[], &["short.bin", "100 bytes", "3073"]),
        ("x.npy", &[], &["x.npy", "--no-preprocess"]),
        ("kinds", &["--no-preprocess"], &["--no-preprocess", "kinds"]),
        ("odd.npy", &["--no-preprocess"], &["5"]),
        (
            "nan.npy",
            &["--no-preprocess"],
            &["nan.npy", "none of 2 images could be read"],
        ),
        (
            "nan.npy",
            &["--no-preprocess", "--strict"],
            &["image 0 of nan.npy", "NaN"],
        ),
        ("list.txt", &[], &["list.txt", "names no photo"]),
        ("file", &[], &["file", "expected a folder"]),
        ("net.onnx", &[], &["net.onnx", "expected a folder"]),
        ("x.npy", &["--unlabelled"], &["x.npy", "--no-preprocess"]),
        (
            "short.bin",
            &["--unlabelled"],
            &["--unlabelled is for folders"],
        ),
        (
            "kinds",
            &["--layer", "conv3"],
            &["\"conv3\"", "\"conv2\"", "scope summary"],
        ),
        ("kinds", &["--layer", "relu2"], &["relu2", "twice"]),
        (
            "kinds",
            &["--layer", "conv1:99x99"],
            &["conv1", "1 to 16", "99"],
        ),
        (
            "kinds",
            &["--layer", "conv1:mean"],
            &["conv1:mean", "\"conv1\""],
        ),
        ("kinds", &["--labelled-by", "gone.csv"], &["gone.csv"]),
        ("kinds", &["--weights", "x.pth"], &["--weights"]),
    ];
    for (data, more, parts) in wrong {
        let ended = features(&place, data, more).badly(1, parts);
        let lines = ended.err.lines().filter(|l| l.starts_with("error")).count();
        assert_eq!(lines, 1, "{}", ended.err);
        assert!(!place.path("f.npz").exists(), "{data}");
        let _ = fs::remove_dir_all(place.path("f.npz.parts"));
    }
    let to = |output: &str, parts: &[&str]| {
        let args = [
            "features", "net.onnx", "kinds", "--layer", "relu2", "-o", output,
        ];
        place.scope(&args).badly(1, parts);
    };
    to("nowhere/f.npz", &["nowhere", "not there"]);
    to("file/f.npz", &["file", "no folder"]);
    to("f.npy", &["f.npy", ".npz"]);
    fs::write(place.path("g.npz.parts"), "").unwrap();
    to("g.npz", &["g.npz.parts"]);
    fs::write(place.path("other.npz"), "PK and nothing").unwrap();
    to("other.npz", &["other.npz", "no feature file"]);
    let models = [
        "features", "net.onyx", "kinds", "--layer", "relu2", "-o", "f.npz",
    ];
    place.scope(&models).badly(1, &["net.onyx"]);
    for args in [
        &["features", "net.onnx", "kinds", "-o", "f.npz"][..],
        &["features", "net.onnx", "kinds", "--layer", "relu2"],
        &["features", "net.onnx", "--layer", "relu2", "-o", "f.npz"],
        &[
            "features", "net.onnx", "kinds", "--layer", "a", "-o", "f.npz", "--pool", "mean",
        ],
        &[
            "features", "net.onnx", "kinds", "--layer", "a", "-o", "f.npz", "--batch", "0",
        ],
    ] {
        place.scope(args).badly(2, &[]);
    }
    features(&place, "kinds", &["gone.png"]).badly(1, &["kinds", "a folder"]);
}

#[test]
fn a_file_of_another_network_or_of_other_images_is_left_as_it_is() {
    let place = place();
    features(&place, "kinds", &[]).well();
    let bytes = fs::read(place.path("f.npz")).unwrap();
    convscope_onnx::write(&small(3, 8), place.path("other.onnx")).unwrap();
    let args = [
        "features",
        "other.onnx",
        "kinds",
        "--layer",
        "relu2",
        "-o",
        "f.npz",
    ];
    place.scope(&args).badly(1, &["f.npz", "the network other"]);
    // The same name does not make it the same network.
    fs::rename(place.path("other.onnx"), place.path("net.onnx")).unwrap();
    features(&place, "kinds", &[]).badly(1, &["f.npz", "the network net", "another file"]);
    convscope_onnx::write(&small(3, 7), place.path("net.onnx")).unwrap();
    features(&place, "kinds", &["--layer", "conv1"]).badly(1, &["the layers relu2, conv1"]);
    features(&place, "kinds", &["--size", "24"]).badly(1, &["f.npz", "the preprocessing"]);
    features(&place, "kinds", &["--unlabelled"]).badly(1, &["the data kinds"]);
    place.photo("kinds/bee/more.png", 20, 20);
    features(&place, "kinds", &[]).badly(1, &["10 images", "9 images"]);
    assert!(fs::read(place.path("f.npz")).unwrap() == bytes);
    fs::remove_file(place.path("kinds/bee/more.png")).unwrap();
    let ended = features(&place, "kinds", &[]).well();
    assert!(ended.err.contains("was there already"), "{}", ended.err);
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_in_the_same_file() {
    let place = place();
    let records: Vec<u8> = (0..6000 * 3073)
        .map(|i| match i % 3073 {
            0 => (i / 3073 % 10) as u8,
            _ => (i * 37 % 251) as u8,
        })
        .collect();
    fs::write(place.path("images.bin"), records).unwrap();
    let args = |out: &'static str| {
        let args = [
            "features",
            "net.onnx",
            "images.bin",
            "--layer",
            "relu2:flat",
        ];
        [&args[..], &["--layer", "conv1", "-o", out, "--batch", "16"]].concat()
    };
    place.scope(&args("whole.npz")).well();
    let mut kills = 0;
    for round in 0..60 {
        let mut child = place
            .command(&args("f.npz"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(60 + 40 * round));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    println!("killed {kills} times");
    assert!(kills > 0, "too fast to be killed");
    let ended = place.scope(&args("f.npz")).well();
    assert!(ended.err.contains("already"), "{}", ended.err);
    let same = fs::read(place.path("f.npz")).unwrap() == fs::read(place.path("whole.npz")).unwrap();
    assert!(same, "killed {kills} times, the bytes differ");
    assert!(!place.path("f.npz.parts").exists());
}

#[test]
fn sets_of_the_registry_are_taken_by_name_where_a_mirror_has_them() {
    let Ok(mirror) = std::env::var("CONVSCOPE_MIRROR") else {
        println!("skipped: CONVSCOPE_MIRROR is not set");
        return;
    };
    let place = place();
    for (name, part, images, classes) in [
        ("cifar10-first4000", None, 4000, 10),
        ("ants_bees", Some("val"), 153, 2),
        ("photos", None, 21, 1),
        ("mnist", Some("test"), 10_000, 10),
    ] {
        let out = format!("{name}.npz");
        let args = [
            "features",
            "net.onnx",
            name,
            "--layer",
            "relu2",
            "-o",
            &out,
            "--offline",
        ];
        let part: Vec<&str> = part.into_iter().flat_map(|p| ["--part", p]).collect();
        let ended = place
            .command(&[&args[..], &part].concat())
            .env("CONVSCOPE_MIRROR", &mirror)
            .output()
            .unwrap();
        Ended::of(ended).well();
        let found = read(&place, &out).remove(0);
        assert_eq!(
            (found.len(), found.classes.len()),
            (images, classes),
            "{name}"
        );
    }
}
