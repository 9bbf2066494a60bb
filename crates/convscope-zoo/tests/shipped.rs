//! Shipped weights: files and cards that belong together, and errors about those that do not.

use convscope_data::{Photo, Preprocessing};
use convscope_nn::EpochRecord;
use convscope_weights::Weights;
use convscope_zoo::shipped::{Card, Data, Epoch, Figures, Settings, checksum, get_from};
use convscope_zoo::{Options, lenet5};
use std::fs;
use std::path::Path;

/// What is done to the files in a folder.
type Damage = fn(&Path);

/// A LeNet-5 that has learned nothing, with its card, in a folder.
fn ship(folder: &Path) -> Card {
    let net = lenet5(Options::new().seed(3)).unwrap();
    let mut weights = Weights::new();
    for (path, tensor) in net.parameters() {
        weights.insert(path, tensor.clone()).unwrap();
    }
    let bytes = weights.to_half_safetensors().unwrap();
    let record = |epoch, train_loss, valid_loss| EpochRecord {
        epoch,
        train_loss,
        valid_loss,
        train_accuracy: epoch as f64 / 10.0,
        seconds: 1.26,
        ..EpochRecord::default()
    };
    let card = Card {
        name: "lenet5".into(),
        architecture: "lenet5".into(),
        input: [1, 32, 32],
        parameters: net.parameter_count(),
        labels: (0..10).map(|d| d.to_string()).collect(),
        preprocessing: Preprocessing {
            crop: Some([32; 2]),
            ..Preprocessing::mnist()
        },
        data: Data {
            set: "mnist".into(),
            train: 50,
            validation: 5,
            test: 5,
            notice: None,
        },
        settings: Settings {
            optimizer: "none".into(),
            weight_decay: 0.0,
            loss: "cross-entropy".into(),
            schedule: "none".into(),
            augmentation: "none".into(),
            epochs: 2,
            batch_size: 10,
            seed: 3,
        },
        command: "cargo course train lenet5".into(),
        seconds: 3.0,
        machine: "none".into(),
        figures: Figures {
            train_loss: 2.3,
            train_accuracy: 0.1,
            validation_accuracy: 0.1,
            test_loss: 2.3,
            test_accuracy: 0.1,
            test_accuracy_unrounded: 0.1,
        },
        sha256: checksum(&bytes),
        history: [record(1, 2.34567891, f64::INFINITY), record(2, 2.25, 2.5)]
            .iter()
            .map(Epoch::from)
            .collect(),
    };
    fs::write(folder.join("lenet5.safetensors"), bytes).unwrap();
    fs::write(folder.join("lenet5.json"), card.to_json()).unwrap();
    card
}

#[test]
fn the_network_has_the_files_weights_and_its_answers_have_the_cards_labels() {
    let folder = tempfile::tempdir().unwrap();
    ship(folder.path());
    let found = get_from(folder.path(), "lenet5").unwrap();
    let original = lenet5(Options::new().seed(3)).unwrap();
    for (path, tensor) in original.parameters() {
        let read = found.network.parameter(path.as_str()).unwrap();
        for (&a, &b) in tensor.iter().zip(read) {
            // Half of the last of 11 bits.
            assert!((a - b).abs() <= a.abs() / 2048.0 + 1e-7, "{path}: {a} {b}");
        }
    }
    let model = found.into_model();
    let photo = Photo::from_pixels("a two", ndarray::Array3::zeros((1, 28, 28))).unwrap();
    let answers = &model.classify(&[photo]).unwrap()[0];
    assert_eq!(answers[0].label, answers[0].index.to_string());
    assert!(model.source.contains("cargo course train lenet5"));
}

#[test]
fn a_card_is_read_as_it_was_written_with_an_epoch_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let written = ship(folder.path());
    let card = Card::read(folder.path().join("lenet5.json")).unwrap();
    // JSON has no infinity: what was none comes back as NaN, which equals nothing.
    assert!(card.history[0].validation_loss.is_nan());
    let text = fs::read_to_string(folder.path().join("lenet5.json")).unwrap();
    assert_eq!(text.matches("\n    {\"epoch\":").count(), 2, "{text}");
    let tame = |card: &Card| {
        let mut card = card.clone();
        card.history[0].validation_loss = 0.0;
        card
    };
    assert_eq!(tame(&card), tame(&written));
    assert_eq!(card.history[0].train_loss, 2.34568);
    assert_eq!(
        card.curve(|e| 1.0 - e.train_accuracy),
        [(1.0, 0.9), (2.0, 0.8)]
    );
    let history = card.as_history();
    assert_eq!(history.epochs[1].valid_loss, 2.5);
    assert_eq!(history.epochs[1].images_per_second, 50.0 / 1.3);
}

#[test]
fn what_does_not_belong_together_is_refused_with_the_reason() {
    let damages: [(&str, Damage, &str); 6] = [
        (
            "other weights",
            |folder| fs::write(folder.join("lenet5.safetensors"), "others").unwrap(),
            "belongs to other weights",
        ),
        (
            "no weights",
            |folder| fs::remove_file(folder.join("lenet5.safetensors")).unwrap(),
            "lenet5.safetensors",
        ),
        (
            "half a card",
            |folder| edit(folder, |text| text[..text.len() / 2].to_owned()),
            "not the card of weights",
        ),
        (
            "a field that is none",
            |folder| edit(folder, |text| text.replacen("\"seed\"", "\"sead\"", 1)),
            "sead",
        ),
        (
            "another architecture",
            |folder| {
                edit(folder, |text| {
                    text.replacen(
                        "\"architecture\": \"lenet5\"",
                        "\"architecture\": \"fc\"",
                        1,
                    )
                });
            },
            "c1.weight",
        ),
        (
            "a std of 0",
            |folder| edit(folder, |text| text.replacen("0.3081", "0.0", 1)),
            "above 0",
        ),
    ];
    for (what, damage, word) in damages {
        let folder = tempfile::tempdir().unwrap();
        ship(folder.path());
        damage(folder.path());
        let error = get_from(folder.path(), "lenet5").unwrap_err().to_string();
        assert!(error.contains(word), "{what}: {error}");
    }
}

#[test]
fn a_name_that_is_not_shipped_is_answered_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let error = get_from(folder.path(), "lenet5").unwrap_err().to_string();
    assert!(error.contains("cargo course train --list"), "{error}");
    ship(folder.path());
    for name in ["lenet", "../lenet5", "", "lenet5.json"] {
        let error = get_from(folder.path(), name).unwrap_err().to_string();
        assert!(error.contains("there are lenet5"), "{error}");
    }
}

fn edit(folder: &Path, change: impl Fn(&str) -> String) {
    let path = folder.join("lenet5.json");
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    fs::write(path, changed).unwrap();
}
