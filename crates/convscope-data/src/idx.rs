//! The IDX format of MNIST's files: a type code, the sizes of each dimension, then the elements,
//! all big-endian. The format is described on MNIST's original page.
//!
//! ```text
//! 00 00 | type | dimensions | size of each dimension, u32 | elements
//! ```

use crate::dataset::{Dataset, images_from};
use crate::error::{DataError, IdxProblem, Result};
use crate::fetch::write_error;
use crate::write::write_atomic;
use std::fs;
use std::path::Path;

/// The contents of an IDX file.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// The size of each dimension, outermost first.
    pub sizes: Vec<usize>,
    /// The elements, last dimension fastest.
    pub elements: IdxElements,
}

/// The elements of an IDX file, in the type the file declares.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum IdxElements {
    U8(Vec<u8>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl IdxElements {
    /// The element type's name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::I16(_) => "i16",
            Self::I32(_) => "i32",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Idx {
    /// Reads an unpacked IDX file.
    ///
    /// # Errors
    /// If the file cannot be read, or is not exactly what its header says.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(DataError::io("read", path))?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// Reads IDX from memory; `name` is what errors call it.
    ///
    /// # Errors
    /// If the bytes are not exactly what their header says. Nothing is allocated before the sizes
    /// in the header have been checked against the number of bytes.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        parse(bytes).map_err(|problem| DataError::Idx {
            name: name.to_owned(),
            problem,
        })
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// If the sizes do not multiply to the number of elements, a size is beyond 32 bits, or there
    /// are more than 255 dimensions.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let wanted = self.sizes.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
        if wanted != Some(self.elements.len()) {
            return Err(DataError::Shape {
                what: "IDX sizes".into(),
                expected: format!(
                    "a product of {}, the number of elements",
                    self.elements.len()
                ),
                got: self.sizes.clone(),
            });
        }
        let too_large = |problem| DataError::Argument {
            what: "IDX sizes",
            problem,
        };
        let dimensions = u8::try_from(self.sizes.len())
            .map_err(|_| too_large(format!("{} dimensions; at most 255 fit", self.sizes.len())))?;
        let (code, width) = match self.elements {
            IdxElements::U8(_) => (0x08, 1),
            IdxElements::I8(_) => (0x09, 1),
            IdxElements::I16(_) => (0x0b, 2),
            IdxElements::I32(_) => (0x0c, 4),
            IdxElements::F32(_) => (0x0d, 4),
            IdxElements::F64(_) => (0x0e, 8),
        };
        let mut out = Vec::with_capacity(4 + 4 * self.sizes.len() + width * self.elements.len());
        out.extend([0, 0, code, dimensions]);
        for &size in &self.sizes {
            let size = u32::try_from(size)
                .map_err(|_| too_large(format!("size {size}; at most {} fits", u32::MAX)))?;
            out.extend(size.to_be_bytes());
        }
        match &self.elements {
            IdxElements::U8(v) => out.extend(v),
            IdxElements::I8(v) => out.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            IdxElements::I16(v) => out.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            IdxElements::I32(v) => out.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            IdxElements::F32(v) => out.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            IdxElements::F64(v) => out.extend(v.iter().flat_map(|x| x.to_be_bytes())),
        }
        Ok(out)
    }
}

fn parse(bytes: &[u8]) -> Result<Idx, IdxProblem> {
    let short = |expected| IdxProblem::ShortHeader {
        expected,
        got: bytes.len(),
    };
    let magic: [u8; 4] = *bytes.first_chunk().ok_or(short(4))?;
    let [0, 0, code, dimensions] = magic else {
        return Err(IdxProblem::Magic { found: magic });
    };
    let width = match code {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => return Err(IdxProblem::Type { code }),
    };
    if dimensions == 0 {
        return Err(IdxProblem::Dimensions {
            expected: "at least 1",
            got: 0,
        });
    }
    let header = 4 + 4 * usize::from(dimensions);
    let sizes: Vec<u32> = bytes
        .get(4..header)
        .ok_or(short(header))?
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    // A size of 0 must not hide absurd ones beside it: arrays of such a shape cannot be made either.
    let most = isize::MAX as u64 / 8;
    sizes
        .iter()
        .try_fold(width, |n: u64, &s| {
            n.checked_mul(u64::from(s).max(1)).filter(|&n| n <= most)
        })
        .ok_or_else(|| IdxProblem::Absurd {
            sizes: sizes.clone(),
        })?;
    let expected = header as u64 + sizes.iter().fold(width, |n, &s| n * u64::from(s));
    let got = bytes.len() as u64;
    if got < expected {
        return Err(IdxProblem::Truncated {
            sizes,
            expected,
            got,
        });
    }
    if got > expected {
        return Err(IdxProblem::Trailing {
            sizes,
            expected,
            got,
        });
    }
    let body = &bytes[header..];
    let elements = match code {
        0x08 => IdxElements::U8(body.to_vec()),
        0x09 => IdxElements::I8(body.iter().map(|&b| b as i8).collect()),
        0x0b => IdxElements::I16(big_endian(body, i16::from_be_bytes)),
        0x0c => IdxElements::I32(big_endian(body, i32::from_be_bytes)),
        0x0d => IdxElements::F32(big_endian(body, f32::from_be_bytes)),
        _ => IdxElements::F64(big_endian(body, f64::from_be_bytes)),
    };
    Ok(Idx {
        sizes: sizes.into_iter().map(|s| s as usize).collect(),
        elements,
    })
}

fn big_endian<T, const W: usize>(body: &[u8], from: impl Fn([u8; W]) -> T) -> Vec<T> {
    body.as_chunks()
        .0
        .iter()
        .map(|&chunk| from(chunk))
        .collect()
}

impl Dataset {
    /// Reads a pair of IDX files as MNIST has them: images `[N, H, W]` of u8, labels `[N]` of u8.
    /// With `limit`, only the first so many images are kept.
    ///
    /// # Errors
    /// If a file is not what its header says, the numbers of images and labels differ, a label has
    /// no class, or `limit` is more than there is.
    pub fn read_idx(
        name: &str,
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        classes: &[&str],
        limit: Option<usize>,
    ) -> Result<Self> {
        let (images_path, labels_path) = (images.as_ref(), labels.as_ref());
        let read = |path: &Path| fs::read(path).map_err(DataError::io("read", path));
        Self::from_idx(
            name,
            (&images_path.display().to_string(), &read(images_path)?),
            (&labels_path.display().to_string(), &read(labels_path)?),
            classes,
            limit,
        )
    }

    /// [`read_idx`](Self::read_idx) from memory: each file as its name and its bytes.
    ///
    /// # Errors
    /// As [`read_idx`](Self::read_idx).
    pub fn from_idx(
        name: &str,
        images: (&str, &[u8]),
        labels: (&str, &[u8]),
        classes: &[&str],
        limit: Option<usize>,
    ) -> Result<Self> {
        let (sizes, pixels) = bytes_of(images.0, images.1, 3, "3 (images, rows, columns)")?;
        let (label_sizes, labels) = bytes_of(labels.0, labels.1, 1, "1 (labels)")?;
        let (n, h, w) = (sizes[0], sizes[1], sizes[2]);
        if n != label_sizes[0] {
            return Err(DataError::CountMismatch {
                images: n,
                labels: label_sizes[0],
            });
        }
        let keep = limit.unwrap_or(n);
        if keep > n {
            return Err(DataError::OutOfRange {
                what: "the end of the slice at",
                wanted: keep,
                len: n,
                dataset: name.to_owned(),
            });
        }
        let pixels = pixels[..keep * h * w]
            .iter()
            .map(|&b| f32::from(b))
            .collect();
        Self::new(
            name,
            images_from(pixels, [keep, 1, h, w]),
            labels[..keep].iter().map(|&b| usize::from(b)).collect(),
            classes.iter().map(|&c| c.to_owned()).collect(),
        )
    }

    /// Writes the dataset as a pair of IDX files in MNIST's format.
    ///
    /// # Errors
    /// If the images are not grey, a pixel is not a whole number from 0 to 255, there are more than
    /// 256 classes, or a file cannot be written.
    pub fn write_idx(&self, images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<()> {
        let (image_bytes, label_bytes) = self.to_idx()?;
        for (path, bytes) in [
            (images.as_ref(), image_bytes),
            (labels.as_ref(), label_bytes),
        ] {
            write_atomic(path, &bytes).map_err(write_error(path, bytes.len() as u64))?;
        }
        Ok(())
    }

    /// The bytes of the two files that [`write_idx`](Self::write_idx) writes.
    ///
    /// # Errors
    /// As [`write_idx`](Self::write_idx), except for the writing.
    pub fn to_idx(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        self.check()?;
        let [c, h, w] = self.image_shape();
        if c != 1 {
            return Err(DataError::Shape {
                what: format!("images of {} for MNIST's format", self.name),
                expected: "[N, 1, H, W]".into(),
                got: self.images.shape().to_vec(),
            });
        }
        let mut pixels = Vec::with_capacity(self.images.len());
        for &x in &self.images {
            if x.fract() != 0.0 || !(0.0..=255.0).contains(&x) {
                return Err(DataError::Argument {
                    what: "to_idx",
                    problem: format!(
                        "pixel {} of {} is {x}; MNIST's format holds whole numbers from 0 to 255 \
                         (invert a standardisation first)",
                        pixels.len(),
                        self.name
                    ),
                });
            }
            pixels.push(x as u8);
        }
        let mut labels = Vec::with_capacity(self.len());
        for (position, &label) in self.labels.iter().enumerate() {
            labels.push(u8::try_from(label).map_err(|_| DataError::LabelOutOfRange {
                position,
                label,
                classes: 256,
            })?);
        }
        let n = self.len();
        Ok((
            Idx {
                sizes: vec![n, h, w],
                elements: IdxElements::U8(pixels),
            }
            .to_bytes()?,
            Idx {
                sizes: vec![n],
                elements: IdxElements::U8(labels),
            }
            .to_bytes()?,
        ))
    }
}

fn bytes_of(
    name: &str,
    bytes: &[u8],
    dimensions: usize,
    expected: &'static str,
) -> Result<(Vec<usize>, Vec<u8>)> {
    let Idx { sizes, elements } = Idx::from_bytes(name, bytes)?;
    let problem = match elements {
        _ if sizes.len() != dimensions => IdxProblem::Dimensions {
            expected,
            got: sizes.len(),
        },
        IdxElements::U8(bytes) => return Ok((sizes, bytes)),
        other => IdxProblem::Element {
            expected: "u8",
            got: other.type_name(),
        },
    };
    Err(DataError::Idx {
        name: name.to_owned(),
        problem,
    })
}
