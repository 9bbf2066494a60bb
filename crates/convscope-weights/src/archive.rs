//! A zip archive whose entries may not unpack to more than the file's budget.

use crate::budget::Budget;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// More names than any network has arrays.
const MOST_ENTRIES: usize = 1 << 16;

pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| format!("its zip directory cannot be read ({e}); it may be truncated"))?;
        if zip.len() > MOST_ENTRIES {
            return Err(format!(
                "it has {} entries; at most {MOST_ENTRIES} are read",
                zip.len()
            ));
        }
        let names = zip
            .file_names_raw()
            .map(|raw| String::from_utf8_lossy(raw).into_owned())
            .collect();
        Ok(Self { zip, names })
    }

    /// The entries' names, in the directory's order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// An entry's bytes, unpacked.
    pub(crate) fn read(&mut self, name: &str, budget: &mut Budget) -> Result<Vec<u8>, String> {
        let bad = |e: &dyn std::fmt::Display| format!("its entry \"{name}\" cannot be read: {e}");
        let entry = self.zip.by_name(name).map_err(|e| bad(&e))?;
        let declared = entry.size();
        budget.take(declared, &format!("its entry \"{name}\""))?;
        // Grows with what comes, and one byte more than declared shows a lie.
        let mut bytes = Vec::new();
        entry
            .take(declared.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| bad(&e))?;
        match bytes.len() as u64 == declared {
            true => Ok(bytes),
            false => Err(format!(
                "its entry \"{name}\" declares {declared} bytes and unpacks to {}",
                if bytes.len() as u64 > declared {
                    "more".to_owned()
                } else {
                    bytes.len().to_string()
                }
            )),
        }
    }
}
