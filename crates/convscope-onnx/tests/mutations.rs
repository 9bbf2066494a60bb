//! Real files with bytes changed at random: a network that runs or an error, never a panic, and
//! nothing larger than a file's allowance.
//!
//! `cargo test` tries a few thousand; more:
//!
//! ```text
//! CONVSCOPE_MUTATIONS=500000 cargo test -p convscope-onnx --test mutations -- --nocapture
//! ```

mod common;

use common::folder;
use convscope_onnx::from_bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::panic::AssertUnwindSafe;

/// Numbers that any file may unpack to, and the activations of an image.
const PARAMETERS: usize = 16 << 20;
const ACTIVATIONS: usize = 1 << 29;

fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..=3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..8) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            // A small number in place of another: most bytes outside of weights are such.
            3 => bytes[at] = rng.random_range(0..20),
            4 => bytes.truncate(at),
            5 => {
                let end = (at + rng.random_range(1..40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 => {
                // Letters for letters: other operators, attributes and names.
                let letters = b"ConvReluAddPool.weight";
                if bytes[at].is_ascii_alphabetic() {
                    bytes[at] = letters[rng.random_range(0..letters.len())];
                }
            }
            _ => {
                let from = rng.random_range(0..other.len());
                let end = (from + rng.random_range(1..40)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
}

#[test]
fn files_changed_at_random_never_panic_nor_grow_beyond_their_allowance() {
    let wanted = std::env::var("CONVSCOPE_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok());
    let count: u64 = wanted.unwrap_or(3000);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "onnx"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    let mut read = 0;
    for seed in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (name, bytes) = &files[seed as usize % files.len()];
        let (_, other) = &files[rng.random_range(0..files.len())];
        let mut bytes = bytes.clone();
        mutate(&mut bytes, other, &mut rng);
        let tried = std::panic::catch_unwind(|| from_bytes(bytes, Some(&folder())));
        match tried {
            Err(_) => panic!("{name} with seed {seed} panicked"),
            Ok(Ok(net)) => {
                read += 1;
                let summary = net.summary();
                let activations: usize = summary
                    .rows
                    .iter()
                    .map(|row| row.output.iter().product::<usize>())
                    .sum();
                assert!(
                    summary.parameters() <= PARAMETERS,
                    "{name} with seed {seed}"
                );
                assert!(activations <= ACTIVATIONS, "{name} with seed {seed}");
                // What was read must run, too, or say why not (weights that are no numbers).
                if activations < 100_000 && summary.multiply_adds() < 3_000_000 {
                    let x = common::images(&net, 1);
                    let ran =
                        std::panic::catch_unwind(AssertUnwindSafe(|| net.forward(&x).is_ok()));
                    assert!(ran.is_ok(), "{name} with seed {seed} panicked in running");
                }
            }
            Ok(Err(error)) => {
                let text = error.to_string();
                assert!(
                    !text.is_empty() && text.len() < 3000,
                    "{name} with seed {seed}: {text}"
                );
            }
        }
    }
    println!("{read} of {count} changed files could still be read");
    assert!(
        read > 0 && read < count,
        "the changes must break some files and spare others"
    );
}
