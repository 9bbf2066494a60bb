//! Which files a run goes on from, which it refuses, and what it says then.

mod common;

use common::{bits, resumable, small_net, toy, training};
use convscope_data::{Augmentation, Dataset};
use convscope_nn::*;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

#[test]
fn the_best_checkpoint_is_the_best_epochs_network() {
    let (train, valid) = (toy(60, 1), toy(90, 2));
    let folder = tempdir().unwrap();
    let checkpoints = Checkpoints::in_folder(folder.path().join("a/b"));
    let best = checkpoints.best();
    let history = Training::new(Sgd::new(0.6))
        .epochs(12)
        .batch_size(8)
        .checkpoints(checkpoints)
        .quiet()
        .fit(&mut small_net(), &train, &valid)
        .unwrap();
    let saved = Checkpoint::read(&best).unwrap();
    let epoch = history.best().unwrap();
    assert_eq!(saved.history().last(), Some(epoch));
    assert_eq!((saved.epoch(), saved.batch()), (epoch.epoch + 1, 0));
    let mut net = small_net();
    saved.restore(&mut net).unwrap();
    let measured = evaluate(&net, &valid).unwrap();
    assert_eq!(measured.accuracy, epoch.valid_accuracy);
}

/// A finished run's last checkpoint.
fn checkpoint(folder: &Path) -> std::path::PathBuf {
    let mut net = small_net();
    resumable(2, folder, 4)
        .fit(&mut net, &toy(60, 1), &toy(30, 2))
        .unwrap();
    folder.join("last.safetensors")
}

#[test]
fn a_checkpoint_of_another_run_is_refused_with_what_was_expected() {
    let folder = tempdir().unwrap();
    let path = checkpoint(folder.path());
    let base = || training(3);
    let net = |classes, conv: &str| {
        Network::input([1, 8, 8])
            .add(conv, Conv2d::new(4, 3).same())
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("pool1", MaxPool2d::new(2))
            .add("drop1", Dropout::new(0.2))
            .add("flatten", Flatten)
            .add("fc", Linear::new(classes))
            .build(3)
            .unwrap()
    };
    let rmsprop = Training::new(RmsProp::new(0.003)).batch_size(16).seed(5);
    let cases: [(Network, Training, Dataset, &[&str]); 10] = [
        (
            net(3, "conv2"),
            base(),
            toy(60, 1),
            &["another network", "expected node \"conv2\"", "\"conv1\""],
        ),
        (
            net(4, "conv1"),
            base(),
            toy(60, 1),
            &[
                "another network",
                "expected node \"fc\" (Linear, 4",
                "(Linear, 3",
            ],
        ),
        (
            small_net(),
            rmsprop,
            toy(60, 1),
            &["another optimizer", "expected RMSprop", "Adam"],
        ),
        (
            small_net(),
            base().batch_size(8),
            toy(60, 1),
            &["expected batch size 8", "written with 16"],
        ),
        (
            small_net(),
            base().loss(Hinge::default()),
            toy(60, 1),
            &["expected loss Hinge", "CrossEntropy"],
        ),
        (
            small_net(),
            base().seed(6),
            toy(60, 1),
            &["expected seed 6", "written with 5"],
        ),
        (
            small_net(),
            base().clip(Clip::Norm(2.0)),
            toy(60, 1),
            &["clipping", "Norm(2.0)", "Norm(1.0)"],
        ),
        (
            small_net(),
            base().augment(Augmentation::new().flip()),
            toy(60, 1),
            &["augmentation flip 0.5", "crop with 1"],
        ),
        (
            small_net(),
            base(),
            toy(61, 1),
            &["training set", "[61, 1, 8, 8]", "[60, 1, 8, 8]"],
        ),
        (small_net(), base(), toy(60, 9), &["training set", "sum"]),
    ];
    for (mut net, training, train, words) in cases {
        let before = bits(&net);
        let valid = toy(30, 2);
        let error = training
            .quiet()
            .resume_from(&path)
            .fit(&mut net, &train, &valid);
        let error = error.unwrap_err().to_string();
        for word in words.iter().chain(&["last.safetensors"]) {
            assert!(error.contains(word), "{word} in {error}");
        }
        assert!(bits(&net) == before, "nothing is changed");
    }
}

#[test]
fn a_file_that_is_no_whole_checkpoint_is_refused_by_name() {
    let folder = tempdir().unwrap();
    let path = checkpoint(folder.path());
    let whole = fs::read(&path).unwrap();
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let bad = folder.path().join("bad.safetensors");
    for (bytes, words) in [
        (
            Some(whole[..whole.len() - 1].to_vec()),
            ["truncated", "expected"],
        ),
        (Some(whole[..200].to_vec()), ["truncated", "expected"]),
        (Some(vec![]), ["truncated", "expected"]),
        (Some(changed(whole.len() - 9)), ["checksum", "expected"]),
        (
            Some(b"a file of another kind, by mistake".to_vec()),
            ["not a checkpoint", "expected"],
        ),
        (None, ["bad.safetensors", "expected a file"]),
    ] {
        let _ = fs::remove_file(&bad);
        if let Some(bytes) = bytes {
            fs::write(&bad, bytes).unwrap();
        }
        let mut net = small_net();
        let resumed = training(3).resume_from(&bad);
        let error = resumed.fit(&mut net, &toy(60, 1), &toy(30, 2));
        let error = error.unwrap_err().to_string();
        for word in words.iter().chain(&["bad.safetensors"]) {
            assert!(error.contains(word), "{word} in {error}");
        }
        assert!(bits(&net) == bits(&small_net()));
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_training_and_the_network_keeps_what_it_learned() {
    let folder = tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, b"").unwrap();
    let mut net = small_net();
    let error = resumable(2, &blocked, 1).fit(&mut net, &toy(60, 1), &toy(30, 2));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("last.safetensors") && error.contains("folder"),
        "{error}"
    );
    assert!(
        bits(&net) == bits(&small_net()),
        "it is noticed before the start"
    );

    let gone = folder.path().join("gone");
    let remove = gone.clone();
    let error = Training::new(Sgd::new(0.1))
        .on_epoch(move |_| fs::remove_dir_all(&remove).unwrap())
        .checkpoints(Checkpoints::in_folder(&gone))
        .quiet()
        .fit(&mut net, &toy(60, 1), &toy(30, 2));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("could not be written"), "{error}");
    assert!(bits(&net) != bits(&small_net()));
}
