//! Object headers: the messages that say what an object is.

use super::data::{Space, Type};
use super::{Cursor, File, LONGEST_NAME, number};

const ATTRIBUTE: u16 = 0x0c;
const CONTINUATION: u16 = 0x10;

/// An object's messages, each with its kind.
pub(crate) struct Header<'a> {
    messages: Vec<(u16, &'a [u8])>,
}

impl<'a> Header<'a> {
    pub(crate) fn read(file: &mut File<'a>, address: u64) -> Result<Self, String> {
        let mut header = Self {
            messages: Vec::new(),
        };
        let mut blocks = Vec::new();
        let second = file.at(address, 4)? == b"OHDR";
        let mut order = false;
        if second {
            let flags = file.at(address, 6)?[5];
            order = flags & 4 != 0;
            let mut at = 6;
            at += if flags & 0x20 != 0 { 16 } else { 0 };
            at += if flags & 0x10 != 0 { 4 } else { 0 };
            let width = 1 << (flags & 3);
            let from = address.saturating_add(at);
            let size = number(file.at(from, width)?);
            blocks.push((from.saturating_add(width as u64), size));
        } else {
            let prefix = file.at(address, 16)?;
            if prefix[0] != 1 {
                return Err(format!("there is no object at {address:#x}: it is damaged"));
            }
            blocks.push((address.saturating_add(16), number(&prefix[8..12])));
        }
        while let Some((address, size)) = blocks.pop() {
            file.step()?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let block = file.at(address, size)?;
            let found = match second {
                true => header.scan_second(file, block, order)?,
                false => header.scan_first(file, block)?,
            };
            for (address, size) in found {
                // A block that continues the second kind has its own signature and sum.
                blocks.push(match second {
                    true => {
                        file.signed(address, b"OCHK", "continued header")?;
                        (address.saturating_add(4), size.saturating_sub(8))
                    }
                    false => (address, size),
                });
            }
        }
        Ok(header)
    }

    fn scan_first(
        &mut self,
        file: &mut File<'a>,
        block: &'a [u8],
    ) -> Result<Vec<(u64, u64)>, String> {
        let mut cursor = Cursor { rest: block };
        let mut found = Vec::new();
        while cursor.rest.len() >= 8 {
            file.step()?;
            let kind = cursor.number(2)? as u16;
            let size = cursor.size(2)?;
            let flags = cursor.take(4)?[0];
            let body = cursor.take(size)?;
            self.keep(kind, flags, body, &mut found)?;
        }
        Ok(found)
    }

    fn scan_second(
        &mut self,
        file: &mut File<'a>,
        block: &'a [u8],
        order: bool,
    ) -> Result<Vec<(u64, u64)>, String> {
        let mut cursor = Cursor { rest: block };
        let mut found = Vec::new();
        while cursor.rest.len() >= if order { 6 } else { 4 } {
            file.step()?;
            let kind = cursor.number(1)? as u16;
            let size = cursor.size(2)?;
            let flags = cursor.take(1)?[0];
            cursor.take(if order { 2 } else { 0 })?;
            let body = cursor.take(size)?;
            self.keep(kind, flags, body, &mut found)?;
        }
        Ok(found)
    }

    fn keep(
        &mut self,
        kind: u16,
        flags: u8,
        body: &'a [u8],
        found: &mut Vec<(u64, u64)>,
    ) -> Result<(), String> {
        if kind == CONTINUATION {
            let mut cursor = Cursor { rest: body };
            found.push((cursor.number(8)?, cursor.number(8)?));
        } else if flags & 2 == 0 {
            // A shared message stands elsewhere; one that is needed will be missed by its name.
            self.messages.push((kind, body));
        }
        Ok(())
    }

    /// The messages of a kind.
    pub(super) fn all(&self, kind: u16) -> impl Iterator<Item = &'a [u8]> {
        let of_kind = move |m: &&(u16, &'a [u8])| m.0 == kind;
        self.messages.iter().filter(of_kind).map(|m| m.1)
    }

    pub(super) fn first(&self, kind: u16) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    /// An attribute that is a list of strings of fixed length; none if it is absent or otherwise.
    pub(crate) fn strings(&self, name: &str) -> Option<Vec<String>> {
        let mut attributes = self.all(ATTRIBUTE);
        attributes.find_map(|body| strings_of(body, name).ok().flatten())
    }
}

fn strings_of(body: &[u8], wanted: &str) -> Result<Option<Vec<String>>, String> {
    let mut cursor = Cursor { rest: body };
    let version = cursor.number(1)?;
    cursor.take(1)?;
    let sizes = [cursor.size(2)?, cursor.size(2)?, cursor.size(2)?];
    let padded = |size: usize| match version {
        1 => size.next_multiple_of(8),
        _ => size,
    };
    if version == 3 {
        cursor.take(1)?;
    }
    let name = cursor.take(padded(sizes[0]))?;
    let kind = cursor.take(padded(sizes[1]))?;
    let space = cursor.take(padded(sizes[2]))?;
    if text(name) != wanted {
        return Ok(None);
    }
    let Type::Text(width) = Type::of(kind)? else {
        return Ok(None);
    };
    let count = Space::of(space)?.count()?;
    let size = count.checked_mul(width).ok_or("too many strings")?;
    let bytes = cursor.take(size)?;
    if width == 0 || width > LONGEST_NAME {
        return Ok(None);
    }
    Ok(Some(bytes.chunks(width).map(text).collect()))
}

/// A string up to its first zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
