//! Changes of colours: closed forms, units, and what is refused.

use convscope_data::{
    Augment, Augmentation, Channels, ColourComponents, Dataset, Draw, PixelRange, Preprocessing,
    Standardizer,
};
use ndarray::{Array3, Array4, Axis};

fn noise(c: usize) -> Array3<f32> {
    let mut draw = Draw::new(3, 0);
    Array3::from_shape_simple_fn((c, 6, 5), || draw.unit())
}

fn same(v: f64) -> (f64, f64) {
    (v, v)
}

fn made(steps: impl IntoIterator<Item = Augment>, image: &Array3<f32>) -> Array3<f32> {
    let start = Augmentation::new().range(PixelRange::unit());
    let augmentation = steps.into_iter().fold(start, Augmentation::then);
    augmentation.augment(image.view(), (1, 2, 3)).unwrap()
}

fn hue(degrees: f64) -> Augment {
    Augment::Hue {
        degrees: same(degrees),
    }
}

fn near(a: &Array3<f32>, b: &Array3<f32>, by: f32) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= by)
}

/// Components of no particular set.
fn components() -> ColourComponents {
    ColourComponents {
        eigenvalues: [0.2, 0.03, 0.004],
        eigenvectors: [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]],
    }
}

#[test]
fn hue_goes_around_a_circle() {
    let image = noise(3);
    assert_eq!(made([hue(0.0)], &image), image);
    assert_eq!(made([hue(360.0)], &image), image);
    assert_eq!(made([hue(-720.0)], &image), image);
    // A third of the way, red is green, green blue, and blue red.
    let third = made([hue(120.0)], &image);
    let cycled = image.select(Axis(0), &[2, 0, 1]);
    assert!(near(&third, &cycled, 1e-6));
    // Half of the way, pure colours turn into their complements.
    let red = Array3::from_shape_vec((3, 1, 1), vec![1.0, 0.0, 0.0]).unwrap();
    let cyan = Array3::from_shape_vec((3, 1, 1), vec![0.0, 1.0, 1.0]).unwrap();
    assert!(near(&made([hue(180.0)], &red), &cyan, 1e-6));
    assert!(near(&made([hue(50.0), hue(-50.0)], &image), &image, 5e-6));
    let grey = Array3::from_elem((3, 2, 2), 0.3);
    assert_eq!(made([hue(77.0)], &grey), grey);
}

#[test]
fn brightness_contrast_and_saturation_are_their_formulas() {
    for image in [noise(1), noise(3), noise(4)] {
        let bright = made([Augment::Brightness { factor: same(1.5) }], &image);
        assert!(near(&bright, &image.mapv(|v| (v * 1.5).min(1.0)), 1e-6));
        let means: Vec<f32> = image.outer_iter().map(|c| c.mean().unwrap()).collect();
        let grey = match means[..] {
            [r, g, b] => 0.299 * r + 0.587 * g + 0.114 * b,
            _ => means.iter().sum::<f32>() / means.len() as f32,
        };
        let flat = made([Augment::Contrast { factor: same(0.0) }], &image);
        assert!(flat.iter().all(|v| (v - grey).abs() < 1e-6));
        let more = made([Augment::Contrast { factor: same(1.4) }], &image);
        let formula = image.mapv(|v| (grey + 1.4 * (v - grey)).clamp(0.0, 1.0));
        assert!(near(&more, &formula, 1e-6));
        let same_again = made([Augment::Contrast { factor: same(1.0) }], &image);
        assert_eq!(same_again, image);
    }
    let image = noise(3);
    let grey = made([Augment::Saturation { factor: same(0.0) }], &image);
    for ((_, y, x), v) in grey.indexed_iter() {
        let [r, g, b] = [0, 1, 2].map(|c| image[[c, y, x]]);
        assert!((v - (0.299 * r + 0.587 * g + 0.114 * b)).abs() < 1e-6);
    }
}

#[test]
fn colours_change_alike_in_every_unit_and_order_of_channels() {
    let image = noise(3);
    let recipe = |range| {
        let start = Augmentation::new().range(range);
        let all = start.brightness(0.3).contrast(0.3).saturation(0.5);
        all.hue(40.0).colour_jitter(components())
    };
    let plain = recipe(PixelRange::unit())
        .augment(image.view(), (1, 1, 1))
        .unwrap();
    assert!(!near(&plain, &image, 0.02));
    let caffe = Preprocessing::caffe_vgg();
    assert_eq!(caffe.channels, Channels::Bgr);
    for preprocessing in [Preprocessing::cifar10(), caffe] {
        let input = preprocessing.normalise(image.view()).unwrap();
        let recipe = recipe(PixelRange::of(&preprocessing));
        let out = recipe.augment(input.view(), (1, 1, 1)).unwrap();
        assert!(near(
            &preprocessing.pixels(out.view()).unwrap(),
            &plain,
            1e-5
        ));
    }
    let bytes = recipe(PixelRange::bytes());
    let out = bytes
        .augment(image.mapv(|v| 255.0 * v).view(), (1, 1, 1))
        .unwrap();
    assert!(near(&out.mapv(|v| v / 255.0), &plain, 1e-5));
}

#[test]
fn a_standardized_set_keeps_its_range() {
    let images = Array4::from_shape_fn((6, 3, 4, 4), |(i, c, y, x)| {
        ((37 * i + 11 * c + 5 * y + 3 * x * x) % 101) as f32 / 100.0
    });
    let labels = vec![0; 6];
    let set = Dataset::new("some", images.into_dyn(), labels, vec!["a".into()]).unwrap();
    let by = Standardizer::fit_channels(&set).unwrap();
    let range = PixelRange::unit().standardised(&by).unwrap();
    let recipe = |range| Augmentation::new().range(range).contrast(0.5).hue(30.0);
    let standardised = by.apply(&set).unwrap();
    let (a, b) = (recipe(PixelRange::unit()), recipe(range));
    for i in 0..6 {
        let plain = a.augment(set.view(i).unwrap(), (1, 1, 1)).unwrap();
        let out = b.augment(standardised.view(i).unwrap(), (1, 1, 1)).unwrap();
        let back = by.invert_from(&out.into_dyn()).unwrap();
        assert!(near(&back.into_dimensionality().unwrap(), &plain, 1e-5));
    }
    let by_pixel = Standardizer::fit(&set).unwrap();
    let error = PixelRange::unit()
        .standardised(&by_pixel)
        .unwrap_err()
        .to_string();
    assert!(error.contains("fit_channels"), "{error}");
}

#[test]
fn colour_jitter_moves_all_pixels_along_the_components() {
    let image = Array3::from_elem((3, 2, 2), 0.5);
    let recipe = Augmentation::new()
        .range(PixelRange::unit())
        .colour_jitter(components());
    let n = 6000;
    let mut squares = [0.0f64; 3];
    for i in 0..n {
        let out = recipe.augment(image.view(), (1, 0, i)).unwrap();
        let shift = [0, 1, 2].map(|c| f64::from(out[[c, 0, 0]]) - 0.5);
        assert!(
            out.outer_iter()
                .zip(shift)
                .all(|(c, s)| { c.iter().all(|v| (f64::from(*v) - 0.5 - s).abs() < 1e-6) })
        );
        for (k, vector) in components().eigenvectors.iter().enumerate() {
            let along: f64 = vector.iter().zip(shift).map(|(p, s)| p * s).sum();
            squares[k] += (along / components().eigenvalues[k]).powi(2) / n as f64;
        }
    }
    // alpha has deviation .1; the estimate of its variance wanders by 2 in a hundred.
    for square in squares {
        assert!((square.sqrt() - 0.1).abs() < 0.004, "{squares:?}");
    }
}

#[test]
fn the_covariance_of_colours_is_that_of_the_pixels() {
    // Red and green go together, blue against them.
    let images = Array4::from_shape_fn((10, 3, 2, 2), |(i, c, y, x)| {
        let v = ((i + 3 * y + 5 * x) % 7) as f32 / 6.0;
        [v, 0.5 * v, 1.0 - v][c]
    });
    let pixels: Vec<f64> = (0..40)
        .map(|k| f64::from(images[[k / 4, 0, k / 2 % 2, k % 2]]))
        .collect();
    let mean = pixels.iter().sum::<f64>() / 40.0;
    let variance = pixels.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40.0;
    let classes = vec!["a".to_owned()];
    let set = Dataset::new("some", images.into_dyn(), vec![0; 10], classes).unwrap();
    let expected = [[1.0, 0.5, -1.0], [0.5, 0.25, -0.5], [-1.0, -0.5, 1.0]];
    let bytes = Dataset {
        images: &set.images * 255.0,
        ..set.clone()
    };
    for (set, range) in [(set, PixelRange::unit()), (bytes, PixelRange::bytes())] {
        let covariance = ColourComponents::covariance(&set, &range).unwrap();
        for ((i, j), v) in covariance.indexed_iter() {
            assert!((v - expected[i][j] * variance).abs() < 1e-6, "{covariance}");
        }
    }
}

#[test]
fn what_cannot_be_done_to_colours_is_refused() {
    let error = |augmentation: Augmentation, image: &Array3<f32>| {
        augmentation
            .augment(image.view(), (0, 0, 0))
            .unwrap_err()
            .to_string()
    };
    let unit = || Augmentation::new().range(PixelRange::unit());
    let wrong = ColourComponents {
        eigenvalues: [3000.0, 200.0, 10.0],
        ..components()
    };
    let long = ColourComponents {
        eigenvectors: [[1.0; 3]; 3],
        ..components()
    };
    for (augmentation, image, words) in [
        (unit().saturation(0.2), noise(1), "have 1 channels"),
        (unit().hue(20.0), noise(4), "have 4 channels"),
        (
            unit().brightness(0.2),
            noise(3).mapv(|v| v * 255.0),
            "from 0 (black) to 1 (white)",
        ),
        (
            unit().brightness(0.2),
            noise(3).mapv(|v| 4.0 * v - 2.0),
            "has values from -",
        ),
        (unit().colour_jitter(wrong), noise(3), "at most 0.75"),
        (unit().colour_jitter(long), noise(3), "length 1"),
        (
            Augmentation::new().contrast(0.1),
            noise(3),
            "PixelRange::unit()",
        ),
        (
            Augmentation::new()
                .range(PixelRange::of(&Preprocessing::mnist()))
                .hue(1.0),
            noise(1),
            "red, green and blue",
        ),
        (
            Augmentation::new()
                .range(PixelRange::of(&Preprocessing::cifar10()))
                .contrast(0.1),
            noise(1),
            "3 values of black; expected 1",
        ),
        (
            Augmentation::new()
                .range(PixelRange::between(1.0, 1.0))
                .contrast(0.1),
            noise(1),
            "two finite numbers",
        ),
    ] {
        let error = error(augmentation, &image);
        assert!(error.contains(words), "{error}");
    }
}
