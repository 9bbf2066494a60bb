//! Photographs of every kind that a reader may own.
#![cfg(feature = "photos")]

use convscope_data::{DataError, Photo, load_photo, sample_photo};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use ndarray::Array3;
use std::io::Cursor;
use std::path::Path;

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Left half red, right half blue; wider than high.
fn flag() -> RgbImage {
    RgbImage::from_fn(32, 16, |x, _| {
        if x < 16 {
            Rgb([255, 0, 0])
        } else {
            Rgb([0, 0, 255])
        }
    })
}

fn near(photo: &Photo, y: usize, x: usize, colour: [f32; 3]) -> bool {
    (0..3).all(|c| (photo.pixels[[c, y, x]] - colour[c]).abs() < 0.06)
}

const RED: [f32; 3] = [1.0, 0.0, 0.0];
const BLUE: [f32; 3] = [0.0, 0.0, 1.0];

#[test]
fn the_sample_photo_has_edges_texture_and_colour() {
    let photo = sample_photo();
    assert_eq!(photo.pixels.dim(), (3, 256, 256));
    assert!(photo.pixels.iter().all(|v| (0.0..=1.0).contains(v)));
    let grey = photo.grey();
    assert_eq!(grey.pixels.dim(), (1, 256, 256));
    let mean = grey.pixels.mean().unwrap();
    assert!(
        (0.25..0.75).contains(&mean) && grey.pixels.std(0.0) > 0.12,
        "{mean}"
    );
    let steps = (1..256).flat_map(|x| (0..256).map(move |y| (y, x)));
    let edges = steps
        .filter(|&(y, x)| (grey.pixels[[0, y, x]] - grey.pixels[[0, y, x - 1]]).abs() > 0.1)
        .count();
    assert!(edges > 500, "{edges}");
}

#[test]
fn png_and_jpeg_become_numbers_from_0_to_1() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let photo = Photo::from_bytes("flag", &encode(flag(), format)).unwrap();
        assert_eq!(photo.to_string(), "flag: 32 x 16 pixels, colour");
        assert_eq!((photo.height(), photo.width()), (16, 32));
        assert!(
            near(&photo, 8, 4, RED) && near(&photo, 8, 28, BLUE),
            "{format:?}"
        );
        assert!((photo.grey().pixels[[0, 8, 4]] - 0.299).abs() < 0.02);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a photo.png");
    Photo::from_bytes("flag", &encode(flag(), ImageFormat::Png))
        .unwrap()
        .save_png(&path)
        .unwrap();
    assert_eq!(load_photo(&path).unwrap()[[0, 0, 0]], 1.0);
    assert_eq!(Photo::open(&path).unwrap().name, "a photo");
}

#[test]
fn every_pixel_kind_a_png_can_have_is_read() {
    let deep = image::ImageBuffer::from_pixel(4, 4, Rgb([65_535u16, 32_768, 0]));
    let photo = Photo::from_bytes("deep", &encode(deep, ImageFormat::Png)).unwrap();
    assert!(near(&photo, 1, 1, [1.0, 0.5, 0.0]));
    let grey = image::GrayImage::from_pixel(4, 4, image::Luma([51]));
    let photo = Photo::from_bytes("grey", &encode(grey, ImageFormat::Png)).unwrap();
    assert!(photo.pixels.dim() == (3, 4, 4) && near(&photo, 1, 1, [0.2; 3]));
    let clear = RgbaImage::from_fn(4, 4, |x, _| {
        if x < 2 {
            Rgba([0, 0, 255, 0])
        } else {
            Rgba([255, 0, 0, 128])
        }
    });
    let photo = Photo::from_bytes("clear", &encode(clear, ImageFormat::Png)).unwrap();
    assert!(near(&photo, 0, 0, [1.0; 3]), "what is transparent is white");
    assert!(
        near(&photo, 0, 3, [1.0, 0.5, 0.5]),
        "what is half transparent is half white"
    );
}

/// A JPEG with an EXIF note on how the camera was held.
fn held(orientation: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 95)
        .encode_image(&flag())
        .unwrap();
    // TIFF header, one entry: tag 0x0112 (orientation), type 3 (short), count 1.
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() + 2) as u16;
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend(length.to_be_bytes());
    out.extend(exif);
    out.extend(&jpeg[2..]);
    out
}

#[test]
fn a_camera_held_sideways_gives_an_upright_photo() {
    // Orientation, size (height, width), where red must be: (row, column).
    let cases = [
        (1, (16, 32), (8, 4)),
        (2, (16, 32), (8, 28)),
        (3, (16, 32), (8, 28)),
        (6, (32, 16), (4, 8)),
        (8, (32, 16), (28, 8)),
    ];
    for (orientation, size, (y, x)) in cases {
        let photo = Photo::from_bytes("held", &held(orientation)).unwrap();
        assert_eq!(
            (photo.height(), photo.width()),
            size,
            "orientation {orientation}"
        );
        assert!(near(&photo, y, x, RED), "orientation {orientation}");
    }
}

#[test]
fn a_cmyk_jpeg_is_read_in_its_colours() {
    // Made by ImageMagick: a gradient from red at the top to blue at the bottom.
    let photo =
        Photo::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cmyk.jpg")).unwrap();
    assert_eq!(photo.pixels.dim(), (3, 16, 24));
    let at = |y: usize| [0, 1, 2].map(|c| photo.pixels[[c, y, 12]]);
    let (top, bottom) = (at(0), at(15));
    assert!(
        top[0] > 0.8 && top[2] < 0.25 && bottom[2] > 0.8 && bottom[0] < 0.25,
        "{top:?} {bottom:?}"
    );
}

#[test]
fn what_is_no_photo_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let png = encode(flag(), ImageFormat::Png);
    let mut jpeg = Vec::new();
    let noise = RgbImage::from_fn(128, 128, |x, y| {
        Rgb([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, (x + y) as u8])
    });
    JpegEncoder::new_with_quality(&mut jpeg, 95)
        .encode_image(&noise)
        .unwrap();
    let mut wrong_sum = png.clone();
    wrong_sum[40] ^= 0xff;
    let cases: [(&str, &[u8], &str); 8] = [
        (
            "empty.png",
            b"",
            "not a picture that can be read; expected a PNG or JPEG",
        ),
        (
            "text.jpg",
            b"Dear reader, this is a letter.",
            "not a picture that can be read",
        ),
        ("cut.png", &png[..png.len() / 2], "damaged or not whole"),
        ("header.png", &png[..20], "damaged or not whole"),
        ("changed.png", &wrong_sum, "damaged or not whole"),
        ("cut.jpg", &jpeg[..60], "damaged or not whole"),
        (
            "anim.gif",
            b"GIF89a\x01\0\x01\0\0\0\0;",
            "this is a Gif picture; save it as PNG or JPEG",
        ),
        (
            "web.webp",
            b"RIFF\x24\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0\0\0",
            "this is a WebP picture",
        ),
    ];
    for (name, bytes, message) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Photo::open(&path).unwrap_err().to_string();
        assert!(
            error.contains(message) && error.contains(name),
            "{name}: {error}"
        );
    }
    assert!(
        Photo::open(folder.path())
            .unwrap_err()
            .to_string()
            .contains("this is a folder")
    );
    let error = Photo::open(folder.path().join("none.png")).unwrap_err();
    assert!(
        matches!(error, DataError::Io { .. }) && error.to_string().starts_with("cannot open "),
        "{error}"
    );
}

#[test]
fn a_picture_that_declares_a_huge_size_is_refused_before_memory_is_taken() {
    // A PNG header of 100,000 x 100,000 pixels, with its right checksum.
    let mut bytes = encode(flag(), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&100_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let error = Photo::from_bytes("huge.png", &bytes)
        .unwrap_err()
        .to_string();
    assert!(error.contains("50 million pixels"), "{error}");
}

#[test]
fn resizing_and_cropping_keep_range_and_proportion() {
    let photo = Photo::from_bytes("flag", &encode(flag(), ImageFormat::Png)).unwrap();
    let small = photo.resize(8, 10).unwrap();
    assert_eq!(small.pixels.dim(), (3, 8, 10));
    assert!(small.pixels.iter().all(|v| (0.0..=1.0).contains(v)));
    assert!(near(&small, 4, 1, RED) && near(&small, 4, 8, BLUE));
    assert_eq!(photo.resize_short_side(8).unwrap().pixels.dim(), (3, 8, 16));
    assert_eq!(photo.grey().resize(4, 4).unwrap().pixels.dim(), (1, 4, 4));
    let middle = photo.center_crop(4, 6).unwrap();
    assert_eq!(middle.pixels.dim(), (3, 4, 6));
    assert!(near(&middle, 0, 2, RED) && near(&middle, 0, 3, BLUE));
    for (error, message) in [
        (photo.resize(0, 5).unwrap_err(), "0x5 pixels"),
        (
            photo.resize(100_000, 100_000).unwrap_err(),
            "at most 50000000",
        ),
        (
            photo.center_crop(17, 4).unwrap_err(),
            "17x4 pixels of a picture of 16x32",
        ),
        (photo.center_crop(0, 4).unwrap_err(), "0x4"),
        (
            Photo::from_pixels("p", Array3::zeros((2, 4, 4))).unwrap_err(),
            "expected shape [1, H, W] or [3, H, W], got [2, 4, 4]",
        ),
        (
            Photo::from_pixels("p", Array3::zeros((3, 0, 4))).unwrap_err(),
            "got [3, 0, 4]",
        ),
    ] {
        assert!(error.to_string().contains(message), "{error}");
    }
    assert!(Photo::from_pixels("p", Array3::zeros((1, 2, 2))).is_ok());
}
