//! Files: written whole or not at all, each with where it comes from beside it.

use super::frames::Frames;
use crate::error::{Result, VisError};
use crate::provenance::Provenance;
use convscope_data::write_atomic;
use convscope_nn::Tensor;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A picture as the bytes of a PNG.
///
/// # Errors
/// When it is larger than PNG allows.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(|e| VisError::invalid(format!("no PNG can be made: {e}")))?;
    Ok(bytes)
}

/// Numbers as the bytes of a NumPy `.npy` file of 32-bit floats, in C order: version 1 of
/// <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
pub fn npy(numbers: &Tensor) -> Vec<u8> {
    const BEFORE: usize = 10;
    let sizes: String = numbers.shape().iter().map(|n| format!("{n}, ")).collect();
    let sizes = match numbers.ndim() {
        1 => sizes.trim_end(),
        _ => sizes.trim_end_matches(", "),
    };
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    // Data begin at a multiple of 64 bytes, after the header's line end.
    let length = (BEFORE + header.len() + 1).next_multiple_of(64) - BEFORE;
    header.extend(std::iter::repeat_n(' ', length - header.len() - 1));
    header.push('\n');
    let mut bytes = Vec::with_capacity(BEFORE + length + 4 * numbers.len());
    bytes.extend(b"\x93NUMPY\x01\x00");
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(numbers.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// Saves a PNG, and its provenance beside it: for `map.png`, `map.png.json`.
///
/// # Errors
/// When a file cannot be written.
pub fn save_png(picture: &RgbImage, path: impl AsRef<Path>, provenance: &Provenance) -> Result<()> {
    save(path.as_ref(), &png(picture)?, provenance)
}

/// Saves numbers as `.npy` (32-bit floats), with their provenance.
///
/// # Errors
/// When a file cannot be written.
pub fn save_npy(numbers: &Tensor, path: impl AsRef<Path>, provenance: &Provenance) -> Result<()> {
    save(path.as_ref(), &npy(numbers), provenance)
}

/// Saves an SVG or a page of HTML, with its provenance.
///
/// # Errors
/// When a file cannot be written.
pub fn save_text(text: &str, path: impl AsRef<Path>, provenance: &Provenance) -> Result<()> {
    save(path.as_ref(), text.as_bytes(), provenance)
}

/// Saves frames as an animated GIF, each shown so long, with their provenance.
///
/// # Errors
/// When there is no frame, or a file cannot be written.
pub fn save_gif(
    frames: &Frames,
    each: Duration,
    path: impl AsRef<Path>,
    provenance: &Provenance,
) -> Result<()> {
    save(path.as_ref(), &frames.gif(each)?, provenance)
}

fn save(path: &Path, bytes: &[u8], provenance: &Provenance) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    let beside = PathBuf::from(name);
    let write = |path: &Path, bytes: &[u8]| {
        write_atomic(path, bytes).map_err(|e| VisError::File {
            path: path.to_owned(),
            problem: format!("cannot write it: {e}"),
        })
    };
    write(path, bytes)?;
    write(&beside, (provenance.to_json() + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_weights::Weights;
    use ndarray::IxDyn;

    #[test]
    fn numbers_come_back_from_npy_as_they_went() {
        for shape in [&[3, 4, 5][..], &[7], &[1, 1, 1, 2], &[]] {
            let mut next = -1.5_f32;
            let numbers = Tensor::from_shape_simple_fn(IxDyn(shape), || {
                next *= -1.1;
                next
            });
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("numbers.npy");
            save_npy(&numbers, &file, &Provenance::new("test", "here")).unwrap();
            let back = Weights::read(&file).unwrap();
            assert_eq!(back.get("numbers"), Some(&numbers));
            // A view that is not in C order comes out in it.
            let turned = numbers.t().to_owned();
            let back = Weights::from_bytes(&npy(&turned), "t.npy").unwrap();
            assert_eq!(back.get("t").map(|a| a.shape()), Some(turned.shape()));
            assert_eq!(back.get("t"), Some(&turned));
        }
    }

    #[test]
    fn a_file_has_its_provenance_beside_it_and_a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        let picture = RgbImage::new(3, 2);
        let provenance = Provenance::new("saliency", "a paper").seed(3);
        save_png(&picture, &file, &provenance).unwrap();
        assert_eq!(image::open(&file).unwrap().to_rgb8(), picture);
        let json = std::fs::read_to_string(folder.path().join("a.png.json")).unwrap();
        assert!(
            json.contains("\"saliency\"") && json.contains("\"seed\": 3"),
            "{json}"
        );
        let nowhere = folder.path().join("no").join("a.png");
        let error = save_png(&picture, &nowhere, &provenance).unwrap_err();
        assert!(error.to_string().contains("a.png"), "{error}");
    }
}
