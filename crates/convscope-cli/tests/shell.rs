//! The program as a user meets it: what it prints, on which side, and how it ends.

mod common;

use common::{Place, fixture};
use std::fs;

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
        "explain",
        "measure",
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
        "explain",
        "compare",
        "filters",
        "activations",
        "patches",
        "maximize",
        "dream",
        "invert",
        "fool",
        "neighbours",
        "embed",
        "measure",
        "features",
    ] {
        let help = place.scope(&[command, "--help"]).well().out;
        assert!(help.contains("Usage: scope"), "{help}");
        assert!(
            help.contains("xample") || command == "list" || command == "summary",
            "{help}"
        );
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
