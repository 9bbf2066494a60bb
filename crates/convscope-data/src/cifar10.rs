//! CIFAR-10: small colour photographs of ten classes, from the official binary archive, or, where a
//! mirror has only that, from an archive of the same images as JPEG.
//!
//! The binary format is described on the dataset's page: records of one label byte and 3072 pixel
//! bytes, the red plane first, then green, then blue, each by rows.

use crate::dataset::{Dataset, images_from};
use crate::error::{DataError, Result};
use crate::fetch::{FetchDisplay, FetchOptions, fetch};
use crate::registry::{Entry, Registry};
use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

pub(crate) const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];
const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
const RECORD: usize = 1 + PIXELS;
/// The JPEG archive is sorted by class; this order mixes it, the same way every time.
#[cfg(feature = "photos")]
const JPEG_ORDER: u64 = 10;

/// CIFAR-10's own split.
#[derive(Clone, Debug)]
pub struct Cifar10 {
    /// 50,000 images `[50000, 3, 32, 32]`, pixels 0 to 1, 5,000 of each class.
    pub train: Dataset,
    /// 10,000 images, 1,000 of each class.
    pub test: Dataset,
    /// Set when these are the images as JPEG: what that means and why it is so.
    pub notice: Option<String>,
}

/// CIFAR-10 from the cache, fetched first if need be.
///
/// Where the official archive cannot be had, its images as JPEG serve, if a mirror or the cache has
/// them; a notice says so. They come in a fixed order that mixes the classes.
///
/// # Errors
/// If neither is to be had; the error tells why the official one is not.
pub fn cifar10() -> Result<Cifar10> {
    cifar10_with(&FetchOptions::from_environment()?)
}

/// [`cifar10`] with options of one's own, for a cache elsewhere or other time-outs.
///
/// # Errors
/// As [`cifar10`].
pub fn cifar10_with(options: &FetchOptions) -> Result<Cifar10> {
    let registry = Registry::builtin()?;
    let original = registry.get("cifar10")?;
    // The lossy one is small and may lie there already; the original is asked for first all the same.
    match archive(original, options) {
        Ok(bytes) => {
            let (train, test) = from_binary_archive(&bytes)?;
            Ok(Cifar10 {
                train,
                test,
                notice: None,
            })
        }
        Err(stopped @ DataError::Stopped { .. }) => Err(stopped),
        Err(why) => from_jpeg(registry.get("cifar10-jpeg")?, options, why),
    }
}

/// The bytes of an entry's only file, fetched first if need be.
fn archive(entry: &Entry, options: &FetchOptions) -> Result<Vec<u8>> {
    let file = &entry.files[0];
    // One reading for the checksum and for use: the archive is large.
    if let Ok(bytes) = options.cache.read(entry, file) {
        return Ok(bytes);
    }
    let mut display = FetchDisplay::new();
    fetch(entry, options, &mut |progress| display.show(progress))?;
    options.cache.read(entry, file)
}

impl Dataset {
    /// Reads CIFAR-10's binary format: images `[N, 3, 32, 32]`, pixels 0 to 1.
    ///
    /// # Errors
    /// If the file cannot be read, is not a whole number of records, or a label is not 0 to 9.
    pub fn read_cifar10(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(DataError::io("read", path))?;
        Self::from_cifar10(&path.display().to_string(), &bytes)
    }

    /// [`read_cifar10`](Self::read_cifar10) from memory; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`read_cifar10`](Self::read_cifar10).
    pub fn from_cifar10(name: &str, bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
            let gzip = match bytes.starts_with(&[0x1f, 0x8b]) {
                true => " (this one is still gzip-compressed: unpack it first)",
                false => "",
            };
            return Err(DataError::Cifar {
                name: name.to_owned(),
                problem: format!(
                    "it has {} bytes; expected a whole number of records of {RECORD} bytes, a \
                     label and 3x32x32 pixels{gzip}",
                    bytes.len()
                ),
            });
        }
        let n = bytes.len() / RECORD;
        let mut pixels = Vec::with_capacity(n * PIXELS);
        let mut labels = Vec::with_capacity(n);
        for (position, record) in bytes.chunks_exact(RECORD).enumerate() {
            let label = usize::from(record[0]);
            if label >= CLASSES.len() {
                return Err(DataError::LabelOutOfRange {
                    position,
                    label,
                    classes: CLASSES.len(),
                });
            }
            labels.push(label);
            pixels.extend(record[1..].iter().map(|&b| f32::from(b) / 255.0));
        }
        Ok(assemble(pixels, labels))
    }
}

fn assemble(pixels: Vec<f32>, labels: Vec<usize>) -> Dataset {
    Dataset {
        name: "cifar10".into(),
        images: images_from(pixels, [labels.len(), 3, SIDE, SIDE]),
        labels,
        classes: CLASSES.map(String::from).to_vec(),
    }
}

/// Calls `each` with the path and the bytes of every file in a `.tar.gz`.
fn each_file(bytes: &[u8], mut each: impl FnMut(&Path, Vec<u8>) -> Result<()>) -> Result<()> {
    let damaged = |e: std::io::Error| DataError::Cifar {
        name: "the archive".into(),
        problem: format!("its tar data is damaged ({e}); fetch it again"),
    };
    let mut archive = tar::Archive::new(MultiGzDecoder::new(Cursor::new(bytes)));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type().is_file() {
            let path = entry.path().map_err(damaged)?.into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(damaged)?;
            each(&path, content)?;
        }
    }
    Ok(())
}

fn from_binary_archive(bytes: &[u8]) -> Result<(Dataset, Dataset)> {
    let mut batches: Vec<(String, Vec<u8>)> = Vec::new();
    each_file(bytes, |path, content| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".bin") {
            batches.push((name.into_owned(), content));
        }
        Ok(())
    })?;
    let of = |wanted: &[&str]| -> Result<Dataset> {
        let mut all = Vec::new();
        for wanted in wanted {
            let found = batches.iter().find(|(name, _)| name == wanted);
            let (_, content) = found.ok_or_else(|| DataError::Cifar {
                name: "the archive".into(),
                problem: format!("expected a file {wanted} in it, and there is none"),
            })?;
            all.extend_from_slice(content);
        }
        Dataset::from_cifar10(wanted[0], &all)
    };
    let train = of(&[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ])?;
    Ok((train, of(&["test_batch.bin"])?))
}

#[cfg(not(feature = "photos"))]
fn from_jpeg(_entry: &Entry, _options: &FetchOptions, why: DataError) -> Result<Cifar10> {
    Err(why)
}

/// `why` is what kept the original away: the error, if there is no JPEG either.
#[cfg(feature = "photos")]
fn from_jpeg(entry: &Entry, options: &FetchOptions, why: DataError) -> Result<Cifar10> {
    let Ok(bytes) = archive(entry, options) else {
        return Err(why);
    };
    let mut parts = [(); 2].map(|()| Vec::new());
    each_file(&bytes, |path, content| {
        let mut names = path.iter().map(|p| p.to_string_lossy());
        let part = match names.next().as_deref() {
            Some("train") => 0,
            Some("test") => 1,
            _ => return Ok(()),
        };
        let class = names.next().unwrap_or_default();
        if let Some(label) = CLASSES.iter().position(|c| *c == class) {
            parts[part].push((path.to_owned(), label, content));
        }
        Ok(())
    })?;
    let [train, test] = parts.map(decoded);
    Ok(Cifar10 {
        train: train?,
        test: test?,
        notice: Some(format!(
            "These are CIFAR-10's images after lossy compression (JPEG, quality about 75): a network \
             trained on them does well on them, but its accuracy is not to be compared with published \
             ones.\nWhy: {why}"
        )),
    })
}

#[cfg(feature = "photos")]
fn decoded(mut files: Vec<(std::path::PathBuf, usize, Vec<u8>)>) -> Result<Dataset> {
    files.sort();
    let order = crate::draw::Draw::new(JPEG_ORDER, 0).permutation(files.len());
    let mut pixels = Vec::with_capacity(files.len() * PIXELS);
    let mut labels = Vec::with_capacity(files.len());
    for &i in &order {
        let (path, label, content) = &files[i];
        let photo = |problem| DataError::Photo {
            path: path.clone(),
            problem,
        };
        let image = image::load_from_memory_with_format(content, image::ImageFormat::Jpeg)
            .map_err(|e| photo(e.to_string()))?
            .into_rgb8();
        if image.dimensions() != (SIDE as u32, SIDE as u32) {
            return Err(photo(format!(
                "expected 32x32 pixels, got {}x{}",
                image.width(),
                image.height()
            )));
        }
        for channel in 0..3 {
            let plane = image.pixels().map(|p| f32::from(p.0[channel]) / 255.0);
            pixels.extend(plane);
        }
        labels.push(*label);
    }
    if labels.is_empty() {
        return Err(DataError::Cifar {
            name: "the archive".into(),
            problem: "expected images under train/ and test/, and there are none".into(),
        });
    }
    Ok(assemble(pixels, labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    /// A record whose red plane is all `red`, the rest 0.
    fn record(label: u8, red: u8) -> Vec<u8> {
        let mut record = vec![label];
        record.extend([red; 1024]);
        record.extend([0; 2048]);
        record
    }

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, *content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_record_is_a_label_and_three_planes() {
        let bytes = [record(3, 255), record(9, 51)].concat();
        let set = Dataset::from_cifar10("b", &bytes).unwrap();
        assert_eq!(set.images.shape(), [2, 3, 32, 32]);
        assert_eq!(set.labels, [3, 9]);
        assert_eq!(set.class_of(1).unwrap(), "truck");
        assert_eq!(set.images[[0, 0, 31, 31]], 1.0);
        assert_eq!(set.images[[1, 0, 0, 0]], 0.2);
        assert_eq!(set.images[[0, 1, 0, 0]], 0.0);
    }

    #[test]
    fn bytes_that_are_not_records_are_refused() {
        for (bytes, word) in [
            (vec![], "it has 0 bytes"),
            (record(1, 0)[..3000].to_vec(), "records of 3073 bytes"),
            (vec![0x1f, 0x8b, 0], "unpack it first"),
            (record(10, 0), "label 10 at position 0"),
        ] {
            let error = Dataset::from_cifar10("b.bin", &bytes).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn the_archives_batches_come_in_order() {
        let batches: Vec<(String, Vec<u8>)> = [5, 2, 1, 4, 3]
            .map(|i| {
                (
                    format!("cifar-10-batches-bin/data_batch_{i}.bin"),
                    record(i, i),
                )
            })
            .to_vec();
        let mut files: Vec<(&str, &[u8])> = batches
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        let error = from_binary_archive(&packed(&files)).unwrap_err();
        assert!(error.to_string().contains("test_batch.bin"), "{error}");
        let test = record(7, 0);
        files.push(("cifar-10-batches-bin/test_batch.bin", &test));
        files.push(("cifar-10-batches-bin/readme.html", b"<html>"));
        let (train, test) = from_binary_archive(&packed(&files)).unwrap();
        assert_eq!(train.labels, [1, 2, 3, 4, 5]);
        assert_eq!(test.labels, [7]);
        let cut = &packed(&files)[..200];
        let error = from_binary_archive(cut).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
}
