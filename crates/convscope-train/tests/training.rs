//! What `cargo course train` promises, on a recipe of seconds.

use convscope_data::{Cache, Dataset, FetchOptions, InkDigits};
use convscope_nn::{Progress, StopHandle};
use convscope_train::{Ended, Job, Recipe, Set, Sets, find, raw_with, train};
use convscope_zoo::shipped;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// cnn2's recipe on a few drawn digits.
fn tiny() -> (Recipe, Sets) {
    let recipe = Recipe {
        images: 160,
        validation: 40,
        epochs: 2,
        batch_size: 20,
        ..find("cnn2").unwrap()
    };
    let digits = |n, seed| -> Dataset { InkDigits::generate(n, seed) };
    let sets = Sets::cut(&recipe, &digits(200, 1), &digits(60, 2), None).unwrap();
    (recipe, sets)
}

fn job(recipe: &Recipe, folder: &Path) -> Job {
    Job {
        recipe: recipe.clone(),
        folder: folder.to_owned(),
        command: "cargo course train cnn2".into(),
        note: Some("a test".into()),
        progress: Progress::Quiet,
        stop: StopHandle::new(),
    }
}

/// The file's bytes after a training that nobody disturbed.
fn undisturbed(recipe: &Recipe, sets: &Sets, folder: &Path) -> Vec<u8> {
    let ended = train(&job(recipe, folder), sets).unwrap();
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
    fs::read(folder.join("cnn2.safetensors")).unwrap()
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn one_seed_gives_one_file_and_another_seed_another() {
    let (recipe, sets) = tiny();
    let folders = [temporary(), temporary(), temporary()];
    let first = undisturbed(&recipe, &sets, folders[0].path());
    assert_eq!(first, undisturbed(&recipe, &sets, folders[1].path()));
    let other = Recipe { seed: 2, ..recipe };
    assert_ne!(first, undisturbed(&other, &sets, folders[2].path()));
}

#[test]
fn a_training_that_was_stopped_again_and_again_ends_in_the_same_file() {
    let (recipe, sets) = tiny();
    let quiet = temporary();
    let expected = undisturbed(&recipe, &sets, quiet.path());

    let folder = temporary();
    let file = folder.path().join("cnn2.safetensors");
    fs::write(&file, "older weights").unwrap();
    let mut stops = 0;
    loop {
        let job = job(&recipe, folder.path());
        let stop = job.stop.clone();
        let patience = Duration::from_millis(20 * stops);
        let bell = std::thread::spawn(move || {
            std::thread::sleep(patience);
            stop.stop();
        });
        // The first time it is stopped before the first batch.
        if stops == 0 {
            job.stop.stop();
        }
        let ended = train(&job, &sets).unwrap();
        bell.join().unwrap();
        match ended {
            Ended::Stopped { checkpoint, at } => {
                assert!(checkpoint.is_file() && at.contains("stopped"), "{at}");
                assert_eq!(fs::read(&file).unwrap(), b"older weights");
                assert!(!folder.path().join("cnn2.json").exists());
                stops += 1;
            }
            _ => break,
        }
    }
    assert!(stops > 0);
    assert_eq!(fs::read(&file).unwrap(), expected);
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["cnn2.json", "cnn2.safetensors"],
        "no checkpoint stays"
    );
}

#[test]
fn the_card_tells_how_the_file_came_about() {
    let (recipe, sets) = tiny();
    let folder = temporary();
    let bytes = undisturbed(&recipe, &sets, folder.path());
    // Matrices in half precision: two bytes each, and the vectors' four.
    assert!(bytes.len() < 3 * 36_138, "{}", bytes.len());
    let found = shipped::get_from(folder.path(), "cnn2").unwrap();
    let card = found.card;
    assert_eq!(found.network.parameter_count(), card.parameters);
    assert_eq!(
        (card.data.train, card.data.validation, card.data.test),
        (160, 40, 60)
    );
    assert_eq!(card.settings, recipe.settings());
    assert_eq!(card.history.len(), 2);
    assert!(card.history[0].train_loss > 0.0 && card.machine.ends_with("; a test"));
    assert_eq!(card.preprocessing, (recipe.preprocessing)());
    let again = convscope_nn::evaluate(&found.network, &sets.test).unwrap();
    assert_eq!(again.accuracy, card.figures.test_accuracy);
    // Written and read again, nothing is lost.
    let copy = folder.path().join("copy.json");
    fs::write(&copy, card.to_json()).unwrap();
    assert_eq!(shipped::Card::read(&copy).unwrap(), card);
}

#[test]
fn a_checkpoint_of_another_recipe_is_refused_with_the_way_out() {
    let (recipe, sets) = tiny();
    let folder = temporary();
    let stopped = job(&recipe, folder.path());
    stopped.stop.stop();
    assert!(matches!(
        train(&stopped, &sets).unwrap(),
        Ended::Stopped { .. }
    ));
    let other = Recipe {
        batch_size: 16,
        ..recipe
    };
    let error = train(&job(&other, folder.path()), &sets).unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("--fresh") && error.contains("batch size"),
        "{error}"
    );
}

#[test]
fn what_is_not_here_is_refused_with_the_command_that_fetches_it() {
    let folder = temporary();
    for set in [Set::Mnist, Set::Cifar10] {
        let mut options = FetchOptions::new(Cache::new(folder.path()));
        options.offline = true;
        let error = format!("{:#}", raw_with(set, options).unwrap_err());
        let fetch = format!("cargo course fetch {}", set.name());
        assert!(error.contains(&fetch), "{error}");
    }
}

#[test]
fn a_recipe_that_asks_for_more_images_than_there_are_is_refused() {
    let (recipe, _) = tiny();
    let digits = InkDigits::generate(150, 1);
    let error = Sets::cut(&recipe, &digits, &digits, None).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("at most 110") && error.contains("got 160"),
        "{error}"
    );
}
