//! Real small pictures with bytes changed at random: a picture or an error, never a panic, and never
//! more pixels than the limit.
//!
//! `cargo test` tries two thousand; more, in an optimised build:
//!
//! ```text
//! CONVSCOPE_MUTATIONS=400000 cargo test --release -p convscope-data --test mutations
//! ```
#![cfg(feature = "photos")]

use convscope_data::{Photo, Preprocessing};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Every picture of the fixtures, by name.
fn pictures() -> Vec<(String, Vec<u8>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut all = Vec::new();
    for folder in ["", "photos", "preprocessing"] {
        for entry in std::fs::read_dir(data.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.extension().is_some_and(|e| e != "json") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                all.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..=4) {
        if bytes.is_empty() {
            return;
        }
        // Structure stands at the beginning; half of the hits shall be there.
        let at = match rng.random_bool(0.5) {
            true => rng.random_range(0..bytes.len().min(700)),
            false => rng.random_range(0..bytes.len()),
        };
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            3 => {
                let end = (at + 4).min(bytes.len());
                let wide: u32 = [u32::MAX, 1 << 31, 0xffff, 0][rng.random_range(0..4)];
                bytes[at..end].copy_from_slice(&wide.to_be_bytes()[..end - at]);
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

/// Makes every chunk's checksum right again: a change would else get no further than that.
fn mend_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (from, to) = (at + 4, at.saturating_add(8).saturating_add(length));
        if to.saturating_add(4) > bytes.len() {
            return;
        }
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[from..to]);
        bytes[to..to + 4].copy_from_slice(&crc.sum().to_be_bytes());
        at = to + 4;
    }
}

#[test]
fn pictures_changed_at_random_never_panic_nor_grow_beyond_the_limit() {
    let wanted = std::env::var("CONVSCOPE_MUTATIONS").ok();
    let count: u64 = wanted.and_then(|n| n.parse().ok()).unwrap_or(2000);
    let files = pictures();
    let preprocessing = Preprocessing::torchvision(8);
    let (mut read, mut largest) = (0, 0);
    for seed in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (name, original) = &files[seed as usize % files.len()];
        let (_, other) = &files[rng.random_range(0..files.len())];
        let mut bytes = original.clone();
        mutate(&mut bytes, other, &mut rng);
        if name.ends_with(".png") && rng.random_bool(0.8) {
            mend_png(&mut bytes);
        }
        // A JPEG without its end is refused at once; most shall get further.
        if name.ends_with(".jpg") && rng.random_bool(0.8) {
            bytes.extend([0xff, 0xd9]);
        }
        let tried = std::panic::catch_unwind(|| {
            Photo::from_bytes(name, &bytes).map(|photo| {
                let input = preprocessing.apply(&photo).unwrap();
                assert_eq!(input.dim(), (3, 8, 8));
                photo.height() * photo.width()
            })
        });
        match tried {
            Err(_) => panic!("{name} with seed {seed} panicked"),
            Ok(Ok(pixels)) => {
                (read, largest) = (read + 1, largest.max(pixels));
                assert!(pixels <= 50_000_000, "{name} with seed {seed}: {pixels}");
            }
            Ok(Err(error)) => assert!(!error.to_string().is_empty()),
        }
    }
    println!(
        "{read} of {count} changed pictures could still be read; the largest had {largest} pixels"
    );
    assert!(
        read > 0 && read < count,
        "the changes must break some files and spare others"
    );
}
