//! Groups: names and where their objects are.

use super::header::text;
use super::{Cursor, File, Header, LONGEST_NAME, UNDEFINED};

const LINK_INFO: u16 = 0x02;
const LINK: u16 = 0x06;
const SYMBOL_TABLE: u16 = 0x11;

impl<'a> File<'a> {
    /// The names in a group and the addresses of their objects; none if it is no group.
    pub(crate) fn members(
        &mut self,
        header: &Header<'a>,
    ) -> Result<Option<Vec<(String, u64)>>, String> {
        let mut members = Vec::new();
        if let Some(body) = header.first(SYMBOL_TABLE) {
            let mut cursor = Cursor { rest: body };
            let (tree, heap) = (cursor.number(8)?, cursor.number(8)?);
            self.signed(heap, b"HEAP", "heap of names")?;
            let size = super::number(self.at(heap.saturating_add(8), 8)?);
            let names = super::number(self.at(heap.saturating_add(24), 8)?);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let names = self.at(names, size)?;
            self.tree(tree, None, names, &mut members)?;
            return Ok(Some(members));
        }
        let info = header.first(LINK_INFO);
        for body in header.all(LINK) {
            self.step()?;
            members.extend(link(body)?);
        }
        if let Some(body) = info {
            let mut cursor = Cursor { rest: body };
            let flags = cursor.take(2)?[1];
            cursor.take(if flags & 1 != 0 { 8 } else { 0 })?;
            if cursor.number(8)? != UNDEFINED {
                return Err(
                    "a group of it is kept in a fractal heap, which is not read: save it \
                            with libver=\"earliest\", h5py's default"
                        .into(),
                );
            }
        }
        Ok((info.is_some() || !members.is_empty()).then_some(members))
    }

    /// A node of the tree over a group's names; each level lies under the one before.
    fn tree(
        &mut self,
        address: u64,
        above: Option<u8>,
        names: &[u8],
        members: &mut Vec<(String, u64)>,
    ) -> Result<(), String> {
        self.step()?;
        self.signed(address, b"TREE", "tree of names")?;
        let mut node = Cursor {
            rest: self.at(address, 24)?,
        };
        node.take(4)?;
        let kind = node.number(1)?;
        let level = node.number(1)? as u8;
        if kind != 0 || above.is_some_and(|above| level.checked_add(1) != Some(above)) {
            return Err("a tree of names is out of order: it is damaged".into());
        }
        let used = node.size(2)?;
        let mut children = Cursor {
            rest: self.at(address.saturating_add(24), used * 16)?,
        };
        for _ in 0..used {
            children.take(8)?;
            let child = children.number(8)?;
            match level {
                0 => self.symbols(child, names, members)?,
                _ => self.tree(child, Some(level), names, members)?,
            }
        }
        Ok(())
    }

    fn symbols(
        &mut self,
        address: u64,
        names: &[u8],
        members: &mut Vec<(String, u64)>,
    ) -> Result<(), String> {
        self.step()?;
        self.signed(address, b"SNOD", "list of names")?;
        let count = super::number(&self.at(address, 8)?[6..]) as usize;
        let mut entries = Cursor {
            rest: self.at(address.saturating_add(8), count * 40)?,
        };
        for _ in 0..count {
            self.step()?;
            let name = entries.size(8)?;
            let object = entries.number(8)?;
            let cached = entries.number(4)?;
            entries.take(20)?;
            let name = names.get(name..).ok_or("a name lies outside its heap")?;
            let name = text(&name[..name.len().min(LONGEST_NAME)]);
            // Two is a soft link: another name for what has one.
            if cached != 2 {
                members.push((name, object));
            }
        }
        Ok(())
    }
}

/// A link in a header; none unless it leads to an object of this file.
fn link(body: &[u8]) -> Result<Option<(String, u64)>, String> {
    let mut cursor = Cursor { rest: body };
    let flags = cursor.take(2)?[1];
    let kind = match flags & 8 {
        0 => 0,
        _ => cursor.number(1)?,
    };
    cursor.take(if flags & 4 != 0 { 8 } else { 0 })?;
    cursor.take(if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = cursor.size(1 << (flags & 3))?;
    if length > LONGEST_NAME {
        return Err(format!("a name is longer than {LONGEST_NAME} bytes"));
    }
    let name = text(cursor.take(length)?);
    Ok(match kind {
        0 => Some((name, cursor.number(8)?)),
        _ => None,
    })
}
