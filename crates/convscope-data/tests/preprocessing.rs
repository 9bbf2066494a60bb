//! Preprocessing, against what PIL and torchvision make of the same files
//! (`tests/fixtures/make_preprocessing.py`).
#![cfg(feature = "photos")]

use convscope_data::{
    Channels, DataError, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Photo, Preprocessing, Range,
    Resize, sample_photo,
};
use ndarray::{Array3, Array4, Axis, s};
use serde::Deserialize;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/preprocessing")
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    photo: String,
    preprocessing: Preprocessing,
    seen: String,
    shape: Vec<usize>,
    mean: f64,
    probes: Vec<(usize, usize, usize, f32)>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.json")).unwrap();
    serde_json::from_str::<Cases>(&text).unwrap().cases
}

#[test]
fn resizing_and_cropping_give_the_bytes_that_pil_and_torchvision_give() {
    for case in cases() {
        let p = &case.preprocessing;
        let what = format!("{}: {p}", case.photo);
        let seen = p.view(&Photo::open(folder().join(&case.photo)).unwrap());
        let expected = Photo::open(folder().join(&case.seen)).unwrap().pixels;
        let expected = expected.slice_move(s![..p.channels.count(), .., ..]);
        let seen = seen.unwrap().pixels;
        assert_eq!(seen.dim(), expected.dim(), "{what}");
        let wrong = seen.iter().zip(&expected).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, 0, "{what}: of {} values", seen.len());
    }
}

#[test]
fn the_normalised_values_are_torchvisions() {
    for case in cases() {
        let what = format!("{}: {}", case.photo, case.preprocessing);
        let photo = Photo::open(folder().join(&case.photo)).unwrap();
        let input = case.preprocessing.apply(&photo).unwrap();
        assert_eq!(input.shape(), case.shape, "{what}");
        let mean = input.iter().map(|&v| f64::from(v)).sum::<f64>() / input.len() as f64;
        assert!((mean - case.mean).abs() < 1e-4, "{what}: {mean}");
        for (c, y, x, value) in case.probes {
            let got = input[[c, y, x]];
            assert!(
                (got - value).abs() <= 1e-6 * value.abs().max(1.0),
                "{what}: [{c}, {y}, {x}] is {got}, expected {value}"
            );
        }
    }
}

#[test]
fn the_presets_have_the_published_sizes_and_say_them() {
    let cases: [(Preprocessing, &str); 7] = [
        (
            Preprocessing::torchvision(224),
            "short side to 256 (bilinear), centre 224x224, RGB, 0 to 1, minus 0.485 0.456 0.406, divided by 0.229 0.224 0.225",
        ),
        (
            Preprocessing::torchvision_inception(299),
            "short side to 342 (bilinear), centre 299x299, RGB, 0 to 1, minus 0.5 0.5 0.5, divided by 0.5 0.5 0.5",
        ),
        (
            Preprocessing::caffe_vgg(),
            "short side to 256 (bilinear), centre 224x224, BGR, 0 to 255, minus 103.939 116.779 123.68",
        ),
        (
            Preprocessing::cifar10(),
            "short side to 32 (bilinear), centre 32x32, RGB, 0 to 1, minus 0.4914 0.4822 0.4465, divided by 0.247 0.2435 0.2616",
        ),
        (
            Preprocessing::mnist(),
            "short side to 28 (bilinear), centre 28x28, grey, 0 to 1, minus 0.1307, divided by 0.3081",
        ),
        (Preprocessing::none(), "RGB, 0 to 1"),
        (
            Preprocessing {
                resize: Resize::Exact([224, 200]),
                interpolation: Interpolation::Nearest,
                crop: None,
                ..Preprocessing::caffe_vgg()
            },
            "to 224x200 (nearest pixel), BGR, 0 to 255, minus 103.939 116.779 123.68",
        ),
    ];
    for (preprocessing, text) in cases {
        assert_eq!(preprocessing.to_string(), text);
        preprocessing.check().unwrap();
        let json = serde_json::to_string(&preprocessing).unwrap();
        let back: Preprocessing = serde_json::from_str(&json).unwrap();
        assert_eq!(back, preprocessing, "{json}");
        let image = preprocessing.apply(&sample_photo()).unwrap();
        if let Some(shape) = preprocessing.output_shape() {
            assert_eq!(image.shape(), shape, "{text}");
        }
    }
}

#[test]
fn the_inverse_gives_every_byte_back() {
    let all = Array3::from_shape_fn((3, 16, 16), |(c, y, x)| {
        ((y * 16 + x + c * 85) % 256) as f32 / 255.0
    });
    let photo = Photo::from_pixels("bytes", all).unwrap();
    for preprocessing in [
        Preprocessing::none(),
        Preprocessing::none().normalised(IMAGENET_MEAN, IMAGENET_STD),
        Preprocessing {
            resize: Resize::None,
            crop: None,
            ..Preprocessing::caffe_vgg()
        },
        Preprocessing {
            resize: Resize::None,
            crop: None,
            ..Preprocessing::mnist()
        },
    ] {
        let seen = preprocessing.view(&photo).unwrap();
        let input = preprocessing.apply(&photo).unwrap();
        let back = preprocessing.inverse(input.view()).unwrap();
        assert_eq!(back.pixels.dim(), seen.pixels.dim());
        for (a, b) in back.pixels.iter().zip(&seen.pixels) {
            assert_eq!((a * 255.0).round(), (b * 255.0).round(), "{preprocessing}");
            assert!((a - b).abs() < 1e-6, "{preprocessing}: {a} {b}");
        }
    }
}

#[test]
fn what_an_optimisation_made_is_cut_off_only_for_display() {
    let p = Preprocessing::torchvision(8);
    let wild = Array3::from_elem((3, 8, 8), 9.0);
    assert!(p.pixels(wild.view()).unwrap().iter().all(|v| *v > 1.5));
    let photo = p.inverse(wild.view()).unwrap();
    assert!(photo.pixels.iter().all(|v| *v == 1.0));
}

#[test]
fn bgr_turns_the_channels_round_and_grey_spreads() {
    let pixels = Array3::from_shape_fn((3, 1, 1), |(c, _, _)| c as f32);
    let bgr = Preprocessing {
        channels: Channels::Bgr,
        ..Preprocessing::none()
    };
    let turned = bgr.normalise(pixels.view()).unwrap();
    assert_eq!(turned.as_slice().unwrap(), [2.0, 1.0, 0.0]);
    assert_eq!(bgr.pixels(turned.view()).unwrap(), pixels);
    let grey = Array3::from_elem((1, 1, 1), 0.25);
    for channels in [Channels::Rgb, Channels::Bgr] {
        let p = Preprocessing {
            channels,
            ..Preprocessing::none()
        };
        let spread = p.normalise(grey.view()).unwrap();
        assert_eq!(spread.as_slice().unwrap(), [0.25; 3]);
    }
}

#[test]
fn a_batch_is_the_pictures_one_after_the_other() {
    let photo = |name: &str| Photo::open(folder().join(name)).unwrap();
    let photos = ["wide.png", "grey.png", "dot.png"].map(photo);
    let p = Preprocessing::torchvision(21);
    let batch: Array4<f32> = p.batch(&photos).unwrap();
    assert_eq!(batch.dim(), (3, 3, 21, 21));
    for (n, photo) in photos.iter().enumerate() {
        assert_eq!(batch.index_axis(Axis(0), n), p.apply(photo).unwrap());
    }
    let error = Preprocessing::none().batch(&photos).unwrap_err();
    assert_eq!(
        error.to_string(),
        "photo 1 of the batch, grey: expected shape [3, 61, 118] as the first one, wide, got [3, 50, 50]"
    );
    let error = p.batch(&[]).unwrap_err();
    assert!(matches!(error, DataError::Empty { .. }), "{error}");
}

#[test]
fn a_strip_of_any_length_takes_no_more_memory_than_the_result() {
    // Resized whole it would have 256 x 25 billion pixels.
    for (h, w) in [(1, 1_000_000), (1_000_000, 1)] {
        let strip = Photo::from_pixels("strip", Array3::from_elem((1, h, w), 0.2)).unwrap();
        let seen = Preprocessing::torchvision(224).view(&strip).unwrap();
        assert_eq!(seen.pixels, Array3::from_elem((1, 224, 224), 0.2));
        let p = Preprocessing {
            crop: None,
            ..Preprocessing::torchvision(224)
        };
        let error = p.apply(&strip).unwrap_err().to_string();
        assert!(error.contains("at most 50000000 pixels"), "{error}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let good = Preprocessing::torchvision(8);
    let cases: [(Preprocessing, &str); 6] = [
        (
            good.clone().normalised([0.5], [0.5; 3]),
            "mean has 1 values; expected 3",
        ),
        (
            good.clone().normalised([0.5; 3], [0.5, 0.0, 0.5]),
            "expected finite numbers above 0",
        ),
        (
            good.clone().normalised([f32::NAN; 3], [0.5; 3]),
            "expected finite numbers",
        ),
        (
            Preprocessing {
                channels: Channels::Grey,
                ..good.clone()
            },
            "expected 1, one for each channel",
        ),
        (
            Preprocessing {
                crop: Some([0, 8]),
                ..good.clone()
            },
            "a size is 0",
        ),
        (
            Preprocessing {
                resize: Resize::ShortSide(0),
                range: Range::Bytes,
                ..good.clone()
            },
            "a size is 0",
        ),
    ];
    for (preprocessing, message) in cases {
        let error = preprocessing.apply(&sample_photo()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(message), "{error}");
    }
    let error = good.normalise(Array3::zeros((2, 4, 4)).view()).unwrap_err();
    assert!(error.to_string().contains("[3, H, W] or [1, H, W]"));
    let error = good.inverse(Array3::zeros((1, 4, 4)).view()).unwrap_err();
    assert!(error.to_string().contains("expected shape [3, H, W]"));
    for shape in [(3, 0, 4), (2, 4, 4), (1, 4, 0)] {
        let odd = Photo {
            name: "odd".into(),
            pixels: Array3::zeros(shape),
        };
        let error = good.apply(&odd).unwrap_err().to_string();
        assert!(error.contains("[1, H, W] or [3, H, W]"), "{error}");
    }
    let unknown = serde_json::from_str::<Preprocessing>(r#"{"resize":"none","colour":"rgb"}"#);
    assert!(unknown.unwrap_err().to_string().contains("colour"));
    for side in [1, 7, usize::MAX / 2, usize::MAX] {
        let _ =
            Preprocessing::torchvision(side).apply(&Photo::open(folder().join("dot.png")).unwrap());
    }
}
