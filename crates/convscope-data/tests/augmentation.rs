//! Random changes of images against closed forms, and the statistics of what is drawn.

use convscope_data::{Augment, Augmentation, Dataset, Draw, Fill};
use ndarray::{Array3, Array4, s};

const ZERO: Fill = Fill::Value(0.0);

/// Noise without structure, which every blur changes.
fn noise(c: usize, h: usize, w: usize) -> Array3<f32> {
    let mut draw = Draw::new(7, 0);
    Array3::from_shape_simple_fn((c, h, w), || draw.unit())
}

/// Every pixel is its place across, or down in a second channel, at its centre.
fn ramp(h: usize, w: usize) -> Array3<f32> {
    Array3::from_shape_fn((2, h, w), |(c, y, x)| [x, y][c] as f32 + 0.5)
}

fn made(steps: impl IntoIterator<Item = Augment>, image: &Array3<f32>) -> Array3<f32> {
    let start = Augmentation::new();
    let augmentation = steps.into_iter().fold(start, Augmentation::then);
    augmentation.augment(image.view(), (1, 2, 3)).unwrap()
}

fn same(v: f64) -> (f64, f64) {
    (v, v)
}

fn rotate(degrees: f64) -> Augment {
    Augment::Rotate {
        degrees: same(degrees),
        fill: ZERO,
    }
}

fn shift(down: f64, across: f64, fill: Fill) -> Augment {
    Augment::Shift {
        down: same(down),
        across: same(across),
        fill,
    }
}

fn lens(strength: f64) -> Augment {
    Augment::Lens {
        strength: same(strength),
        fill: ZERO,
    }
}

fn largest_difference(a: &Array3<f32>, b: &Array3<f32>) -> f32 {
    assert_eq!(a.dim(), b.dim());
    (a - b).iter().fold(0.0, |most, v| v.abs().max(most))
}

#[test]
fn what_changes_nothing_or_undoes_itself_leaves_every_bit() {
    let flip = Augment::HorizontalFlip { probability: 1.0 };
    let vertical = Augment::VerticalFlip { probability: 1.0 };
    let stretch = Augment::Stretch {
        down: same(1.0),
        across: same(1.0),
        fill: ZERO,
    };
    let cases: [Vec<Augment>; 9] = [
        vec![flip.clone(), flip.clone()],
        vec![vertical.clone(), vertical.clone()],
        vec![flip, rotate(180.0), vertical],
        vec![rotate(0.0)],
        vec![rotate(-720.0)],
        vec![rotate(90.0), rotate(90.0), rotate(180.0)],
        vec![lens(0.0)],
        vec![stretch],
        vec![shift(0.0, 0.0, ZERO)],
    ];
    for steps in cases {
        for image in [noise(1, 6, 6), noise(3, 7, 7), noise(5, 8, 8)] {
            assert_eq!(made(steps.clone(), &image), image, "{steps:?}");
        }
    }
}

#[test]
fn quarter_turns_are_exact_and_anticlockwise() {
    for n in [5, 6] {
        let image = noise(2, n, n);
        let turned = Array3::from_shape_fn((2, n, n), |(c, y, x)| image[[c, x, n - 1 - y]]);
        assert_eq!(made([rotate(90.0)], &image), turned);
        assert_eq!(made([rotate(-270.0)], &image), turned);
    }
}

#[test]
fn a_shift_moves_pixels_and_half_a_pixel_is_the_mean_of_two() {
    let image = noise(3, 4, 5);
    let moved = made([shift(1.0, -2.0, Fill::Value(9.0))], &image);
    for ((c, y, x), &v) in moved.indexed_iter() {
        let from = (y >= 1 && x < 3).then(|| image[[c, y - 1, x + 2]]);
        assert_eq!(v, from.unwrap_or(9.0), "{c} {y} {x}");
    }
    let half = made([shift(0.0, 0.5, Fill::Edge)], &image);
    for ((c, y, x), &v) in half.indexed_iter() {
        let left = image[[c, y, x.saturating_sub(1)]];
        assert!((v - (image[[c, y, x]] + left) / 2.0).abs() < 1e-6);
    }
}

#[test]
fn a_shear_moves_each_row_by_its_distance_from_the_centre() {
    let image = noise(1, 5, 7);
    let shear = Augment::Shear {
        across: same(1.0),
        down: same(0.0),
        fill: Fill::Value(-1.0),
    };
    for ((_, y, x), &v) in made([shear], &image).indexed_iter() {
        let from = x as isize - (y as isize - 2);
        let inside = (0..7).contains(&from);
        let expected = if inside {
            image[[0, y, from as usize]]
        } else {
            -1.0
        };
        assert_eq!(v, expected, "{y} {x}");
    }
}

#[test]
fn a_lens_looks_where_its_formula_says() {
    let (h, w) = (20, 30);
    let image = ramp(h, w);
    for k in [-0.3, -0.1, 0.2] {
        let (cy, cx) = (h as f64 / 2.0, w as f64 / 2.0);
        let mut inside = 0;
        let out = made([lens(k)], &image);
        for (y, x) in (0..h * w).map(|i| (i / w, i % w)) {
            let (dx, dy) = (x as f64 + 0.5 - cx, y as f64 + 0.5 - cy);
            let factor = 1.0 + k * (dx * dx + dy * dy) / (cx * cx + cy * cy);
            let (sx, sy) = (cx + dx * factor, cy + dy * factor);
            // Half a pixel from the edge the fill begins to mix in.
            if sx < 0.5 || sy < 0.5 || sx > w as f64 - 0.5 || sy > h as f64 - 0.5 {
                continue;
            }
            inside += 1;
            assert!(
                (f64::from(out[[0, y, x]]) - sx).abs() < 1e-4,
                "{k}: {y} {x}"
            );
            assert!(
                (f64::from(out[[1, y, x]]) - sy).abs() < 1e-4,
                "{k}: {y} {x}"
            );
        }
        assert!(inside > 300, "{k}: {inside}");
    }
    // A barrel shows what was beyond the edge; a pincushion cuts the corners off.
    assert_eq!(made([lens(0.2)], &image)[[0, 0, 0]], 0.0);
    assert!(made([lens(-0.2)], &image)[[0, 0, 0]] > 2.0);
}

#[test]
fn stretched_and_zoomed_images_are_scaled_around_the_centre_and_averaged_where_they_shrink() {
    let image = ramp(8, 12);
    let stretch = Augment::Stretch {
        down: same(1.0),
        across: same(2.0),
        fill: ZERO,
    };
    let out = made([stretch], &image);
    for ((c, y, x), &v) in out.indexed_iter() {
        let expected = [6.0 + (x as f32 + 0.5 - 6.0) / 2.0, y as f32 + 0.5][c];
        assert!((v - expected).abs() < 1e-5, "{c} {y} {x}");
    }
    let (image, half) = (noise(1, 8, 8), same(0.5));
    let zoom = Augment::Zoom {
        factor: half,
        fill: ZERO,
    };
    let out = made([zoom], &image);
    for (y, x) in (0..16).map(|i| (i / 4, i % 4)) {
        let block = image.slice(s![0, 2 * y..2 * y + 2, 2 * x..2 * x + 2]);
        assert!((out[[0, y + 2, x + 2]] - block.mean().unwrap()).abs() < 1e-6);
    }
    assert_eq!(out.slice(s![0, ..2, ..]).sum(), 0.0);
}

#[test]
fn changes_that_follow_each_other_are_one_interpolation() {
    let image = noise(3, 32, 32);
    let there_and_back = made([rotate(30.0), rotate(-30.0)], &image);
    let inner = s![.., 9..23, 9..23];
    let difference = largest_difference(
        &there_and_back.slice(inner).to_owned(),
        &image.slice(inner).to_owned(),
    );
    assert!(difference < 1e-5, "{difference}");
    // A step in between parts them, and the noise is blurred twice.
    let nothing = Augmentation::new()
        .then(rotate(30.0))
        .custom("look", |_, _| Ok(()));
    let twice = nothing.then(rotate(-30.0)).augment(image.view(), (1, 2, 3));
    let blurred = largest_difference(
        &twice.unwrap().slice(inner).to_owned(),
        &image.slice(inner).to_owned(),
    );
    assert!(blurred > 0.1, "{blurred}");
    // What the first cut off stays cut off: the second is not shown more than there was.
    let gone = made([shift(0.0, 40.0, ZERO), shift(0.0, -40.0, ZERO)], &image);
    assert_eq!(gone.sum(), 0.0);
}

#[test]
fn what_comes_in_is_what_was_declared() {
    let row = Array3::from_shape_vec((1, 1, 4), vec![1.0, 2.0, 3.0, 6.0]).unwrap();
    for (fill, expected) in [
        (Fill::Value(9.0), [9.0, 9.0, 1.0, 2.0]),
        (Fill::Mean, [3.0, 3.0, 1.0, 2.0]),
        (Fill::Edge, [1.0, 1.0, 1.0, 2.0]),
        (Fill::Reflect, [3.0, 2.0, 1.0, 2.0]),
    ] {
        let moved = made([shift(0.0, 2.0, fill)], &row);
        assert_eq!(moved.as_slice().unwrap(), expected, "{fill:?}");
        // As the second of two, where it lies around what the first one made.
        let flip = Augment::HorizontalFlip { probability: 1.0 };
        let mut back = moved.clone();
        back.invert_axis(ndarray::Axis(2));
        let second = made([flip.clone(), shift(0.0, -2.0, fill)], &row);
        assert_eq!(second, back, "{fill:?}");
        let third = made([shift(0.0, 0.0, fill), shift(0.0, 2.0, fill)], &row);
        assert_eq!(third, moved, "{fill:?}");
    }
}

#[test]
fn draws_are_the_same_bits_in_any_order_and_on_any_thread() {
    let augmentation = Augmentation::new()
        .range(convscope_data::PixelRange::unit())
        .flip()
        .rotate(20.0)
        .lens(0.2)
        .hue(30.0)
        .contrast(0.4)
        .cut_out(5)
        .resized_crop();
    let image = noise(3, 16, 16);
    let one = |i: u64| augmentation.augment(image.view(), (3, 1, i)).unwrap();
    let forward: Vec<_> = (0..24).map(one).collect();
    let mut parallel = vec![Array3::zeros((0, 0, 0)); 24];
    std::thread::scope(|scope| {
        for (k, part) in parallel.chunks_mut(7).enumerate() {
            let one = &one;
            scope.spawn(move || {
                for (i, out) in part.iter_mut().enumerate().rev() {
                    *out = one((7 * k + i) as u64);
                }
            });
        }
    });
    assert_eq!(forward, parallel);
    assert_ne!(forward[0], forward[1]);
    let next = augmentation.augment(image.view(), (3, 2, 0)).unwrap();
    assert_ne!(forward[0], next);
    // In place, the same.
    let mut pixels: Vec<f32> = image.iter().copied().collect();
    augmentation
        .apply(&mut pixels, [3, 16, 16], (3, 1, 5))
        .unwrap();
    assert_eq!(pixels, forward[5].as_slice().unwrap());
}

#[test]
fn angles_and_places_are_drawn_evenly_within_their_bounds() {
    // A ramp across turned by an angle still rises across by its cosine.
    let image = ramp(9, 9);
    let rotation = Augmentation::new().rotate(30.0);
    let angles: Vec<f64> = (0..2000)
        .map(|i| {
            let out = rotation.augment(image.view(), (1, 0, i)).unwrap();
            let rise = (out[[1, 4, 5]] - out[[1, 4, 3]]) / 2.0;
            f64::from(rise.asin().to_degrees())
        })
        .collect();
    let mean = angles.iter().sum::<f64>() / 2000.0;
    let square = angles.iter().map(|a| a * a).sum::<f64>() / 2000.0;
    assert!(angles.iter().all(|a| a.abs() < 30.01));
    // Uniform in -30 to 30: variance 300. The mean wanders by .4, its square's by 6.
    assert!(
        mean.abs() < 1.3 && (square - 300.0).abs() < 24.0,
        "{mean} {square}"
    );
}

#[test]
fn the_resnet_recipe_draws_every_scale_and_place() {
    let image = ramp(300, 400);
    let recipe = Augmentation::resnet();
    assert_eq!(recipe.output_shape([2, 300, 400]).unwrap(), [2, 224, 224]);
    let (mut sides, mut flipped, mut lefts) = (Vec::new(), 0, Vec::new());
    for i in 0..400 {
        let out = recipe.augment(image.view(), (5, 1, i)).unwrap();
        assert_eq!(out.dim(), (2, 224, 224));
        let rise = (out[[1, 150, 100]] - out[[1, 50, 100]]) / 100.0;
        sides.push(300.0 / f64::from(rise));
        let slope = (out[[0, 100, 150]] - out[[0, 100, 50]]) / 100.0;
        flipped += usize::from(slope < 0.0);
        assert!((f64::from(slope.abs()) - 400.0 / (sides[i as usize] * 4.0 / 3.0)).abs() < 0.01);
        let first = if slope < 0.0 {
            out[[0, 0, 223]]
        } else {
            out[[0, 0, 0]]
        };
        lefts.push((first - slope.abs() / 2.0) / (400.0 - 224.0 * slope.abs()));
    }
    let whole = |v: &f64| (v - v.round()).abs() < 0.2;
    assert!(sides.iter().all(|s| whole(s) && (255.5..480.5).contains(s)));
    let mean = sides.iter().sum::<f64>() / 400.0;
    assert!((mean - 368.0).abs() < 12.0, "{mean}");
    assert!(sides.iter().any(|s| *s < 262.0) && sides.iter().any(|s| *s > 474.0));
    assert!((160..240).contains(&flipped), "{flipped}");
    let mean = lefts.iter().sum::<f32>() / 400.0;
    assert!((mean - 0.5).abs() < 0.06, "{mean}");
}

#[test]
fn resized_crops_have_the_areas_and_proportions_asked_for() {
    let image = ramp(60, 80);
    let crop = Augmentation::new().then(Augment::ResizedCrop {
        area: (0.2, 0.6),
        ratio: (0.5, 2.0),
        size: Some([20, 20]),
    });
    for i in 0..300 {
        let out = crop.augment(image.view(), (2, 0, i)).unwrap();
        // The inner pixels, where no neighbour is missing.
        let height = f64::from(out[[1, 15, 10]] - out[[1, 5, 10]]) * 2.0;
        let width = f64::from(out[[0, 10, 15]] - out[[0, 10, 5]]) * 2.0;
        let (area, ratio) = (width * height / 4800.0, width / height);
        assert!((0.19..0.61).contains(&area), "{area}");
        assert!((0.48..2.1).contains(&ratio), "{ratio}");
    }
    // Where no part can fit, the largest in the middle that does.
    let never = Augmentation::new().then(Augment::ResizedCrop {
        area: (1.0, 1.0),
        ratio: (1.0, 1.0),
        size: None,
    });
    let out = never.augment(image.view(), (0, 0, 0)).unwrap();
    assert!((out[[0, 30, 40]] - out[[0, 30, 39]] - 0.75).abs() < 1e-4);
}

#[test]
fn a_cut_out_hides_a_square_around_any_pixel() {
    let image = Array3::from_elem((3, 12, 12), 2.0);
    let cut = Augmentation::new().cut_out(4);
    let (mut centres, mut whole) = (0, 0);
    for i in 0..600 {
        let out = cut.augment(image.view(), (1, 0, i)).unwrap();
        let hidden = out.iter().filter(|v| **v == 0.0).count();
        assert!(out.iter().all(|v| *v == 0.0 || *v == 2.0));
        assert!(
            hidden % 3 == 0 && (3 * 4..=3 * 16).contains(&hidden),
            "{hidden}"
        );
        whole += usize::from(hidden == 48);
        centres += usize::from(out[[0, 6, 6]] == 0.0);
    }
    // 9 of 12 places along each side leave it whole; 4 of 12 reach the centre.
    assert!((297..378).contains(&whole), "{whole}");
    assert!((42..92).contains(&centres), "{centres}");
    let image = noise(2, 5, 5);
    let all = Augment::CutOut {
        side: 20,
        fill: Fill::Mean,
    };
    let means = [0, 1].map(|c| image.slice(s![c, .., ..]).mean().unwrap());
    for ((c, _, _), v) in made([all], &image).indexed_iter() {
        assert!((v - means[c]).abs() < 1e-6);
    }
}

fn pairs_of_classes(n: usize) -> Dataset {
    let images = Array4::from_shape_fn((n, 1, 2, 2), |(i, ..)| i as f32).into_dyn();
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    Dataset::new("numbers", images, (0..n).map(|i| i % 3).collect(), classes).unwrap()
}

#[test]
fn mix_up_mixes_images_and_labels_in_the_same_shares() {
    let set = pairs_of_classes(30);
    let augmentation = Augmentation::new().mix_up(1.0);
    assert_eq!(augmentation.to_string(), "mix-up 1");
    assert!(!augmentation.is_empty());
    for index in 0..30 {
        let pair = augmentation.pair(30, (4, 1, index as u64)).unwrap();
        let example = augmentation.example(&set, index, (4, 1)).unwrap();
        let expected = pair.share * index as f32 + (1.0 - pair.share) * pair.partner as f32;
        assert!(example.image.iter().all(|v| (v - expected).abs() < 1e-5));
        let mut label = [0.0; 3];
        label[index % 3] += pair.share;
        label[pair.partner % 3] += 1.0 - pair.share;
        assert_eq!(example.label, label);
        assert!((example.label.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
    let plain = Augmentation::new().example(&set, 4, (0, 0)).unwrap();
    assert_eq!(
        (plain.label, plain.image[[0, 1, 1]]),
        (vec![0.0, 1.0, 0.0], 4.0)
    );
}

#[test]
fn shares_and_partners_of_mix_up_have_the_distribution_of_the_paper() {
    for alpha in [0.1, 0.4, 1.0, 8.0] {
        let augmentation = Augmentation::new().mix_up(alpha);
        let n = 4000;
        let pairs: Vec<_> = (0..n)
            .map(|i| augmentation.pair(50, (9, 3, i)).unwrap())
            .collect();
        let mean = pairs.iter().map(|p| f64::from(p.share)).sum::<f64>() / n as f64;
        let apart = pairs.iter().map(|p| (f64::from(p.share) - 0.5).powi(2));
        let variance = apart.sum::<f64>() / n as f64;
        let expected = 0.25 / (2.0 * alpha + 1.0);
        assert!((mean - 0.5).abs() < 0.03, "{alpha}: {mean}");
        assert!(
            (variance / expected - 1.0).abs() < 0.1,
            "{alpha}: {variance} {expected}"
        );
        let mut counts = [0; 50];
        pairs.iter().for_each(|p| counts[p.partner] += 1);
        assert!(counts.iter().all(|c| (40..125).contains(c)), "{counts:?}");
    }
    // So small an alpha that a gamma variable is no number: one of the two images, whole.
    let tiny = Augmentation::new().mix_up(1e-4);
    let share = |i| tiny.pair(5, (1, 1, i)).unwrap().share;
    assert!((0..200).map(share).all(|s| (0.0..=1.0).contains(&s)));
}

#[test]
fn settings_that_make_no_sense_are_refused_in_words() {
    let range = (1.0, -1.0);
    let cases: [(Augment, &str); 13] = [
        (Augment::VerticalFlip { probability: -0.1 }, "from 0 to 1"),
        (
            Augment::Rotate {
                degrees: range,
                fill: ZERO,
            },
            "the smaller one first",
        ),
        (rotate(f64::NAN), "two finite numbers"),
        (shift(0.0, 1.0, Fill::Value(f32::INFINITY)), "finite number"),
        (lens(-0.5), "above -1/3"),
        (
            Augment::Zoom {
                factor: (0.0, 1.0),
                fill: ZERO,
            },
            "above 0",
        ),
        (
            Augment::Shear {
                across: same(2.0),
                down: same(0.5),
                fill: ZERO,
            },
            "below 1",
        ),
        (
            Augment::ScaledCrop {
                short_side: (200, 300),
                size: [224, 224],
            },
            "224x224 does not fit where the short side has 200",
        ),
        (
            Augment::ResizedCrop {
                area: (0.5, 1.5),
                ratio: same(1.0),
                size: None,
            },
            "at most 1",
        ),
        (
            Augment::ResizedCrop {
                area: same(0.5),
                ratio: same(1.0),
                size: Some([0, 3]),
            },
            "at least 1 pixel",
        ),
        (
            Augment::CutOut {
                side: 3,
                fill: Fill::Edge,
            },
            "a value or with the mean",
        ),
        (
            Augment::Brightness { factor: same(1.0) },
            "what black and white are",
        ),
        (Augment::Hue { degrees: same(1.0) }, "PixelRange"),
    ];
    for (step, words) in cases {
        let error = Augmentation::new()
            .then(step.clone())
            .check([3, 8, 8])
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(words) && error.contains(&step.to_string()),
            "{error}"
        );
    }
    for (augmentation, words) in [
        (Augmentation::new().mix_up(0.0), "alpha"),
        (Augmentation::new().least_visible(1.5), "from 0 to 1"),
    ] {
        let error = augmentation.check([3, 8, 8]).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // A change of size cannot be made in place.
    let mut pixels = vec![0.0; 2 * 300 * 400];
    let error = Augmentation::resnet().apply(&mut pixels, [2, 300, 400], (0, 0, 0));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("[2, 224, 224]") && error.contains("300"),
        "{error}"
    );
}

#[test]
fn a_recipe_says_what_it_does() {
    let recipe = Augmentation::new()
        .range(convscope_data::PixelRange::unit())
        .flip()
        .crop(4)
        .rotate(15.0)
        .brightness(0.5)
        .cut_out(8)
        .mix_up(0.2);
    assert_eq!(
        recipe.to_string(),
        "flip 0.5, crop with 4 pixels of 0 around, rotate -15 to 15 degrees, 0 around, brightness \
         0.5 to 1.5, cut-out of 8x8, 0 around, pixels 0 to 1, mix-up 0.2"
    );
    assert_eq!(
        Augmentation::resnet().to_string(),
        "short side 256 to 480, crop of 224x224, flip 0.5"
    );
    assert_eq!(
        Augmentation::new()
            .range(convscope_data::PixelRange::unit())
            .to_string(),
        "none"
    );
}

#[test]
fn sizes_beyond_all_reason_are_refused_and_not_made() {
    let huge = 1 << 40;
    for (step, words) in [
        (
            Augment::RandomCrop {
                padding: huge,
                fill: ZERO,
            },
            "a border of more than",
        ),
        (
            Augment::ScaledCrop {
                short_side: (huge, huge),
                size: [8, 8],
            },
            "would have more than",
        ),
        (
            Augment::ScaledCrop {
                short_side: (9, 9),
                size: [8, 0],
            },
            "at least 1 pixel",
        ),
        (
            Augment::ResizedCrop {
                area: same(0.5),
                ratio: same(1.0),
                size: Some([huge, huge]),
            },
            "pixels that are made",
        ),
    ] {
        let error = Augmentation::new()
            .then(step)
            .check([3, 8, 8])
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    // An image without pixels stays one.
    let none = Array3::zeros((3, 0, 5));
    let all = Augmentation::new().flip().crop(2).rotate(9.0).cut_out(3);
    assert_eq!(all.augment(none.view(), (0, 0, 0)).unwrap(), none);
}

#[test]
fn what_a_notebook_holds_can_go_to_another_thread() {
    fn free<T: Send + Sync + 'static>() {}
    free::<Augmentation>();
    free::<convscope_data::Augmented>();
    free::<convscope_data::ImageFolder>();
    free::<convscope_data::LoadedFolder>();
    free::<convscope_data::Parts>();
    free::<convscope_data::TestViews>();
    free::<convscope_data::Views>();
    free::<convscope_data::ViewBatches>();
}
