//! `cargo course fetch` as a user types it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

/// A folder that looks like the repository, with a cache of its own.
fn repository() -> TempDir {
    let root = tempdir().unwrap();
    fs::create_dir_all(root.path().join("data")).unwrap();
    root
}

fn course(root: &Path, args: &[&str], mirror: Option<&str>) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("fetch").args(args).env("CONVSCOPE_HOME", root);
    command
        .env_remove("CONVSCOPE_DATA")
        .env_remove("CONVSCOPE_MIRROR");
    if let Some(mirror) = mirror {
        command.env("CONVSCOPE_MIRROR", mirror);
    }
    let output = command.output().unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8(text).unwrap())
}

#[test]
fn the_list_shows_size_licence_and_presence() {
    let root = repository();
    let (output, text) = course(root.path(), &["--list"], None);
    assert!(output.status.success());
    for part in [
        "mnist",
        "11.6 MB",
        "55.0 MB",
        "licence: CC BY-SA 3.0",
        " no ",
        "Datasets\n",
        "Weights\n",
        "licence: BSD-3-Clause, as torchvision",
        "where it cannot be had: squeezenet1_0-compressed",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (output, _) = course(root.path(), &["--list", "--json"], None);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["name"], "mnist");
    assert_eq!(list[0]["here"], "no");
    assert_eq!(list[0]["bytes"], 54_950_048);
    assert_eq!(list[0]["files"].as_array().unwrap().len(), 4);
    assert!(
        !root.path().join("data/cache").exists(),
        "listing makes nothing"
    );
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest_before_anything_is_fetched() {
    let root = repository();
    let (output, text) = course(root.path(), &["--offline", "mnist", "minst"], None);
    assert!(!output.status.success());
    assert!(
        text.contains("nothing to fetch is called 'minst', did you mean 'mnist'?"),
        "{text}"
    );
    assert!(!root.path().join("data/cache").exists());
}

#[test]
fn without_a_name_it_says_what_there_is() {
    let (output, text) = course(repository().path(), &[], None);
    assert!(!output.status.success());
    assert!(
        text.contains("cargo course fetch mnist") && text.contains("licence"),
        "{text}"
    );
}

#[test]
fn the_mirror_comes_from_the_option_else_the_environment_else_the_settings() {
    let root = repository();
    fs::write(
        root.path().join("data/config.toml"),
        "mirror = \"from-settings\"\n",
    )
    .unwrap();
    let in_root = root
        .path()
        .join("from-settings/mnist")
        .display()
        .to_string();
    let cases: [(&[&str], Option<&str>, &str); 3] = [
        (
            &["mnist", "--offline", "--mirror", "/from/option"],
            Some("/from/env"),
            "/from/option/mnist",
        ),
        (
            &["mnist", "--offline"],
            Some("/from/env"),
            "/from/env/mnist",
        ),
        (&["mnist", "--offline"], None, &in_root),
    ];
    for (args, mirror, expected) in cases {
        let (output, text) = course(root.path(), args, mirror);
        assert!(!output.status.success());
        let line =
            format!("- {expected}/train-images-idx3-ubyte.gz: the mirror folder does not exist");
        assert!(text.contains(&line), "{line} in {text}");
    }
    fs::write(root.path().join("data/config.toml"), "miror = \"x\"\n").unwrap();
    let (_, text) = course(root.path(), &["mnist", "--offline"], None);
    assert!(
        text.contains("config.toml") && text.contains("miror"),
        "{text}"
    );
}

#[test]
fn mnist_is_fetched_from_a_mirror_and_found_there_the_next_time() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("CONVSCOPE_MIRROR").map(Into::into);
    let Some(mirror) = named
        .into_iter()
        .chain([beside])
        .find(|m| m.join("mnist").is_dir())
    else {
        println!("SKIPPED: no real MNIST here. Set CONVSCOPE_MIRROR to a folder that has mnist/.");
        return;
    };
    let root = repository();
    let (output, text) = course(
        root.path(),
        &["mnist", "--mirror", mirror.to_str().unwrap()],
        None,
    );
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("checksum right").count(), 4, "{text}");
    let (output, text) = course(root.path(), &["mnist", "--offline"], None);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("here already").count(), 4, "{text}");
    let (_, text) = course(root.path(), &["--list"], None);
    assert!(text.contains(" yes "), "{text}");
}

#[test]
fn weights_come_from_a_mirror_the_stand_in_with_its_own_licence() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("CONVSCOPE_MIRROR").map(Into::into);
    let Some(mirror) = named
        .into_iter()
        .chain([beside])
        .find(|m| m.join("weights").is_dir())
    else {
        println!("SKIPPED: no real weights here. Set CONVSCOPE_MIRROR to a folder with weights/.");
        return;
    };
    let root = repository();
    let args = ["squeezenet1_0", "resnet20_cifar10", "--offline"];
    let (output, text) = course(root.path(), &args, Some(mirror.to_str().unwrap()));
    assert!(output.status.success(), "{text}");
    for part in [
        "in its place: squeezenet1_0-compressed",
        "Licence: BSD-2-Clause, copyright the authors of SqueezeNet",
        "resnet20_cifar10 is in ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let cache = root.path().join("data/cache");
    assert!(
        cache
            .join("squeezenet1_0-compressed/squeezenet1_0.safetensors")
            .is_file()
    );
    assert!(
        cache
            .join("resnet20_cifar10/resnet20_cifar10.safetensors")
            .is_file()
    );
    let (_, text) = course(root.path(), &["--list", "resnet20_cifar10"], None);
    assert!(
        text.contains(" yes ") && !text.contains("Datasets"),
        "{text}"
    );
}
