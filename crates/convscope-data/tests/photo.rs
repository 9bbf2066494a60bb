//! Photographs of every kind that a reader may own.
#![cfg(feature = "photos")]

use convscope_data::{DataError, Photo, load_photo, sample_photo};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use ndarray::Array3;
use std::io::{Cursor, Read, Write};
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

/// A JPEG with an EXIF note on how the camera was held: red above, blue below, black at the top left.
fn held(orientation: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(32, 16, |x, y| match (x, y) {
        (0..8, 0..8) => Rgb([0, 0, 0]),
        (_, 0..8) => Rgb([255, 0, 0]),
        _ => Rgb([0, 0, 255]),
    });
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 95)
        .encode_image(&picture)
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
    // Orientation, size (height, width), where the dark corner of the stored top left must be. The
    // eight values are those of EXIF 2.3, table 6.
    let cases = [
        (0, (16, 32), (0, 0)),
        (1, (16, 32), (0, 0)),
        (2, (16, 32), (0, 31)),
        (3, (16, 32), (15, 31)),
        (4, (16, 32), (15, 0)),
        (5, (32, 16), (0, 0)),
        (6, (32, 16), (0, 15)),
        (7, (32, 16), (31, 15)),
        (8, (32, 16), (31, 0)),
        (9, (16, 32), (0, 0)),
    ];
    for (orientation, size, (y, x)) in cases {
        let photo = Photo::from_bytes("held", &held(orientation)).unwrap();
        assert_eq!(
            (photo.height(), photo.width()),
            size,
            "orientation {orientation}"
        );
        let dark = |y: usize, x: usize| (0..3).all(|c| photo.pixels[[c, y, x]] < 0.2);
        let (h, w) = size;
        let corners = [(0, 0), (0, w - 1), (h - 1, 0), (h - 1, w - 1)];
        let found: Vec<_> = corners.into_iter().filter(|&(y, x)| dark(y, x)).collect();
        assert_eq!(found, [(y, x)], "orientation {orientation}");
        // Which way the rest is turned: the upper half of what was stored is red.
        let beside = if h == 16 { (y, 15) } else { (16, x) };
        assert!(
            near(&photo, beside.0, beside.1, RED),
            "orientation {orientation}"
        );
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
    let webp = encode(flag(), ImageFormat::WebP);
    let mut web_page_named_png = b"<!DOCTYPE html><html>Sign in".to_vec();
    web_page_named_png.resize(4000, b' ');
    let cases: [(&str, &[u8], &str); 19] = [
        (
            "empty.png",
            b"",
            "the file is empty; expected a PNG, JPEG, WebP, GIF or BMP",
        ),
        (
            "text.jpg",
            b"Dear reader, this is a letter.",
            "not a picture that can be read",
        ),
        ("zeros.jpg", &[0; 5000], "not a picture that can be read"),
        (
            "page.png",
            &web_page_named_png,
            "this is a web page, not a picture",
        ),
        (
            "drawing.svg",
            b"<?xml version='1.0'?><svg></svg>",
            "this is an SVG drawing",
        ),
        ("paper.pdf", b"%PDF-1.7", "this is a PDF document"),
        (
            "iphone.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            "this is a HEIC picture",
        ),
        (
            "scan.tif",
            b"II*\0\x08\0\0\0\0\0",
            "this is a Tiff picture; expected",
        ),
        ("cut.png", &png[..png.len() / 2], "damaged or not whole"),
        ("header.png", &png[..20], "damaged or not whole"),
        ("changed.png", &wrong_sum, "damaged or not whole"),
        ("cut.jpg", &jpeg[..60], "the picture is not whole"),
        (
            "half.jpg",
            &jpeg[..jpeg.len() / 2],
            "the picture is not whole",
        ),
        ("start.jpg", &jpeg[..3], "the picture is not whole"),
        (
            "without end.jpg",
            &jpeg[..jpeg.len() - 2],
            "the picture is not whole",
        ),
        (
            "anim.gif",
            b"GIF89a\x01\0\x01\0\0\0\0;",
            "damaged or not whole",
        ),
        (
            "web.webp",
            b"RIFF\x24\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0\0\0",
            "damaged or not whole",
        ),
        ("half.webp", &webp[..webp.len() / 2], "damaged or not whole"),
        (
            "head.bmp",
            b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
            "damaged or not whole",
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

/// A PNG chunk with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, &kind[..], data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of these rows, 8 bits RGB; `extra` are whole chunks.
fn png(width: u32, height: u32, interlaced: u8, extra: &[u8], rows: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, interlaced]);
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        extra.to_vec(),
        chunk(b"IDAT", &zlib(rows)),
        chunk(b"IEND", b""),
    ]
    .concat()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn an_interlaced_png_is_put_together() {
    let picture = flag();
    let mut rows = Vec::new();
    // Adam7: first column, first row, and steps of its seven passes.
    for (x0, y0, dx, dy) in [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ] {
        for y in (y0..16).step_by(dy) {
            rows.push(0);
            for x in (x0..32).step_by(dx) {
                rows.extend(picture.get_pixel(x, y as u32).0);
            }
        }
    }
    let photo = Photo::from_bytes("laced", &png(32, 16, 1, &[], &rows)).unwrap();
    let plain = Photo::from_bytes("plain", &encode(picture, ImageFormat::Png)).unwrap();
    assert_eq!(photo.pixels, plain.pixels);
}

#[test]
fn a_picture_of_one_pixel_is_a_picture() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let dot = RgbaImage::from_pixel(1, 1, Rgba([255, 0, 0, 255]));
        let dot = match format {
            ImageFormat::Jpeg => DynamicImage::from(dot).into_rgb8().into(),
            _ => DynamicImage::from(dot),
        };
        let photo = Photo::from_bytes("dot", &encode(dot, format)).unwrap();
        assert_eq!(photo.pixels.dim(), (3, 1, 1));
        assert!(near(&photo, 0, 0, RED), "{format:?}");
        assert_eq!(photo.resize_short_side(8).unwrap().pixels.dim(), (3, 8, 8));
    }
}

/// Files that declare more pixels than anybody has memory for; only the header tells.
#[test]
fn a_picture_that_declares_a_huge_size_is_refused_before_memory_is_taken() {
    let side = 40_000u32;
    // One row of zeros a thousand times over is what a bomb looks like packed.
    let bomb = png(side, side, 0, &[], &vec![0; 4 << 20]);
    let mut jpeg = encode(flag(), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|m| m == [0xff, 0xc0]).unwrap();
    for at in [frame + 5, frame + 7] {
        jpeg[at..at + 2].copy_from_slice(&(side as u16).to_be_bytes());
    }
    let mut gif = encode(DynamicImage::from(flag()).into_rgba8(), ImageFormat::Gif);
    for at in [6, 8] {
        gif[at..at + 2].copy_from_slice(&(side as u16).to_le_bytes());
    }
    let mut bmp = encode(flag(), ImageFormat::Bmp);
    for at in [18, 22] {
        bmp[at..at + 4].copy_from_slice(&side.to_le_bytes());
    }
    assert!(bomb.len() < 10_000, "{}", bomb.len());
    for (name, bytes) in [
        ("huge.png", bomb),
        ("huge.jpg", jpeg),
        ("huge.gif", gif),
        ("huge.bmp", bmp),
    ] {
        let error = Photo::from_bytes(name, &bytes).unwrap_err().to_string();
        assert!(
            error.contains("40000 x 40000 pixels is more than the 50 million"),
            "{name}: {error}"
        );
    }
    let webp = b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0\x2f\xfe\xbf\xff\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let error = Photo::from_bytes("huge.webp", webp)
        .unwrap_err()
        .to_string();
    assert!(error.contains("16383 x 16383 pixels is more"), "{error}");
}

#[test]
fn what_a_png_holds_beside_its_pixels_cannot_take_the_memory() {
    // A colour profile, and a text, of half a gigabyte.
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::repeat(0).take(500 << 20), &mut packed).unwrap();
    let long = packed.finish().unwrap();
    for (kind, start) in [(b"iCCP", &b"p\0\0"[..]), (b"zTXt", b"t\0\0")] {
        let extra = chunk(kind, &[start, &long].concat());
        let bytes = png(2, 1, 0, &extra, &[0, 255, 0, 0, 0, 0, 255]);
        if let Ok(photo) = Photo::from_bytes("profile.png", &bytes) {
            assert!(near(&photo, 0, 0, RED) && near(&photo, 0, 1, BLUE));
        }
    }
    // No test of this file takes more than a few megabytes.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let peak = peak.unwrap().trim().strip_suffix(" kB").unwrap();
        let megabytes = peak.parse::<u64>().unwrap() / 1024;
        assert!(megabytes < 250, "{megabytes} MB");
    }
}

#[test]
fn a_jpeg_of_a_hundred_thousand_scans_is_not_begun() {
    let jpeg = encode(flag(), ImageFormat::Jpeg);
    let scan = jpeg.windows(2).position(|m| m == [0xff, 0xda]).unwrap();
    let (head, last) = jpeg.split_at(scan);
    let once = last.strip_suffix(&[0xff, 0xd9]).unwrap();
    let bomb = [head, &once.repeat(100_000), &[0xff, 0xd9]].concat();
    let error = Photo::from_bytes("scans.jpg", &bomb).unwrap_err();
    assert!(error.to_string().contains("more than 500 scans"), "{error}");
}

#[test]
fn a_negative_is_dark_where_the_photo_is_bright() {
    let photo = Photo::from_pixels("p", Array3::from_elem((1, 1, 1), 0.25)).unwrap();
    assert_eq!(photo.negative().pixels[[0, 0, 0]], 0.75);
    assert_eq!(photo.negative().negative(), photo);
}

#[derive(serde::Deserialize)]
struct Expected {
    file: String,
    lossy: bool,
    /// Row, column, red, green, blue.
    probes: Vec<[usize; 5]>,
}

#[test]
fn pictures_of_every_format_have_the_colours_that_pil_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/photos");
    let text = std::fs::read_to_string(folder.join("photos.json")).unwrap();
    let table: Vec<Expected> = serde_json::from_str(&text).unwrap();
    assert_eq!(table.len(), 19);
    for expected in table {
        let file = &expected.file;
        let photo = Photo::open(folder.join(file)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(photo.pixels.dim(), (3, 24, 40), "{file}");
        // Two decoders of a lossy format may round otherwise, and smooth colours between pixels.
        let slack = if expected.lossy { 6.0 } else { 1.0 };
        for [y, x, colour @ ..] in expected.probes {
            for (c, &value) in colour.iter().enumerate() {
                let got = photo.pixels[[c, y, x]] * 255.0;
                assert!(
                    (got - value as f32).abs() <= slack,
                    "{file} at row {y}, column {x}, channel {c}: {got}, expected {value}"
                );
            }
        }
    }
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
