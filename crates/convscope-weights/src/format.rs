//! Which format a file has, told by its content: names are often wrong.

use crate::archive::Archive;
use std::fmt;

/// A format of weight files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Hugging Face's safetensors.
    Safetensors,
    /// PyTorch 1.6 and later: a zip with a pickle.
    TorchZip,
    /// PyTorch before 1.6: pickles with bytes behind them.
    TorchLegacy,
    /// One NumPy array.
    Npy,
    /// A zip of NumPy arrays.
    Npz,
    /// Keras's HDF5 file.
    KerasH5,
    /// Keras 3: a zip with an HDF5 file.
    KerasZip,
    /// Caffe's binary `NetParameter`.
    Caffe,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "a PyTorch file (zip)",
            Self::TorchLegacy => "a PyTorch file (before 1.6)",
            Self::Npy => "a NumPy array (.npy)",
            Self::Npz => "NumPy arrays (.npz)",
            Self::KerasH5 => "a Keras file (HDF5)",
            Self::KerasZip => "a Keras file (.keras)",
            Self::Caffe => "a Caffe model",
        })
    }
}

/// The format, or how the content begins, in words.
pub(crate) fn detect(bytes: &[u8]) -> Result<Format, String> {
    if bytes.starts_with(crate::npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Ok(Format::KerasH5);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zipped(bytes);
    }
    if bytes.starts_with(&crate::torch::LEGACY_MAGIC) || starts_pickle(bytes) {
        return Ok(Format::TorchLegacy);
    }
    if bytes.get(8) == Some(&b'{') {
        return Ok(Format::Safetensors);
    }
    if crate::caffe::looks_like(bytes) {
        return Ok(Format::Caffe);
    }
    Err(beginning(bytes))
}

fn starts_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

fn zipped(bytes: &[u8]) -> Result<Format, String> {
    let archive = Archive::open(bytes).map_err(|e| format!("it begins as a zip, but {e}"))?;
    let names = archive.names();
    let any = |end: &str| names.iter().any(|n| n.ends_with(end));
    if any("/data.pkl") || names.iter().any(|n| n == "data.pkl") {
        Ok(Format::TorchZip)
    } else if any(".weights.h5") {
        Ok(Format::KerasZip)
    } else if any(".npy") {
        Ok(Format::Npz)
    } else {
        let some: Vec<_> = names.iter().take(4).map(String::as_str).collect();
        Err(format!(
            "it is a zip of {} entries ({}) with no data.pkl, no .weights.h5 and no .npy among them",
            names.len(),
            some.join(", ")
        ))
    }
}

fn beginning(bytes: &[u8]) -> String {
    let starts = |text: &str| {
        let head = &bytes[..bytes.len().min(64)];
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        head.trim_start().starts_with(text)
    };
    if bytes.is_empty() {
        "it is empty".into()
    } else if starts("version https://git-lfs") {
        "it is a pointer of Git LFS, not the file itself: fetch the file with git lfs pull".into()
    } else if starts("<!doctype") || starts("<html") {
        "it is a web page, not a weight file: the download went wrong".into()
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        "it is gzip-compressed: unpack it first".into()
    } else {
        let head: Vec<_> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("it begins with the bytes {}", head.join(" "))
    }
}
