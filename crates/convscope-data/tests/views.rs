//! Test-time views of a numbered image, and the average over them.

use convscope_data::{DataError, MeanScores, Preprocessing, TestViews, sample_photo};
use ndarray::{Array3, ArrayD, Axis, array, s};

/// Every pixel has a number of its own.
fn numbered() -> Array3<f32> {
    Array3::from_shape_fn((2, 4, 5), |(c, y, x)| (100 * c + 10 * y + x) as f32)
}

#[test]
fn ten_crops_are_the_corners_and_the_centre_and_their_mirror_images() {
    let views = TestViews::ten_crops([2, 3]);
    let all: Vec<_> = views.of(&numbered()).unwrap().map(Result::unwrap).collect();
    let corners = [[0, 0], [0, 2], [2, 0], [2, 2], [1, 1]];
    assert_eq!((all.len(), views.len()), (10, 10));
    for (k, [top, left]) in corners.into_iter().enumerate() {
        let mut crop = numbered()
            .slice(s![.., top..top + 2, left..left + 3])
            .to_owned();
        assert_eq!(all[2 * k], crop, "{k}");
        crop.invert_axis(Axis(2));
        assert_eq!(all[2 * k + 1], crop, "{k}");
    }
    let names = views.names();
    assert_eq!(
        (names[0].as_str(), names[9].as_str()),
        ("top left", "centre, mirrored")
    );
}

#[test]
fn flips_are_two_views() {
    let all: Vec<_> = TestViews::flips()
        .of(&numbered())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!((all.len(), &all[0]), (2, &numbered()));
    assert_eq!(all[1][[1, 2, 0]], 124.0);
}

#[test]
fn fifty_views_come_in_batches_of_bounded_size() {
    let fifty = TestViews::ten_crops([224, 224]).scales([224, 256, 384, 480, 640]);
    assert_eq!(fifty.len(), 50);
    assert_eq!(fifty.names()[49], "640: centre, mirrored");
    let photo = sample_photo().resize(300, 400).unwrap();
    let preprocessing = Preprocessing::torchvision(224);
    let views = fifty.of_photo(&photo, &preprocessing).unwrap();
    let sizes: Vec<_> = views
        .clone()
        .batches(16)
        .map(|b| b.unwrap().dim())
        .collect();
    assert_eq!(
        sizes.iter().map(|s| s.0).collect::<Vec<_>>(),
        [16, 16, 16, 2]
    );
    assert!(sizes.iter().all(|s| (s.1, s.2, s.3) == (3, 224, 224)));
    // The centre of the second scale is what the preprocessing itself shows.
    let centre = views.clone().nth(18).unwrap().unwrap();
    assert_eq!(centre, preprocessing.apply(&photo).unwrap());
    // Without scales, the preprocessing's own.
    let ten = TestViews::ten_crops([224, 224])
        .of_photo(&photo, &preprocessing)
        .unwrap();
    assert_eq!(ten.clone().nth(8).unwrap().unwrap(), centre);
    assert_eq!(ten.count(), 10);
}

#[test]
fn an_image_in_a_networks_units_is_scaled_too() {
    let ramp = Array3::from_shape_fn((1, 8, 16), |(_, _, x)| x as f32 + 0.5);
    let views = TestViews::flips().scales([4, 16]);
    let all: Vec<_> = views.of(&ramp).unwrap().map(Result::unwrap).collect();
    let dims: Vec<_> = all.iter().map(|v| v.dim()).collect();
    assert_eq!(dims, [(1, 4, 8), (1, 4, 8), (1, 16, 32), (1, 16, 32)]);
    // Half the size: the mean of two; twice the size: quarters between.
    assert!((all[0][[0, 1, 3]] - 7.0).abs() < 1e-5);
    assert!((all[2][[0, 5, 9]] - 4.75).abs() < 1e-5);
    let batches: Vec<_> = views
        .of(&ramp)
        .unwrap()
        .batches(3)
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        batches.iter().map(|b| b.dim().0).collect::<Vec<_>>(),
        [2, 2]
    );
}

#[test]
fn scores_are_averaged_over_the_views() {
    let image = numbered();
    let views = || TestViews::ten_crops([2, 3]).of(&image).unwrap();
    // The mean of each view and of its square, from numbers that crops alone tell apart.
    let score = |batch: &ArrayD<f32>| -> Result<ArrayD<f32>, DataError> {
        let rows = batch
            .outer_iter()
            .flat_map(|v| [v.mean().unwrap(), v[[0, 0, 0]]]);
        let rows: Vec<f32> = rows.collect();
        Ok(ArrayD::from_shape_vec(vec![batch.shape()[0], 2], rows).unwrap())
    };
    let mean = views().average(3, score).unwrap();
    // The crops lie evenly around row 1.5 and column 2; the channels' mean is 50.
    let first: f32 = (0.0 + 2.0 + 20.0 + 22.0 + 11.0 + 2.0 + 4.0 + 22.0 + 24.0 + 13.0) / 10.0;
    assert!(
        (mean[0] - 67.0).abs() < 1e-4 && (mean[1] - first).abs() < 1e-5,
        "{mean}"
    );
    assert_eq!(mean, views().average(10, score).unwrap());
    let wrong = views().average(3, |_| Ok::<_, DataError>(ArrayD::zeros(vec![1, 2])));
    assert!(wrong.unwrap_err().to_string().contains("[3, classes]"));
    let failing = views().average(3, |_| {
        Err(DataError::Argument {
            what: "net",
            problem: "no".into(),
        })
    });
    assert_eq!(failing.unwrap_err().to_string(), "net: no");

    let mut scores = MeanScores::new();
    assert!(
        scores
            .mean()
            .unwrap_err()
            .to_string()
            .contains("at least one")
    );
    scores
        .add(&array![[0.0f32, 1.0], [1.0, 1.0]].into_dyn())
        .unwrap();
    scores.add(&array![2.0f32, 4.0].into_dyn()).unwrap();
    assert_eq!(
        (scores.mean().unwrap(), scores.rows()),
        (array![1.0, 2.0], 3)
    );
    let error = scores
        .add(&array![1.0f32].into_dyn())
        .unwrap_err()
        .to_string();
    assert!(error.contains("2 classes, as before"), "{error}");
}

#[test]
fn views_that_do_not_fit_are_refused_before_any_is_made() {
    for (views, words) in [
        (TestViews::ten_crops([5, 3]), "5x3 does not fit into 4x5"),
        (TestViews::ten_crops([0, 3]), "at least 1 pixel"),
        (TestViews::flips().scales([0]), "at least 1 pixel"),
        (
            TestViews::ten_crops([6, 6]).scales([8, 5]),
            "6x6 does not fit into 5x6",
        ),
    ] {
        let error = views.of(&numbered()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let large = TestViews::ten_crops([300, 300]);
    let error = large.of_photo(&sample_photo(), &Preprocessing::torchvision(224));
    assert!(error.unwrap_err().to_string().contains("256x256"));
}
