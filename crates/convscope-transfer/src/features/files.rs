//! Images that stand one behind the other in a file, and are read from it when they are needed.

use super::identity::hex;
use super::source::Source;
use crate::error::{Result, TransferError};
use convscope_data::{Photo, labels};
use ndarray::Array3;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// CIFAR-10's binary format: records of a label byte and 3x32x32 pixels. Only labels are in memory.
#[derive(Clone, Debug)]
pub struct RecordFile {
    path: PathBuf,
    labels: Vec<usize>,
    classes: Vec<String>,
    sha256: String,
}

const SIDE: usize = 32;
const RECORD: usize = 1 + 3 * SIDE * SIDE;

impl RecordFile {
    /// The records of a file.
    ///
    /// # Errors
    /// If it cannot be read, is not a whole number of records, or a label is not 0 to 9.
    pub fn open(path: impl AsRef<Path>) -> Result<RecordFile> {
        let path = path.as_ref();
        let failed = |e: io::Error| TransferError::file(path, e);
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes == 0 || !bytes.is_multiple_of(RECORD as u64) {
            return Err(TransferError::file(
                path,
                format!(
                    "it has {bytes} bytes; expected CIFAR-10's binary format, a whole number of \
                     records of {RECORD} bytes"
                ),
            ));
        }
        let classes = labels("cifar10")?;
        let (mut found, mut hash) = (Vec::new(), Sha256::new());
        let mut record = [0; RECORD];
        let mut from = BufReader::with_capacity(1 << 20, file);
        for position in 0..bytes / RECORD as u64 {
            from.read_exact(&mut record).map_err(failed)?;
            hash.update(record);
            let label = usize::from(record[0]);
            if label >= classes.len() {
                return Err(TransferError::file(
                    path,
                    format!("record {position} has the label {label}; expected 0 to 9"),
                ));
            }
            found.push(label);
        }
        Ok(RecordFile {
            path: path.to_owned(),
            labels: found,
            classes,
            sha256: hex(hash),
        })
    }
}

impl Source for RecordFile {
    fn name(&self) -> String {
        file_name(&self.path)
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn image_name(&self, index: usize) -> String {
        index.to_string()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn classes(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn open(&self, index: usize) -> Result<Photo> {
        let mut record = [0; RECORD];
        read_at(&self.path, (index * RECORD) as u64, &mut record)?;
        let values = record[1..].iter().map(|&b| f32::from(b) / 255.0).collect();
        let pixels = Array3::from_shape_vec((3, SIDE, SIDE), values);
        Ok(Photo {
            name: format!("image {index} of {}", self.name()),
            pixels: pixels.expect("as many as a record has"),
        })
    }

    fn fingerprint(&self) -> String {
        self.sha256.clone()
    }
}

/// Images `[N, C, H, W]` in a NumPy `.npy` file, or one `[C, H, W]`: 32-bit floats as a network takes
/// them ([`Extraction::as_they_are`](crate::Extraction::as_they_are)), without labels. None is in
/// memory.
#[derive(Clone, Debug)]
pub struct ArrayFile {
    path: PathBuf,
    begin: u64,
    images: usize,
    shape: [usize; 3],
}

impl ArrayFile {
    /// The images of a file.
    ///
    /// # Errors
    /// If it cannot be read, is no such array, or is not whole.
    pub fn open(path: impl AsRef<Path>) -> Result<ArrayFile> {
        let path = path.as_ref();
        let wrong = |problem: String| TransferError::file(path, problem);
        let mut file = File::open(path).map_err(|e| wrong(e.to_string()))?;
        let bytes = file.metadata().map_err(|e| wrong(e.to_string()))?.len();
        let (header, begin) = header(&mut file)
            .ok()
            .flatten()
            .ok_or_else(|| wrong("it is no NumPy array (.npy)".into()))?;
        let value = |key: &str| {
            let at = header.find(&format!("'{key}':"))?;
            Some(header[at + key.len() + 3..].trim_start())
        };
        let kind = value("descr").and_then(|v| v.strip_prefix('\'')?.split('\'').next());
        let by_rows = value("fortran_order").is_some_and(|v| v.starts_with("False"));
        if kind != Some("<f4") || !by_rows {
            return Err(wrong(format!(
                "expected 32-bit floats row after row, got {} (numpy.ascontiguousarray(x, \
                 numpy.float32) makes them)",
                match by_rows {
                    true => kind.unwrap_or("records"),
                    false => "columns first",
                }
            )));
        }
        let sizes = value("shape").and_then(|v| v.strip_prefix('(')?.split(')').next());
        let sizes = sizes.unwrap_or_default().split(',').map(str::trim);
        let sizes: Vec<_> = sizes.filter(|s| !s.is_empty()).map(str::parse).collect();
        let sizes: Result<Vec<usize>, _> = sizes.into_iter().collect();
        let sizes = sizes.map_err(|_| wrong("its shape makes no sense".into()))?;
        let (images, shape) = match *sizes.as_slice() {
            [n, c, h, w] => (n, [c, h, w]),
            [c, h, w] => (1, [c, h, w]),
            _ => {
                return Err(wrong(format!(
                    "expected images [N, C, H, W] or one image [C, H, W], got {sizes:?}"
                )));
            }
        };
        let numbers = sizes.iter().try_fold(4usize, |n, &s| n.checked_mul(s));
        let whole = numbers.and_then(|n| begin.checked_add(n as u64));
        if whole != Some(bytes) {
            return Err(wrong(format!(
                "it is not whole: its shape is {sizes:?}, and it has {bytes} bytes"
            )));
        }
        if shape.contains(&0) {
            return Err(wrong(format!("there is no pixel in it: {sizes:?}")));
        }
        Ok(ArrayFile {
            path: path.to_owned(),
            begin,
            images,
            shape,
        })
    }
}

impl Source for ArrayFile {
    fn name(&self) -> String {
        file_name(&self.path)
    }

    fn len(&self) -> usize {
        self.images
    }

    fn image_name(&self, index: usize) -> String {
        index.to_string()
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn classes(&self) -> Vec<String> {
        vec!["unlabelled".into()]
    }

    fn open(&self, index: usize) -> Result<Photo> {
        let mut bytes = vec![0; 4 * self.shape.iter().product::<usize>()];
        let begin = self.begin + (index * bytes.len()) as u64;
        read_at(&self.path, begin, &mut bytes)?;
        let values = bytes.chunks_exact(4);
        let values = values.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let pixels = Array3::from_shape_vec(self.shape, values.collect());
        Ok(Photo {
            name: format!("image {index} of {}", self.name()),
            pixels: pixels.expect("as many as the shape says"),
        })
    }
}

/// What stands before the numbers of a `.npy`, and where they begin; none if it is none.
fn header(file: &mut File) -> io::Result<Option<(String, u64)>> {
    let mut begin = [0; 10];
    file.read_exact(&mut begin)?;
    let length = match (&begin[..6], begin[6]) {
        (b"\x93NUMPY", 1) => u64::from(u16::from_le_bytes([begin[8], begin[9]])),
        (b"\x93NUMPY", 2 | 3) => {
            let mut rest = [0; 2];
            file.read_exact(&mut rest)?;
            u64::from(u32::from_le_bytes([begin[8], begin[9], rest[0], rest[1]]))
        }
        _ => return Ok(None),
    };
    let mut text = Vec::new();
    // NumPy's own are below a hundred bytes.
    let read = file.take(length.min(1 << 16)).read_to_end(&mut text)?;
    let at = file.stream_position()?;
    let text = String::from_utf8(text).ok();
    Ok(text
        .filter(|_| read as u64 == length)
        .map(|text| (text, at)))
}

fn read_at(path: &Path, begin: u64, bytes: &mut [u8]) -> Result<()> {
    let mut file = File::open(path).map_err(|e| TransferError::file(path, e))?;
    file.seek(SeekFrom::Start(begin))
        .and_then(|_| file.read_exact(bytes))
        .map_err(|e| TransferError::file(path, e))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::Dataset;
    use ndarray::Array4;

    fn refused(error: TransferError, words: &str) {
        let error = error.to_string();
        assert!(error.contains(words) && error.contains("images"), "{error}");
    }

    #[test]
    fn records_are_what_the_dataset_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.bin");
        let bytes: Vec<u8> = (0..3 * RECORD)
            .map(|i| match i % RECORD {
                0 => (7 * (i / RECORD) % 10) as u8,
                _ => (i * 31 % 256) as u8,
            })
            .collect();
        std::fs::write(&path, &bytes).unwrap();
        let records = RecordFile::open(&path).unwrap();
        let set = Dataset::from_cifar10("x", &bytes).unwrap();
        assert_eq!(
            (Source::len(&records), records.name()),
            (3, "images.bin".into())
        );
        assert_eq!(records.classes(), set.classes);
        for i in 0..3 {
            assert_eq!(records.open(i).unwrap().pixels, set.image(i).unwrap());
            assert_eq!(records.label(i), set.labels[i]);
        }
        let before = records.fingerprint();
        let mut other = bytes.clone();
        other[2 * RECORD + 5] ^= 1;
        std::fs::write(&path, &other).unwrap();
        assert_ne!(RecordFile::open(&path).unwrap().fingerprint(), before);
        other[RECORD] = 10;
        std::fs::write(&path, &other).unwrap();
        refused(
            RecordFile::open(&path).unwrap_err(),
            "record 1 has the label 10",
        );
        std::fs::write(&path, &bytes[1..]).unwrap();
        refused(RecordFile::open(&path).unwrap_err(), "9218 bytes");
        std::fs::write(&path, b"").unwrap();
        refused(RecordFile::open(&path).unwrap_err(), "0 bytes");
        std::fs::remove_file(&path).unwrap();
        refused(RecordFile::open(&path).unwrap_err(), "No such file");
    }

    fn npy(kind: &str, order: &str, shape: &str, numbers: &[f32]) -> Vec<u8> {
        let text =
            format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        numbers.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes
    }

    #[test]
    fn an_array_is_read_an_image_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.npy");
        let numbers: Vec<f32> = (0..60).map(|i| i as f32 * 0.5).collect();
        let all = Array4::from_shape_vec((2, 5, 3, 2), numbers.clone()).unwrap();
        std::fs::write(&path, npy("<f4", "False", "2, 5, 3, 2", &numbers)).unwrap();
        let array = ArrayFile::open(&path).unwrap();
        assert_eq!(Source::len(&array), 2);
        for (i, image) in all.outer_iter().enumerate() {
            assert_eq!(array.open(i).unwrap().pixels, image);
        }
        std::fs::write(&path, npy("<f4", "False", "5, 6, 2", &numbers)).unwrap();
        let one = ArrayFile::open(&path).unwrap();
        assert_eq!(one.open(0).unwrap().pixels.dim(), (5, 6, 2));
        for (bytes, words) in [
            (npy("<f8", "False", "2, 5, 3, 2", &numbers), "got <f8"),
            (
                npy("<f4", "True", "2, 5, 3, 2", &numbers),
                "got columns first",
            ),
            (npy("<f4", "False", "60,", &numbers), "got [60]"),
            (
                npy("<f4", "False", "2, 5, 3, x", &numbers),
                "makes no sense",
            ),
            (npy("<f4", "False", "2, 5, 3, 3", &numbers), "not whole"),
            (
                npy("<f4", "False", "9223372036854775807, 5, 3, 3", &numbers),
                "not whole",
            ),
            (npy("<f4", "False", "0, 5, 0, 3", &[]), "no pixel"),
            (b"PK".to_vec(), "no NumPy array"),
            (b"\x93NUMPY\x01\x00\xff\xffx".to_vec(), "no NumPy array"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            refused(ArrayFile::open(&path).unwrap_err(), words);
        }
    }
}
