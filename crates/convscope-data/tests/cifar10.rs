//! CIFAR-10 where it is to be had.

use convscope_data::{Cache, Dataset, FetchOptions, Mirror, Standardizer, cifar10_with};
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

/// A folder with real files: `CONVSCOPE_MIRROR`, or `shared/data` beside the repository.
fn real_mirror() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("CONVSCOPE_MIRROR").map(PathBuf::from);
    named
        .into_iter()
        .chain([beside])
        .find(|folder| folder.join("cifar10").is_dir())
}

fn offline(cache: &Path, mirror: Option<PathBuf>) -> FetchOptions {
    FetchOptions {
        offline: true,
        mirror: mirror.map(Mirror::Folder),
        ..FetchOptions::new(Cache::new(cache))
    }
}

#[test]
fn without_a_source_the_error_tells_how_to_get_it() {
    let cache = tempdir().unwrap();
    let error = cifar10_with(&offline(cache.path(), None)).unwrap_err();
    let error = error.to_string();
    for text in ["cifar-10-binary.tar.gz", "cargo course fetch cifar10"] {
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn an_archive_that_is_not_cifar10_is_never_used() {
    let cache = tempdir().unwrap();
    let folder = cache.path().join("cifar10");
    std::fs::create_dir(&folder).unwrap();
    let file = std::fs::File::create(folder.join("cifar-10-binary.tar.gz")).unwrap();
    file.set_len(170_052_171).unwrap();
    let error = cifar10_with(&offline(cache.path(), None)).unwrap_err();
    assert!(error.to_string().contains("could not fetch"), "{error}");
}

#[test]
fn the_real_images_as_the_mirror_has_them() {
    let Some(mirror) = real_mirror() else {
        println!("SKIPPED: no CIFAR-10 here. Set CONVSCOPE_MIRROR to a folder that has cifar10/.");
        return;
    };
    let cache = tempdir().unwrap();
    let set = match cifar10_with(&offline(cache.path(), Some(mirror.clone()))) {
        Ok(set) => set,
        Err(error) => {
            println!("SKIPPED: {error}");
            return;
        }
    };
    for (part, n) in [(&set.train, 50_000), (&set.test, 10_000)] {
        assert_eq!(part.images.shape(), [n, 3, 32, 32]);
        assert!(part.class_counts().iter().all(|&c| c == n / 10));
        assert!(part.images.iter().all(|v| (0.0..=1.0).contains(v)));
        let first = part.take(1000).unwrap().class_counts();
        assert!(first.iter().all(|c| (60..140).contains(c)), "{first:?}");
    }
    // The channels' means and deviations, as everyone who trains on it knows them.
    let scale = Standardizer::fit_channels(&set.train).unwrap();
    for (k, (mean, std)) in [(0.4914, 0.2470), (0.4822, 0.2435), (0.4465, 0.2616)]
        .into_iter()
        .enumerate()
    {
        let (m, s) = (scale.mean[[k, 7, 9]], scale.std[[k, 0, 0]]);
        assert!(
            (m - mean).abs() < 0.002 && (s - std).abs() < 0.003,
            "{m} {s}"
        );
    }

    let lossless = mirror.join("cifar10/cifar10_train_first4000.bin.gz");
    let Ok(packed) = std::fs::File::open(lossless) else {
        return;
    };
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let few = Dataset::from_cifar10("first4000", &bytes).unwrap();
    assert_eq!(few.images.shape(), [4000, 3, 32, 32]);
    // A frog, two trucks, a deer, two automobiles: the first images of the training set.
    assert_eq!(few.labels[..6], [6, 9, 9, 4, 1, 1]);
}
