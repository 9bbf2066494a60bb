//! Bounds on what a file may ask for, whatever it claims.

/// Fields of messages, over the whole file. A network of a thousand layers has some fifty thousand.
const PARTS: usize = 1_000_000;
/// What any file may unpack to, in bytes.
const FLOOR: u64 = 64 << 20;
/// How many times its own length a larger file may unpack to.
const RATIO: u64 = 16;
/// The largest number in an attribute that is a size: a window, a step, a padding.
pub(crate) const SIZE: i64 = 1 << 16;
/// Nodes of a graph.
pub(crate) const NODES: usize = 20_000;
/// Numbers in an activation of one image: VGG's largest at 1024x1024 pixels.
pub(crate) const ACTIVATION: usize = 1 << 26;
/// Numbers in all activations of one image, which a trace keeps.
pub(crate) const ACTIVATIONS: usize = 1 << 29;
/// Numbers in an integer constant: those are shapes and indices.
pub(crate) const INTEGERS: usize = 1 << 16;

/// What is left of a file's allowance.
#[derive(Debug)]
pub(crate) struct Budget {
    parts: usize,
    whole: u64,
    left: u64,
}

impl Budget {
    pub(crate) fn of(length: usize) -> Budget {
        let whole = (length as u64).saturating_mul(RATIO).max(FLOOR);
        Budget {
            parts: PARTS,
            whole,
            left: whole,
        }
    }

    /// Bytes that another file brings, of which the same may be asked.
    pub(crate) fn grow(&mut self, bytes: u64) {
        let more = bytes.saturating_mul(RATIO);
        self.whole = self.whole.saturating_add(more);
        self.left = self.left.saturating_add(more);
    }

    /// Takes fields before they are decoded.
    pub(crate) fn take_parts(&mut self, parts: usize) -> Result<(), String> {
        self.parts = self.parts.checked_sub(parts).ok_or_else(|| {
            format!("it has more than {PARTS} parts (nodes, attributes, inputs, names)")
        })?;
        Ok(())
    }

    /// Takes so many numbers of four bytes, before they are allocated.
    pub(crate) fn take_numbers(&mut self, numbers: usize) -> Result<(), String> {
        let bytes = (numbers as u64).saturating_mul(4);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!(
                "{bytes} bytes are asked for; a file of its length may unpack to {} in all, of \
                 which {} are left",
                self.whole, self.left
            )),
        }
    }
}
