//! Processes that are killed while they train, or run out of room while they write a checkpoint.

#![cfg(unix)]

mod common;

use common::{bits, resumable, small_net, toy, training};
use convscope_nn::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "CONVSCOPE_TEST_FOLDER";
const EPOCHS: usize = 24;
const IMAGES: usize = 240; // 15 batches

/// Says on standard output that a step was taken, right before its checkpoint is written.
#[derive(Debug)]
struct Tell;

impl Callback for Tell {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        println!("\nstep {}", at.step());
        Ok(())
    }
}

/// Not a test of its own: what the tests below start as another process.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let checkpoints = Checkpoints::in_folder(&folder).every_batches(2);
    let last = checkpoints.last();
    let mut run = training(EPOCHS).callback(Tell).checkpoints(checkpoints);
    if last.exists() {
        run = run.resume_from(last);
    }
    match run.fit(&mut small_net(), &toy(IMAGES, 1), &toy(30, 2)) {
        Ok(_) => println!("\ndone"),
        Err(error) => println!("\nerror: {error}"),
    }
}

fn command(folder: &Path, threads: usize, before: &str) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("{before} exec \"$0\" child --exact --nocapture"),
        ])
        .arg(exe)
        .env(FOLDER, folder)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_run_killed_at_ten_moments_and_resumed_ends_in_the_bits_of_one_that_was_not() {
    let mut whole = small_net();
    training(EPOCHS)
        .fit(&mut whole, &toy(IMAGES, 1), &toy(30, 2))
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.safetensors");
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let mut moments = Vec::new();
    for kill in 0..10 {
        let mut child = command(folder.path(), 1 + kill % 2, "").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let steps = lines.filter(|line| line.as_ref().unwrap().starts_with("step"));
        let told = steps.take(rng.random_range(3..32)).last();
        // Anywhere in a step, the writing of a checkpoint or the validation.
        std::thread::sleep(Duration::from_micros(rng.random_range(0..3000)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "killed, not ended");
        assert!(told.unwrap().is_ok());
        // There is always a whole one.
        let saved = Checkpoint::read(&last).unwrap();
        moments.push((saved.epoch(), saved.batch()));
    }
    assert!(
        moments.is_sorted(),
        "it goes on and does not begin anew: {moments:?}"
    );
    assert!(
        moments.iter().any(|m| m.1 > 0),
        "never within an epoch: {moments:?}"
    );

    let mut net = small_net();
    let rest = resumable(EPOCHS, folder.path(), 2);
    let history = rest.fit(&mut net, &toy(IMAGES, 1), &toy(30, 2)).unwrap();
    assert_eq!(history.epochs.len(), EPOCHS);
    assert!(bits(&net) == bits(&whole), "{moments:?}");
    println!("killed at {moments:?}");
}

#[test]
fn a_checkpoint_for_which_there_is_no_room_leaves_the_older_one_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let run = resumable(1, folder.path(), 100);
    run.fit(&mut small_net(), &toy(IMAGES, 1), &toy(30, 2))
        .unwrap();
    let good = std::fs::read(&path).unwrap();
    assert!(good.len() > 4096);
    // At most 4 blocks of 512 or 1024 bytes a file; without the signal, writing fails.
    let limited = command(folder.path(), 1, "trap '' XFSZ; ulimit -f 4;");
    let output = { limited }.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "error: checkpoint",
        "last.safetensors",
        "expected room for",
        "older file",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(std::fs::read(&path).unwrap() == good);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["best.safetensors", "last.safetensors"]);
    Checkpoint::read(&path).unwrap();
}
