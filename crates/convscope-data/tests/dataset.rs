//! Picking images out of a dataset, and standardising them.

use convscope_data::{DataError, Dataset, Standardizer};
use ndarray::{ArrayD, IxDyn};

/// `n` images of 2x1x3 whose every pixel tells the image's number; classes in turn.
fn set(n: usize) -> Dataset {
    let images =
        ArrayD::from_shape_fn(vec![n, 2, 1, 3], |i| (100 * i[0] + 10 * i[1] + i[3]) as f32);
    let classes = ["x", "y", "z"].map(str::to_owned).to_vec();
    Dataset::new("toy", images, (0..n).map(|i| i % 3).collect(), classes).unwrap()
}

/// Which images these are, by their pixels.
fn numbers(set: &Dataset) -> Vec<usize> {
    set.images
        .outer_iter()
        .map(|i| i[[0, 0, 0]] as usize / 100)
        .collect()
}

#[test]
fn slices_splits_and_selections_keep_images_and_labels_together() {
    let all = set(10);
    assert_eq!(
        (all.len(), all.image_shape(), all.pixels()),
        (10, [2, 1, 3], 6)
    );
    assert_eq!(all.to_string(), "toy: 10 images of 2x1x3, 3 classes");
    let cases = [
        (all.slice(2..5).unwrap(), vec![2, 3, 4]),
        (all.slice(8..).unwrap(), vec![8, 9]),
        (all.slice(..=1).unwrap(), vec![0, 1]),
        (all.slice(4..4).unwrap(), vec![]),
        (all.take(3).unwrap(), vec![0, 1, 2]),
        (all.split(7).unwrap().0, vec![0, 1, 2, 3, 4, 5, 6]),
        (all.split(7).unwrap().1, vec![7, 8, 9]),
        (all.select(&[5, 5, 0]).unwrap(), vec![5, 5, 0]),
        (all.of_class(1).unwrap(), vec![1, 4, 7]),
        (
            all.take(2)
                .unwrap()
                .concat(&all.slice(9..).unwrap())
                .unwrap(),
            vec![0, 1, 9],
        ),
    ];
    for (part, expected) in cases {
        assert_eq!(numbers(&part), expected);
        assert_eq!(
            part.labels,
            expected.iter().map(|i| i % 3).collect::<Vec<_>>()
        );
        assert_eq!((part.name.as_str(), &part.classes), ("toy", &all.classes));
        part.check().unwrap();
    }
    assert_eq!(all.class_counts(), [4, 3, 3]);
    assert_eq!(
        all.image(3).unwrap().into_dyn(),
        all.images.index_axis(ndarray::Axis(0), 3)
    );
    assert_eq!(all.class_of(5).unwrap(), "z");
    assert_eq!(
        all.flattened().row(2).to_vec(),
        [200.0, 201.0, 202.0, 210.0, 211.0, 212.0]
    );
    assert_eq!(all.mean_image().unwrap()[[1, 0, 2]], 462.0);
}

#[test]
fn filtered_classes_are_renumbered_in_the_order_given() {
    let some = set(7).filter_classes(&[2, 0]).unwrap();
    assert_eq!(numbers(&some), [0, 2, 3, 5, 6]);
    assert_eq!(some.labels, [1, 0, 1, 0, 1]);
    assert_eq!(some.classes, ["z", "x"]);
}

#[test]
fn shuffles_and_balanced_subsets_follow_the_seed() {
    let all = set(30);
    let shuffled = all.shuffled(1);
    assert_eq!(shuffled, all.shuffled(1));
    assert_ne!(shuffled, all.shuffled(2));
    let mut sorted = numbers(&shuffled);
    assert_ne!(sorted, numbers(&all));
    assert!(
        sorted
            .iter()
            .zip(&shuffled.labels)
            .all(|(i, l)| i % 3 == *l)
    );
    sorted.sort();
    assert_eq!(sorted, numbers(&all));

    let even = all.balanced(4, 9).unwrap();
    assert_eq!(even.class_counts(), [4, 4, 4]);
    assert_eq!(even, all.balanced(4, 9).unwrap());
    assert_ne!(even, all.balanced(4, 10).unwrap());
    let mut distinct = numbers(&even);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 12);
}

#[test]
fn mistakes_are_answered_with_both_numbers() {
    let all = set(6);
    let other = Dataset {
        classes: vec!["x".into(), "z".into(), "y".into()],
        ..all.clone()
    };
    let smaller = Dataset {
        images: ArrayD::zeros(vec![6, 1, 1, 3]),
        ..all.clone()
    };
    let cases: [(DataError, &str); 13] = [
        (
            all.image(6).unwrap_err(),
            "image 6 is outside toy, which holds 6 images",
        ),
        (all.class_of(9).unwrap_err(), "image 9 is outside toy"),
        (all.take(7).unwrap_err(), "7 is outside toy, which holds 6"),
        (
            all.slice(2..=6).unwrap_err(),
            "7 is outside toy, which holds 6",
        ),
        (
            all.slice(std::ops::Range { start: 5, end: 2 }).unwrap_err(),
            "starts at 5, after its end at 2",
        ),
        (all.split(8).unwrap_err(), "8 is outside toy"),
        (all.select(&[0, 6]).unwrap_err(), "image 6 is outside toy"),
        (
            all.of_class(3).unwrap_err(),
            "no class 3: its 3 classes are",
        ),
        (
            all.filter_classes(&[0, 0]).unwrap_err(),
            "class 0 is named twice",
        ),
        (
            all.balanced(3, 1).unwrap_err(),
            "class 0 (x) of toy has 2 images, fewer than the 3",
        ),
        (all.concat(&other).unwrap_err(), "the classes differ"),
        (
            all.concat(&smaller).unwrap_err(),
            "expected shape [2, 1, 3] each, got [1, 1, 3]",
        ),
        (
            all.take(0).unwrap().mean_image().unwrap_err(),
            "toy is empty: a mean image needs at least one image",
        ),
    ];
    for (error, message) in cases {
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn a_dataset_that_contradicts_itself_is_refused() {
    let classes = vec!["x".to_owned(), "y".to_owned()];
    let new = |images: ArrayD<f32>, labels: Vec<usize>| {
        Dataset::new("d", images, labels, classes.clone()).unwrap_err()
    };
    let mut poisoned = ArrayD::zeros(vec![2, 1, 2, 2]);
    poisoned[[1, 0, 1, 0]] = f32::NAN;
    let mut endless = ArrayD::zeros(vec![2, 1, 2, 2]);
    endless[[0, 0, 0, 1]] = f32::NEG_INFINITY;
    let cases = [
        (
            new(ArrayD::zeros(vec![2, 4]), vec![0, 1]),
            "expected shape [N, C, H, W], got [2, 4]",
        ),
        (
            new(ArrayD::zeros(vec![2, 1, 2, 2]), vec![0]),
            "2 images but 1 labels",
        ),
        (
            new(ArrayD::zeros(vec![2, 1, 2, 2]), vec![0, 2]),
            "label 2 at position 1 is out of range: there are 2 classes, numbered 0 to 1",
        ),
        (
            new(poisoned, vec![0, 1]),
            "pixel 2 (row-major) of image 1 is NaN",
        ),
        (
            new(endless, vec![0, 1]),
            "pixel 1 (row-major) of image 0 is -inf",
        ),
    ];
    for (error, message) in cases {
        assert!(error.to_string().contains(message), "{error}");
    }
    Dataset::new("empty", ArrayD::zeros(vec![0, 1, 2, 2]), vec![], classes).unwrap();
}

#[test]
fn standardised_training_pixels_have_mean_0_and_deviation_1() {
    // The last pixel of channel 1 never changes.
    let mut train = set(50);
    train.images.slice_mut(ndarray::s![.., 1, 0, 2]).fill(0.1);
    let fitted = Standardizer::fit(&train).unwrap();
    let out = fitted.apply(&train).unwrap();
    for pixel in 0..6 {
        let at = |i: usize| f64::from(out.images[[i, pixel / 3, 0, pixel % 3]]);
        let mean = (0..50).map(at).sum::<f64>() / 50.0;
        let variance = (0..50).map(|i| (at(i) - mean).powi(2)).sum::<f64>() / 50.0;
        let expected = if pixel == 5 { 0.0 } else { 1.0 };
        assert!(
            mean.abs() < 1e-5 && (variance - expected).abs() < 1e-5,
            "{pixel}: {mean} {variance}"
        );
    }
    assert_eq!(
        fitted.std[[1, 0, 2]],
        1.0,
        "a pixel that never changes stays unscaled"
    );
    assert_eq!(out.labels, train.labels);
    let back = fitted.invert(&out).unwrap();
    assert!(
        back.images
            .iter()
            .zip(&train.images)
            .all(|(a, b)| (a - b).abs() < 1e-2)
    );
    // Values by hand: mean 100, deviation 100.
    let pair = Standardizer::fit(&set(3).select(&[0, 2]).unwrap()).unwrap();
    assert_eq!((pair.mean[[0, 0, 0]], pair.std[[0, 0, 0]]), (100.0, 100.0));
    assert_eq!(pair.apply(&set(2)).unwrap().images[[0, 0, 0, 0]], -1.0);
    let single = set(1).image(0).unwrap().into_dyn();
    assert_eq!(pair.apply_to(&single).unwrap().shape(), [2, 1, 3]);
}

#[test]
fn a_standardizer_refuses_what_it_cannot_measure() {
    let empty = set(3).take(0).unwrap();
    assert!(
        Standardizer::fit(&empty)
            .unwrap_err()
            .to_string()
            .contains("toy is empty")
    );
    let mut poisoned = set(3);
    poisoned.images[[2, 0, 0, 0]] = f32::INFINITY;
    assert!(
        Standardizer::fit(&poisoned)
            .unwrap_err()
            .to_string()
            .contains("image 2 is inf")
    );
    let fitted = Standardizer::fit(&set(3)).unwrap();
    assert!(
        fitted
            .apply(&poisoned)
            .unwrap_err()
            .to_string()
            .contains("image 2 is inf")
    );
    for shape in [
        vec![1, 2, 3, 1],
        vec![2, 1, 4],
        vec![6],
        vec![1, 1, 2, 1, 3],
    ] {
        let error = fitted
            .apply_to(&ArrayD::zeros(IxDyn(&shape)))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("[N, 2, 1, 3]") && error.contains(&format!("{shape:?}")),
            "{error}"
        );
    }
}

#[test]
fn public_types_can_be_sent_between_threads() {
    fn ok<T: Send + Sync + 'static>() {}
    ok::<Dataset>();
    ok::<DataError>();
    ok::<Standardizer>();
    ok::<convscope_data::Mnist>();
    ok::<convscope_data::Shapes>();
    ok::<convscope_data::FetchOptions>();
    ok::<convscope_data::Registry>();
}
