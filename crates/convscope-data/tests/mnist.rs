//! MNIST where it is to be had, and its stand-in where it is not.

mod common;

use convscope_data::{
    Cache, FetchOptions, Mirror, Presence, Registry, mnist_small_with, mnist_with,
};
use md5::{Digest, Md5};
use std::path::{Path, PathBuf};
use tempfile::tempdir;

/// A folder with the real files: `CONVSCOPE_MIRROR`, or `shared/data` beside the repository.
fn real_mirror() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("CONVSCOPE_MIRROR").map(PathBuf::from);
    named
        .into_iter()
        .chain([beside])
        .find(|folder| folder.join("mnist").is_dir())
}

fn offline(cache: &Path, mirror: Option<PathBuf>) -> FetchOptions {
    FetchOptions {
        offline: true,
        mirror: mirror.map(Mirror::Folder),
        ..FetchOptions::new(Cache::new(cache))
    }
}

#[test]
fn without_mnist_inkdigits_takes_its_place_and_says_why() {
    let cache = tempdir().unwrap();
    let set = mnist_small_with(Ok(offline(cache.path(), None))).unwrap();
    let notice = set.notice.expect("a stand-in must say that it is one");
    for text in [
        "not MNIST but InkDigits",
        "Why: could not fetch",
        "cargo course fetch mnist",
    ] {
        assert!(notice.contains(text), "{notice}");
    }
    for (part, n) in [
        (&set.train, 2400),
        (&set.validation, 600),
        (&set.test, 1000),
    ] {
        assert_eq!(
            (part.name.as_str(), part.images.shape()),
            ("inkdigits", &[n, 1, 28, 28][..])
        );
        part.check().unwrap();
    }
    let again = mnist_small_with(Ok(offline(cache.path(), None))).unwrap();
    assert_eq!(again.train, set.train);
    assert_ne!(set.train.image(0).unwrap(), set.test.image(0).unwrap());

    // A cache that cannot be made is another reason, and no reason to stop.
    let file = cache.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let notice = mnist_small_with(Ok(offline(&file, None)))
        .unwrap()
        .notice
        .unwrap();
    assert!(notice.contains("Why: cannot"), "{notice}");
}

#[test]
fn a_cached_file_that_is_not_mnist_is_never_used() {
    let cache = tempdir().unwrap();
    let entry = Registry::builtin().unwrap().get("mnist").unwrap().clone();
    std::fs::create_dir(cache.path().join("mnist")).unwrap();
    for file in &entry.files {
        // Right names, right sizes, wrong bytes.
        std::fs::write(
            cache.path().join("mnist").join(&file.path),
            vec![0; file.bytes as usize],
        )
        .unwrap();
    }
    let set = mnist_small_with(Ok(offline(cache.path(), None))).unwrap();
    assert_eq!(set.train.name, "inkdigits");
    assert!(set.notice.is_some());
}

#[test]
fn real_mnist_is_fetched_checked_and_split_by_the_courses_protocol() {
    let Some(mirror) = real_mirror() else {
        println!("SKIPPED: no real MNIST here. Set CONVSCOPE_MIRROR to a folder that has mnist/.");
        return;
    };
    let cache = tempdir().unwrap();
    let all = mnist_with(Ok(offline(cache.path(), Some(mirror)))).unwrap();
    assert_eq!(all.notice, None);
    assert_eq!(
        (all.train.name.as_str(), all.test.name.as_str()),
        ("mnist", "mnist")
    );
    assert_eq!(all.train.images.shape(), [60_000, 1, 28, 28]);
    assert_eq!(all.test.images.shape(), [10_000, 1, 28, 28]);
    // The first labels, as everyone who has looked at MNIST knows them.
    assert_eq!(all.train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(all.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    assert_eq!(all.train.class_counts()[..3], [5923, 6742, 5958]);
    assert!(
        all.train
            .images
            .iter()
            .all(|&v| (0.0..=255.0).contains(&v) && v.fract() == 0.0)
    );

    // From the cache now: neither mirror nor network is needed.
    let small = mnist_small_with(Ok(offline(cache.path(), None))).unwrap();
    assert_eq!(small.notice, None);
    assert_eq!(small.train, all.train.take(2400).unwrap());
    assert_eq!(small.validation, all.train.slice(2400..3000).unwrap());
    assert_eq!(small.test, all.test.take(1000).unwrap());

    let registry = Registry::builtin().unwrap();
    let entry = registry.get("mnist").unwrap();
    assert_eq!(Cache::new(cache.path()).presence(entry), Presence::Complete);
    // MD5 sums of the original unpacked files, as published by many who use them.
    let published = [
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ];
    for (file, published) in entry.files.iter().zip(published) {
        let bytes = std::fs::read(Cache::new(cache.path()).path(entry, file)).unwrap();
        let sum: String = Md5::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(sum, published, "{}", file.path);
    }
}
