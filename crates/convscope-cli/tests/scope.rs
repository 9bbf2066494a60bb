//! The program as a user meets it: what it prints, on which side, and how it ends. Nothing here asks
//! a network for anything.

use convscope_data::Photo;
use ndarray::Array3;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder of its own, an empty cache and no mirror.
struct Place {
    folder: TempDir,
}

/// How a run ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scope"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("CONVSCOPE_DATA", self.path("cache"))
            .env("CONVSCOPE_HOME", repository())
            .env("CONVSCOPE_MIRROR", self.path("no mirror"));
        command
    }

    fn scope(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// A picture of coloured waves.
    fn photo(&self, name: &str, height: usize, width: usize) {
        let pixels = Array3::from_shape_fn((3, height, width), |(c, y, x)| {
            0.5 + 0.5 * ((c + 1) as f32 * 0.1 * (y as f32 + 0.7 * x as f32)).sin()
        });
        let photo = Photo::from_pixels(name, pixels).unwrap();
        photo.save_png(self.path(name)).unwrap();
    }
}

impl Ended {
    fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn well(self) -> Ended {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// It ended with this code and one line of error that says all of `parts`.
    #[track_caller]
    fn badly(self, code: i32, parts: &[&str]) -> Ended {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        let line = self.err.lines().find(|line| line.starts_with("error: "));
        let line = line.unwrap_or_else(|| panic!("no error in {:?}", self.err));
        for part in parts {
            assert!(line.contains(part), "\"{part}\" is not in {line:?}");
        }
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Weights of ten classes that PyTorch wrote.
fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../convscope-zoo/tests/fixtures");
    path.join(name).display().to_string()
}

#[test]
fn help_shows_every_command_and_examples() {
    let place = Place::new();
    let help = place.scope(&["--help"]).well().out;
    for word in [
        "list",
        "summary",
        "draw",
        "classify",
        "convert",
        "receptive-field",
        "Examples:",
        "MODEL is",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    for command in [
        "list",
        "summary",
        "draw",
        "classify",
        "convert",
        "receptive-field",
    ] {
        let help = place.scope(&[command, "--help"]).well().out;
        assert!(help.contains("Usage: scope"), "{help}");
    }
}

#[test]
fn a_command_that_makes_no_sense_ends_with_2() {
    let place = Place::new();
    for args in [
        &["summary"][..],
        &["summary", "lenet5", "vgg16"],
        &["classify", "lenet5"],
        &["classify", "lenet5", "a.png", "--top", "0"],
        &[
            "classify",
            "lenet5",
            "a.png",
            "--random-weights",
            "--weights",
            "w.pth",
        ],
        &["draw", "lenet5", "--text", "-o", "a.svg"],
        &["receptive-field", "lenet5", "c3", "--unit", "6"],
        &["summary", "lenet5", "--size", "0"],
        &["sumary", "lenet5"],
    ] {
        place.scope(args).badly(2, &[]);
    }
}

#[test]
fn the_list_has_every_network_with_its_figures() {
    let place = Place::new();
    let list = place.scope(&["list"]).well().out;
    for name in convscope_zoo::names() {
        assert!(
            list.lines()
                .any(|line| line.starts_with(&format!("{name} "))),
            "{name}"
        );
    }
    let row = list
        .lines()
        .find(|line| line.starts_with("squeezenet1_0 "))
        .unwrap();
    for figure in [
        "2016",
        "3x224x224",
        "1000",
        "1,248,424",
        "818,924,576",
        "58.09",
        "80.42",
    ] {
        assert!(row.contains(figure), "{figure}: {row}");
    }
    let some = place.scope(&["list", "resnet", "--json"]).well().json();
    let some = some.as_array().unwrap();
    assert!(some.len() > 5 && some.iter().all(|e| e["parameters"].is_u64()));
    let fetchable = some.iter().find(|e| e["name"] == "resnet50").unwrap();
    assert_eq!(fetchable["weights"]["state"], "fetchable");
    place
        .scope(&["list", "transformer"])
        .badly(1, &["transformer"]);
}

#[test]
fn a_summary_has_every_layer_and_totals_beside_what_was_published() {
    let place = Place::new();
    let text = place.scope(&["summary", "resnet18"]).well().out;
    for part in [
        "layer4.1.conv2",
        "11,689,512",
        "1,814,073,344",
        "published:",
        "69.76",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let other = [
        "summary",
        "resnet18",
        "--classes",
        "7",
        "--size",
        "64x96",
        "--channels",
        "1",
    ];
    let text = place.scope(&other).well().out;
    assert!(!text.contains("published:"), "{text}");
    assert!(
        text.contains("[1, 64, 96]") || text.contains("1x64x96"),
        "{text}"
    );
    place
        .scope(&["summary", "vgg16", "--size", "20"])
        .badly(1, &["vgg16", "32x32", "20x20"]);
}

#[test]
fn an_unknown_model_is_answered_with_the_nearest() {
    let place = Place::new();
    for args in [
        &["summary", "resnet5"][..],
        &["draw", "ResNet-50x"],
        &["receptive-field", "resnet50_", "conv1"],
    ] {
        place
            .scope(args)
            .badly(1, &["there is no model", "\"resnet50\"", "scope list"]);
    }
    place
        .scope(&["summary", "missing.onnx"])
        .badly(1, &["missing.onnx"]);
    let weights = fixture("lenet5.pth");
    place
        .scope(&["summary", &weights])
        .badly(1, &["--weights", "lenet5.pth"]);
}

#[test]
fn drawings_are_written_whole_or_printed_as_an_outline() {
    let place = Place::new();
    let ended = place
        .scope(&["draw", "googlenet", "-o", "out/net.svg"])
        .well();
    assert!(ended.out.is_empty() && ended.err.contains("out/net.svg"));
    let svg = fs::read_to_string(place.path("out/net.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("inception4e"));
    place.scope(&["draw", "lenet5"]).well();
    assert!(place.path("lenet5.svg").exists());
    let outline = place.scope(&["draw", "resnet18", "--text"]).well().out;
    assert!(outline.contains("layer3"), "{outline}");
    let block = ["draw", "resnet18", "--block", "layer1", "--text"];
    assert!(!place.scope(&block).well().out.contains("layer3"));
    place
        .scope(&["draw", "lenet5", "-o", "net.png"])
        .badly(1, &[".svg", "net.png"]);
    place
        .scope(&["draw", "resnet18", "--block", "layer9"])
        .badly(1, &["layer9"]);
}

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
    place.scope(&args).badly(1, &["empty", ".png"]);
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

#[test]
fn weights_and_networks_go_from_format_to_format_unchanged() {
    let place = Place::new();
    place.photo("a.png", 32, 32);
    let pth = fixture("resnet20.pth");
    place.scope(&["convert", &pth, "a.safetensors"]).well();
    place.scope(&["convert", "a.safetensors", "b.npz"]).well();
    let ended = place
        .scope(&["convert", "b.npz", "c.onnx", "--arch", "resnet20"])
        .well();
    assert!(ended.err.contains("num_batches_tracked"), "{}", ended.err);
    place.scope(&["convert", "c.onnx", "d.safetensors"]).well();
    let answers = |args: &[&str]| {
        let args = [
            &["classify"],
            args,
            &["a.png", "--json", "--preprocessing", "cifar10"],
        ];
        place.scope(&args.concat()).well().json()
    };
    let expected = answers(&["resnet20", "--weights", &pth]);
    for file in ["a.safetensors", "b.npz", "d.safetensors"] {
        assert_eq!(
            answers(&["resnet20", "--weights", file]),
            expected,
            "{file}"
        );
    }
    let onnx = answers(&["c.onnx"]);
    for (found, expected) in onnx[0]["top"]
        .as_array()
        .unwrap()
        .iter()
        .zip(expected[0]["top"].as_array().unwrap())
    {
        assert_eq!(found["label"], expected["label"]);
        let apart =
            found["probability"].as_f64().unwrap() - expected["probability"].as_f64().unwrap();
        assert!(apart.abs() < 1e-5, "{apart}");
    }
}

#[test]
fn what_cannot_be_converted_is_said_and_nothing_is_written_over() {
    let place = Place::new();
    let pth = fixture("lenet5.pth");
    place
        .scope(&["convert", &pth, "a.onnx"])
        .badly(1, &["--arch"]);
    place
        .scope(&["convert", &pth, "a.pth"])
        .badly(1, &["a.pth", ".npz"]);
    place
        .scope(&["convert", &pth, "a.onnx", "--arch", "cnn1"])
        .badly(1, &["cnn1", "missing"]);
    for missing in ["no/such.pth", "such.pth", "no/net"] {
        let ended = place.scope(&["convert", missing, "a.npz"]);
        ended.badly(1, &[missing, "no such file"]);
    }
    place
        .scope(&["convert", "lenet6", "a.npz"])
        .badly(1, &["lenet5"]);
    fs::write(place.path("text.onnx"), "not a network").unwrap();
    place
        .scope(&["convert", "text.onnx", "a.npz"])
        .badly(1, &["text.onnx"]);
    fs::write(place.path("a.npz"), "precious").unwrap();
    place
        .scope(&["convert", &pth, "a.npz"])
        .badly(1, &["a.npz", "--force"]);
    assert_eq!(fs::read(place.path("a.npz")).unwrap(), b"precious");
    place.scope(&["convert", &pth, "a.npz", "--force"]).well();
    assert!(fs::read(place.path("a.npz")).unwrap().starts_with(b"PK"));
    let left: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn receptive_fields_are_those_of_the_lecture() {
    let place = Place::new();
    let args = [
        "receptive-field",
        "alexnet_two_towers",
        "conv5",
        "--unit",
        "6,6",
    ];
    let text = place.scope(&args).well().out;
    for part in ["163 x 163", "16 x 16", "rows 32 to 194"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = place
        .scope(&["receptive-field", "lenet5", "c3", "--unit", "0,0"])
        .well()
        .out;
    assert!(
        text.contains("14 x 14") && text.contains("rows 0 to 13"),
        "{text}"
    );
    let text = place
        .scope(&["receptive-field", "vgg16", "features.30"])
        .well()
        .out;
    assert!(text.contains("212 x 212"), "{text}");
    let args = [
        "receptive-field",
        "lenet5",
        "s4",
        "--effective",
        "--images",
        "2",
    ];
    let text = place.scope(&args).well().out;
    assert!(
        text.contains("effective: ") && text.contains("over 2 images"),
        "{text}"
    );
    let ended = place.scope(&["receptive-field", "resnet18", "layer2.0.conv3"]);
    ended.badly(
        1,
        &["layer2.0.conv3", "\"layer2.0.conv1\"", "scope summary"],
    );
    let ended = place.scope(&["receptive-field", "resnet18", "layerr2"]);
    ended.badly(1, &["\"layer2\""]);
    let ended = place.scope(&["receptive-field", "lenet5", "c3", "--unit", "10,0"]);
    ended.badly(1, &["[10, 10]", "[10, 0]"]);
}

#[test]
fn output_to_a_pipe_has_no_colours_and_a_closed_pipe_is_no_error() {
    let place = Place::new();
    for args in [&["--help"][..], &["list"], &["summary", "lenet5"]] {
        assert!(!place.scope(args).well().out.contains('\u{1b}'));
    }
    let mut child = place.command(&["list"]);
    let mut child = child
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{:?}", ended.status);
    assert!(ended.stderr.is_empty());
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
