//! The part of HDF5 that weight files use, read without libhdf5:
//! <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.
//!
//! Superblocks 0 to 3, object headers 1 and 2, groups by symbol table or by links in the header,
//! compact, contiguous and chunked data with gzip, shuffle and fletcher32 (whose sums are not
//! checked). The crates for HDF5 bind the C library, or are younger than the files they would have
//! to be trusted with.

mod data;
mod group;
mod header;

use crate::budget::Budget;
use crate::element::Loaded;
pub(crate) use header::Header;

/// No address.
const UNDEFINED: u64 = u64::MAX;
/// Messages, nodes and chunks that are visited in one file. Real ones have thousands, and a file
/// that refers to itself would have no end.
const MOST_STEPS: u32 = 1 << 19;
/// No name in a weight file is longer.
const LONGEST_NAME: usize = 256;

/// An open file.
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    steps: u32,
}

impl<'a> File<'a> {
    /// The file and its root's address.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<(Self, u64), String> {
        let file = Self { bytes, steps: 0 };
        let version = file.at(8, 1)?[0];
        let (sizes, base, root) = match version {
            0 => (13, 24, 64),
            1 => (13, 28, 68),
            2 | 3 => (9, 12, 36),
            other => {
                return Err(format!(
                    "its superblock has version {other}; expected 0 to 3"
                ));
            }
        };
        let sizes = file.at(sizes, 2)?;
        if sizes != [8, 8] {
            return Err(format!("its addresses have {} bytes; expected 8", sizes[0]));
        }
        if number(file.at(base, 8)?) != 0 {
            return Err("it lies within another file; expected it alone".into());
        }
        let end = number(file.at(base + 16, 8)?);
        if end > bytes.len() as u64 {
            return Err(format!(
                "it should have {end} bytes, and has {}: it is truncated",
                bytes.len()
            ));
        }
        let root = number(file.at(root, 8)?);
        Ok((file, root))
    }

    /// The array of a dataset.
    pub(crate) fn dataset(
        &mut self,
        header: &Header<'a>,
        budget: &mut Budget,
    ) -> Result<Loaded, String> {
        data::read(self, header, budget)
    }

    /// So many bytes at an address.
    fn at(&self, address: u64, count: usize) -> Result<&'a [u8], String> {
        let from = usize::try_from(address).ok();
        let range = from.and_then(|from| Some(from..from.checked_add(count)?));
        range.and_then(|range| self.bytes.get(range)).ok_or_else(|| {
            format!(
                "{count} bytes should be at {address:#x}, and the file has {}: it is truncated or \
                 damaged",
                self.bytes.len()
            )
        })
    }

    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        match self.steps <= MOST_STEPS {
            true => Ok(()),
            false => Err("its parts refer to one another without end".into()),
        }
    }

    fn signed(&self, address: u64, signature: &[u8; 4], what: &str) -> Result<(), String> {
        match self.at(address, 4)? == signature {
            true => Ok(()),
            false => Err(format!("there is no {what} at {address:#x}: it is damaged")),
        }
    }
}

/// Up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    let folded = bytes.iter().rev().take(8);
    folded.fold(0, |n, &b| n << 8 | u64::from(b))
}

/// Takes from the front of a message.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or("a message ends too early: the file is damaged")?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(number(self.take(bytes)?))
    }

    fn size(&mut self, bytes: usize) -> Result<usize, String> {
        let n = self.number(bytes)?;
        usize::try_from(n).map_err(|_| format!("the size {n} is beyond this machine"))
    }
}
