//! The IDX reader against files that are whole, and against every way they can be broken.

use convscope_data::{DataError, Dataset, Idx, IdxElements, IdxProblem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::fs;

const CLASSES: [&str; 3] = ["a", "b", "c"];

/// Header and body, as the format's description has them.
fn idx(code: u8, sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|s| s.to_be_bytes()));
    bytes.extend(body);
    bytes
}

fn problem(bytes: &[u8]) -> IdxProblem {
    match Idx::from_bytes("f", bytes) {
        Err(DataError::Idx { name, problem }) if name == "f" => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_element_type_is_read_and_written_back() {
    use IdxElements::*;
    let cases = [
        (idx(0x08, &[3], &[0, 127, 255]), U8(vec![0, 127, 255])),
        (idx(0x09, &[3], &[0, 127, 255]), I8(vec![0, 127, -1])),
        (idx(0x0b, &[1, 2], &[1, 0, 0xff, 0xfe]), I16(vec![256, -2])),
        (idx(0x0c, &[1], &[0, 1, 0, 2]), I32(vec![65_538])),
        (idx(0x0d, &[1], &1.5f32.to_be_bytes()), F32(vec![1.5])),
        (
            idx(0x0e, &[1, 1, 1], &(-0.1f64).to_be_bytes()),
            F64(vec![-0.1]),
        ),
        (idx(0x08, &[0], &[]), U8(vec![])),
    ];
    for (bytes, elements) in cases {
        let read = Idx::from_bytes("f", &bytes).unwrap();
        assert_eq!(read.elements, elements);
        assert_eq!(read.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_both_numbers() {
    let many = idx(0x08, &[u32::MAX, u32::MAX, u32::MAX], &[]);
    // Sizes that multiply to 0 and still fit no array.
    let hidden = idx(0x08, &[0, u32::MAX, u32::MAX], &[]);
    let cases: [(&[u8], &str); 11] = [
        (&[], "its 0 bytes are fewer than the 4 of its header"),
        (&[0, 0, 8], "its 3 bytes are fewer than the 4"),
        (
            &[0, 0, 8, 3, 0, 0, 0, 1],
            "its 8 bytes are fewer than the 16",
        ),
        (
            &[8, 0, 0, 1, 0, 0, 0, 0],
            "begins with bytes 0x08 0x00 0x00 0x01",
        ),
        (&[0x1f, 0x8b, 8, 0, 0, 0], "still gzip-compressed"),
        (&idx(0x0a, &[1], &[1]), "type code 0x0a is unknown"),
        (&[0, 0, 8, 0, 5], "it has 0 dimensions"),
        (
            &idx(0x08, &[2, 2], &[1, 2, 3]),
            "[2, 2] asks for 16 bytes in all, but there are 15: it is truncated",
        ),
        (
            &idx(0x08, &[2, 2], &[1; 5]),
            "[2, 2] asks for 16 bytes in all, but there are 17",
        ),
        (&many, "more than any file can hold"),
        (&hidden, "more than any file can hold"),
    ];
    for (bytes, message) in cases {
        let text = problem(bytes).to_string();
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn a_header_that_promises_terabytes_allocates_nothing() {
    // 4 TiB of f64: were it allocated before the length is compared, this would abort.
    let problem = problem(&idx(0x0e, &[1 << 20, 1 << 19], &[0; 64]));
    assert!(
        matches!(problem, IdxProblem::Truncated { expected, got: 76, .. } if expected > 1 << 42)
    );
}

#[test]
fn no_mutation_of_a_file_makes_the_reader_panic_or_accept_a_lie() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let images = idx(0x08, &[3, 4, 5], &[9; 60]);
    let labels = idx(0x08, &[3], &[0, 1, 2]);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..60_000 {
        let (mut image_bytes, mut label_bytes) = (images.clone(), labels.clone());
        let target = if round % 3 == 0 {
            &mut label_bytes
        } else {
            &mut image_bytes
        };
        for _ in 0..1 + rng.next_u32() % 3 {
            let at = rng.next_u32() as usize % target.len().min(20);
            target[at] = match rng.next_u32() % 4 {
                0 => 0,
                1 => 0xff,
                2 => target[at].wrapping_add(1),
                _ => rng.next_u32() as u8,
            };
        }
        match rng.next_u32() % 4 {
            0 => target.truncate(rng.next_u32() as usize % (target.len() + 1)),
            1 => target.push(rng.next_u32() as u8),
            _ => {}
        }
        if let Ok(read) = Idx::from_bytes("f", target) {
            assert_eq!(read.sizes.iter().product::<usize>(), read.elements.len());
            assert_eq!(read.to_bytes().unwrap(), *target);
        }
        match Dataset::from_idx(
            "d",
            ("i", &image_bytes),
            ("l", &label_bytes),
            &CLASSES,
            None,
        ) {
            Ok(set) => {
                set.check().unwrap();
                accepted += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(
        accepted > 100 && refused > 10_000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn images_and_labels_become_a_dataset() {
    let images = idx(0x08, &[2, 2, 3], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
    let labels = idx(0x08, &[2], &[2, 0]);
    let set = Dataset::from_idx("d", ("i", &images), ("l", &labels), &CLASSES, None).unwrap();
    assert_eq!(set.images.shape(), [2, 1, 2, 3]);
    assert_eq!(set.images[[1, 0, 1, 2]], 255.0);
    assert_eq!(set.images[[0, 0, 1, 0]], 3.0);
    assert_eq!(
        (set.labels.as_slice(), set.class_of(0).unwrap()),
        (&[2, 0][..], "c")
    );
    assert_eq!(set.to_idx().unwrap(), (images.clone(), labels.clone()));

    let first = Dataset::from_idx("d", ("i", &images), ("l", &labels), &CLASSES, Some(1)).unwrap();
    assert_eq!(first, set.take(1).unwrap());
    let error =
        Dataset::from_idx("d", ("i", &images), ("l", &labels), &CLASSES, Some(3)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("3 is outside d, which holds 2 images"),
        "{error}"
    );
}

#[test]
fn pairs_that_do_not_belong_together_are_refused() {
    let images = idx(0x08, &[2, 1, 1], &[0, 1]);
    let cases = [
        (
            images.clone(),
            idx(0x08, &[3], &[0, 1, 2]),
            "2 images but 3 labels",
        ),
        (
            images.clone(),
            idx(0x08, &[2], &[0, 3]),
            "label 3 at position 1 is out of range: there are 3 classes",
        ),
        (
            images.clone(),
            idx(0x08, &[2, 1], &[0, 1]),
            "l is not a usable IDX file: it has 2 dimensions; expected 1",
        ),
        (
            idx(0x08, &[2], &[0, 1]),
            idx(0x08, &[2], &[0, 1]),
            "i is not a usable IDX file: it has 1 dimensions; expected 3",
        ),
        (
            idx(0x09, &[2, 1, 1], &[0, 1]),
            idx(0x08, &[2], &[0, 1]),
            "its elements are i8; expected u8",
        ),
    ];
    for (images, labels, message) in cases {
        let error =
            Dataset::from_idx("d", ("i", &images), ("l", &labels), &CLASSES, None).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn files_are_named_in_errors_and_written_atomically() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let images =
        ndarray::ArrayD::from_shape_fn(vec![4, 1, 3, 3], |i| (i[0] * 9 + i[2] * 3 + i[3]) as f32);
    let classes: Vec<String> = CLASSES.map(str::to_owned).to_vec();
    let set = Dataset::new("d", images, vec![0, 1, 2, 0], classes).unwrap();
    set.write_idx(path("images"), path("labels")).unwrap();
    let read = || Dataset::read_idx("d", path("images"), path("labels"), &CLASSES, None);
    assert_eq!(read().unwrap(), set);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["images", "labels"]);

    let whole = fs::read(path("images")).unwrap();
    fs::write(path("images"), &whole[..30]).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.contains("images is not a usable IDX file") && error.contains("truncated"),
        "{error}"
    );
    fs::remove_file(path("images")).unwrap();
    assert!(read().unwrap_err().to_string().starts_with("cannot read "));
    let error = set
        .write_idx(path("no/such/folder"), path("labels"))
        .unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}

#[test]
fn what_mnists_format_cannot_hold_is_not_written() {
    let classes: Vec<String> = CLASSES.map(str::to_owned).to_vec();
    let with = |images: ndarray::ArrayD<f32>| {
        Dataset::new("d", images, vec![0], classes.clone())
            .unwrap()
            .to_idx()
    };
    let cases = [
        (
            ndarray::ArrayD::from_elem(vec![1, 3, 2, 2], 1.0),
            "expected shape [N, 1, H, W]",
        ),
        (
            ndarray::ArrayD::from_elem(vec![1, 1, 2, 2], 0.5),
            "pixel 0 of d is 0.5",
        ),
        (
            ndarray::ArrayD::from_elem(vec![1, 1, 2, 2], 256.0),
            "is 256",
        ),
        (ndarray::ArrayD::from_elem(vec![1, 1, 2, 2], -1.0), "is -1"),
    ];
    for (images, message) in cases {
        let error = with(images).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let lies = Idx {
        sizes: vec![2, 2],
        elements: IdxElements::U8(vec![1; 5]),
    };
    assert!(
        lies.to_bytes()
            .unwrap_err()
            .to_string()
            .contains("a product of 5")
    );
}
