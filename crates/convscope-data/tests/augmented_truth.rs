//! Boxes and masks that come along with their images, on Shapes, whose boxes are those of its masks.

use convscope_data::{Augment, Augmentation, Augmented, Fill, Shapes, ShapesConfig};
use ndarray::{Array2, Array3, array, s};

fn shapes() -> Shapes {
    Shapes::generate(40, &ShapesConfig::default(), 3).unwrap()
}

fn of(shapes: &Shapes, i: usize, augmentation: &Augmentation) -> Augmented {
    let image = shapes.dataset.image(i).unwrap();
    let boxes = shapes.boxes.slice(s![i..i + 1, ..]).to_owned();
    let mask = shapes.masks.index_axis(ndarray::Axis(0), i).to_owned();
    augmentation
        .augment_with(&image, &boxes, Some(&mask), (1, 1, i as u64))
        .unwrap()
}

/// x0, y0, x1, y1 of what is 1 in a mask.
fn bounds(mask: &Array2<u8>) -> Option<[f32; 4]> {
    let on = mask.indexed_iter().filter(|(_, m)| **m == 1);
    on.map(|((y, x), _)| [x, y, x + 1, y + 1].map(|v| v as f32))
        .reduce(|a, b| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        })
}

#[test]
fn flips_and_quarter_turns_keep_the_box_around_the_mask_exactly() {
    let shapes = shapes();
    let quarter = |degrees| Augment::Rotate {
        degrees: (degrees, degrees),
        fill: Fill::Value(0.0),
    };
    for augmentation in [
        Augmentation::new(),
        Augmentation::new().flip().vertical_flip(),
        Augmentation::new().flip().then(quarter(90.0)),
        Augmentation::new().then(quarter(180.0)).vertical_flip(),
    ] {
        for i in 0..shapes.len() {
            let out = of(&shapes, i, &augmentation);
            let row: Vec<f32> = out.boxes.row(0).to_vec();
            assert_eq!(row, bounds(out.mask.as_ref().unwrap()).unwrap(), "{i}");
            assert_eq!((out.visible[0], out.kept[0]), (1.0, true));
            assert_eq!(out.image.dim(), (3, 32, 32));
        }
    }
}

#[test]
fn a_box_stays_around_what_its_mask_shows_and_not_far() {
    let shapes = shapes();
    let bend = |strength| Augment::Lens {
        strength: (strength, strength),
        fill: Fill::Value(0.0),
    };
    // How much wider than the mask a box may be: its corners are empty, and stand out most when
    // they are turned.
    for (augmentation, slack) in [
        (Augmentation::new().crop(6), 1.3),
        (Augmentation::new().shift(5.0).stretch(1.3), 2.5),
        (Augmentation::new().rotate(45.0), 9.5),
        (Augmentation::new().shear(0.3).flip(), 8.0),
        (Augmentation::new().then(bend(0.3)), 3.5),
        (Augmentation::new().then(bend(-0.25)), 3.5),
        (Augmentation::new().zoom(1.5).rotate(10.0).crop(3), 6.0),
    ] {
        let mut tight = 0;
        for i in 0..shapes.len() {
            let out = of(&shapes, i, &augmentation);
            let row: Vec<f32> = out.boxes.row(0).to_vec();
            let Some(mask) = bounds(out.mask.as_ref().unwrap()) else {
                continue;
            };
            // Half a pixel for pixels whose centre alone is within.
            let around = [
                row[0] - mask[0],
                row[1] - mask[1],
                mask[2] - row[2],
                mask[3] - row[3],
            ];
            assert!(
                around.iter().all(|v| *v <= 0.51),
                "{augmentation} {i}: {row:?} {mask:?}"
            );
            assert!(row[0] >= 0.0 && row[1] >= 0.0 && row[2] <= 32.0 && row[3] <= 32.0);
            tight += usize::from(out.visible[0] < 1.0 || around.iter().all(|v| *v >= -slack));
        }
        assert!(tight == shapes.len(), "{augmentation}: {tight}");
    }
}

#[test]
fn the_image_and_its_mask_move_together() {
    // The mask as an image of its own goes the same way.
    let shapes = shapes();
    let augmentation = Augmentation::new().flip().rotate(30.0).lens(0.2).crop(4);
    for i in 0..shapes.len() {
        let mask = shapes.masks.index_axis(ndarray::Axis(0), i).to_owned();
        let image = mask.mapv(f32::from).insert_axis(ndarray::Axis(0));
        let none = Array2::zeros((0, 4));
        let out = augmentation
            .augment_with(&image, &none, Some(&mask), (2, 3, i as u64))
            .unwrap();
        let mut apart = 0;
        for (v, &m) in out.image.iter().zip(out.mask.as_ref().unwrap()) {
            // Only where the bilinear value is near one half could the nearest be another.
            apart += usize::from((v - f32::from(m)).abs() > 0.76);
        }
        assert_eq!(apart, 0, "image {i}");
        assert!(out.boxes.is_empty() && out.kept.is_empty());
    }
}

#[test]
fn boxes_are_cut_to_the_image_and_dropped_where_too_little_is_left() {
    let image = Array3::zeros((1, 10, 10));
    let right = |across: f64| {
        Augmentation::new().then(Augment::Shift {
            down: (0.0, 0.0),
            across: (across, across),
            fill: Fill::Value(0.0),
        })
    };
    let boxes = array![[2.0, 2.0, 6.0, 4.0], [0.0, 0.0, 1.0, 1.0]];
    for (by, expected, visible, kept) in [
        (0.0, [2.0, 2.0, 6.0, 4.0], 1.0, true),
        (5.0, [7.0, 2.0, 10.0, 4.0], 0.75, true),
        (7.0, [9.0, 2.0, 10.0, 4.0], 0.25, true),
        (7.5, [9.5, 2.0, 10.0, 4.0], 0.125, false),
        (9.0, [0.0; 4], 0.0, false),
    ] {
        let out = right(by)
            .augment_with(&image, &boxes, None, (0, 0, 0))
            .unwrap();
        assert_eq!(out.boxes.row(0).to_vec(), expected, "{by}");
        assert!(
            (out.visible[0] - visible).abs() < 1e-6,
            "{by}: {:?}",
            out.visible
        );
        assert_eq!(
            (out.kept[0], out.kept.len(), out.mask),
            (kept, 2, None),
            "{by}"
        );
    }
    let strict = right(5.0).least_visible(0.8);
    assert!(
        !strict
            .augment_with(&image, &boxes, None, (0, 0, 0))
            .unwrap()
            .kept[0]
    );
    // What left the image on the way does not come back.
    let back = right(8.0).then(right(-8.0).steps()[0].clone());
    let out = back.augment_with(&image, &boxes, None, (0, 0, 0)).unwrap();
    assert_eq!((out.visible[0], out.kept[1]), (0.0, true));
}

#[test]
fn boxes_follow_a_change_of_size() {
    let image = Array3::zeros((3, 300, 400));
    let whole = Augmentation::new().then(Augment::ResizedCrop {
        area: (1.0, 1.0),
        ratio: (4.0 / 3.0, 4.0 / 3.0),
        size: Some([30, 80]),
    });
    let boxes = array![[100.0, 30.0, 200.0, 60.0]];
    let mask = Array2::from_shape_fn((300, 400), |(y, x)| {
        u8::from((30..60).contains(&y) && (100..200).contains(&x))
    });
    let out = whole
        .augment_with(&image, &boxes, Some(&mask), (0, 0, 0))
        .unwrap();
    assert_eq!(out.image.dim(), (3, 30, 80));
    let row: Vec<f32> = out.boxes.row(0).to_vec();
    assert!(
        row.iter()
            .zip([20.0, 3.0, 40.0, 6.0])
            .all(|(a, b)| (a - b).abs() < 1e-4)
    );
    assert_eq!(bounds(&out.mask.unwrap()).unwrap(), [20.0, 3.0, 40.0, 6.0]);
}

#[test]
fn boxes_and_masks_that_do_not_belong_to_the_image_are_refused() {
    let (image, none) = (Array3::zeros((1, 6, 8)), Array2::zeros((0, 4)));
    let run = |boxes: &Array2<f32>, mask: Option<&Array2<u8>>| {
        let augmentation = Augmentation::new().flip();
        let out = augmentation.augment_with(&image, boxes, mask, (0, 0, 0));
        out.unwrap_err().to_string()
    };
    for boxes in [
        array![[0.0, 0.0, 9.0, 1.0]],
        array![[3.0, 1.0, 3.0, 2.0]],
        array![[-1.0, 0.0, 2.0, 2.0]],
        array![[0.0, 0.0, f32::NAN, 2.0]],
    ] {
        let error = run(&boxes, None);
        assert!(
            error.contains("box 0") && error.contains("8 wide and 6 high"),
            "{error}"
        );
    }
    assert!(run(&Array2::zeros((2, 3)), None).contains("[boxes, 4]"));
    let error = run(&none, Some(&Array2::zeros((8, 6))));
    assert!(
        error.contains("[6, 8]") && error.contains("[8, 6]"),
        "{error}"
    );
}
