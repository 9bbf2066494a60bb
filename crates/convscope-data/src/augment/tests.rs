//! Flips, crops, seeds and functions of one's own.

use super::*;

const SHAPE: [usize; 3] = [1, 2, 3];
const IMAGE: [f32; 6] = [1., 2., 3., 4., 5., 6.];

#[test]
fn a_flip_mirrors_every_row() {
    let always = Augmentation::new().then(Augment::HorizontalFlip { probability: 1.0 });
    let mut image = IMAGE;
    always.apply(&mut image, SHAPE, (0, 0, 0)).unwrap();
    assert_eq!(image, [3., 2., 1., 6., 5., 4.]);
}

#[test]
fn a_shift_brings_in_the_fill_or_the_mirrored_image() {
    for (by, fill, expected) in [
        ([0, 1], Fill::Value(9.0), [2., 3., 9., 5., 6., 9.]),
        ([0, -2], Fill::Value(0.0), [0., 0., 1., 0., 0., 4.]),
        ([-1, 0], Fill::Value(0.0), [0., 0., 0., 1., 2., 3.]),
        ([3, 0], Fill::Value(7.0), [7.; 6]),
        ([0, 1], Fill::Reflect, [2., 3., 2., 5., 6., 5.]),
        ([1, -2], Fill::Reflect, [6., 5., 4., 3., 2., 1.]),
    ] {
        let mut image = IMAGE;
        warp::shift(&mut image, [2, 3], by, fill);
        assert_eq!(image, expected, "{by:?} {fill:?}");
    }
}

#[test]
fn what_is_drawn_depends_on_seed_epoch_and_index_alone() {
    let augmentation = Augmentation::new().flip().crop(3);
    let shape = [2, 9, 8];
    let original: Vec<f32> = (0..144).map(|i| i as f32).collect();
    let changed = |key| {
        let mut image = original.clone();
        augmentation.apply(&mut image, shape, key).unwrap();
        image
    };
    let of = |keys: [(u64, u64, u64); 40]| keys.map(changed).to_vec();
    let base = of(std::array::from_fn(|i| (1, 1, i as u64)));
    assert_eq!(base, of(std::array::from_fn(|i| (1, 1, i as u64))));
    for other in [
        of(std::array::from_fn(|i| (2, 1, i as u64))),
        of(std::array::from_fn(|i| (1, 2, i as u64))),
        of(std::array::from_fn(|i| (1, 1, i as u64 + 40))),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn a_crop_reaches_every_place_and_a_flip_is_an_even_chance() {
    let (mut places, mut flipped) = ([0; 9], 0);
    for index in 0..900 {
        let mut image = [0., 0., 0., 0., 1., 0., 0., 0., 0.];
        let crop = Augmentation::new().crop(1);
        crop.apply(&mut image, [1, 3, 3], (5, 0, index)).unwrap();
        places[image.iter().position(|&v| v == 1.0).unwrap()] += 1;
        let mut pair = [0., 1.];
        let flip = Augmentation::new().flip();
        flip.apply(&mut pair, [1, 1, 2], (5, 0, index)).unwrap();
        flipped += usize::from(pair[0] == 1.0);
    }
    assert!(places.iter().all(|&n| (60..140).contains(&n)), "{places:?}");
    assert!((400..500).contains(&flipped), "{flipped}");
}

#[test]
fn a_function_of_ones_own_runs_in_its_turn_and_may_fail() {
    let darker = Augmentation::new().custom("half", |mut image, _| {
        image *= 0.5;
        Ok(())
    });
    let mut image = IMAGE;
    darker.apply(&mut image, SHAPE, (0, 0, 0)).unwrap();
    assert_eq!(image, IMAGE.map(|v| v / 2.0));
    assert_eq!(darker.flip().to_string(), "half, flip 0.5");
    let refusing = Augmentation::new().custom("no", |_, _| {
        Err(DataError::Argument {
            what: "augmentation",
            problem: "no".into(),
        })
    });
    assert!(refusing.apply(&mut image, SHAPE, (0, 0, 0)).is_err());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let reflect = |padding| Augment::RandomCrop {
        padding,
        fill: Fill::Reflect,
    };
    let nan = Augment::RandomCrop {
        padding: 1,
        fill: Fill::Value(f32::NAN),
    };
    for (step, word) in [
        (Augment::HorizontalFlip { probability: 1.5 }, "from 0 to 1"),
        (
            Augment::HorizontalFlip {
                probability: f64::NAN,
            },
            "from 0 to 1",
        ),
        (reflect(2), "at least 3x3, got 2x3"),
        (nan, "finite"),
    ] {
        let error = Augmentation::new().then(step).check(SHAPE).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    Augmentation::new().then(reflect(1)).check(SHAPE).unwrap();
    let error = Augmentation::new()
        .flip()
        .apply(&mut [0.0; 5], SHAPE, (0, 0, 0));
    assert!(error.unwrap_err().to_string().contains("[1, 2, 3]"));
}
