//! Real files with bytes changed at random: an answer or an error, never a panic, and no array
//! larger than the file's allowance.
//!
//! `cargo test` tries a few thousand; a million, in an optimised build:
//!
//! ```text
//! CONVSCOPE_MUTATIONS=1000000 cargo test --release -p convscope-weights --test mutations
//! ```

mod common;

use convscope_weights::Weights;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::{Cursor, Read, Write};

/// What any file may unpack to.
const ALLOWANCE: usize = 64 << 20;

fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..=4) {
        if bytes.is_empty() {
            return;
        }
        // Structure stands at the beginning and at the end; most hits shall be there.
        let near = bytes.len().min(600);
        let at = match rng.random_range(0..3) {
            0 => rng.random_range(0..near),
            1 => bytes.len() - 1 - rng.random_range(0..near),
            _ => rng.random_range(0..bytes.len()),
        };
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            3 => {
                let end = (at + 8).min(bytes.len());
                let wide: u64 = [u64::MAX, 1 << 63, 1 << 40, 0][rng.random_range(0..4)];
                bytes[at..end].copy_from_slice(&wide.to_le_bytes()[..end - at]);
            }
            4 => bytes.truncate(at),
            5 => {
                let end = (at + rng.random_range(1..40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let from = rng.random_range(0..other.len());
                let end = (from + rng.random_range(1..40)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
}

/// A zip with one entry changed within: a change from outside mostly breaks the entry's sum, and
/// what is inside would never be met.
fn mutate_within(bytes: &[u8], other: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let largest = (0..archive.len()).max_by_key(|&i| archive.by_index(i).unwrap().size());
    let changed = match rng.random_bool(0.5) {
        true => largest.unwrap(),
        false => rng.random_range(0..archive.len()),
    };
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        writer.start_file(entry.name().unwrap(), stored).unwrap();
        if i == changed {
            mutate(&mut content, other, rng);
        }
        writer.write_all(&content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn files_changed_at_random_never_panic_nor_grow_beyond_their_allowance() {
    let wanted = std::env::var("CONVSCOPE_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok());
    let count: u64 = wanted.unwrap_or(5000);
    let files = common::fixtures();
    let mut read = 0;
    for seed in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (name, bytes) = &files[seed as usize % files.len()];
        let (_, other) = &files[rng.random_range(0..files.len())];
        let mut bytes = bytes.clone();
        match bytes.starts_with(b"PK") && rng.random_bool(0.7) {
            true => bytes = mutate_within(&bytes, other, &mut rng),
            false => mutate(&mut bytes, other, &mut rng),
        }
        let tried = std::panic::catch_unwind(|| Weights::from_bytes(&bytes, name));
        match tried {
            Err(_) => panic!("{name} with seed {seed} panicked"),
            Ok(Ok(weights)) => {
                read += 1;
                let size: usize = weights.iter().map(|(_, a)| a.len() * 4).sum();
                assert!(
                    size <= ALLOWANCE,
                    "{name} with seed {seed} gave {size} bytes"
                );
            }
            Ok(Err(error)) => assert!(!error.to_string().is_empty()),
        }
    }
    println!("{read} of {count} changed files could still be read");
    assert!(
        read > 0 && read < count,
        "the changes must break some files and spare others"
    );
}
