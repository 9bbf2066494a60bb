//! A bound on the memory that a file may ask for, whatever it claims.

/// What any file may unpack to, in bytes.
const FLOOR: u64 = 64 << 20;
/// How many times its own length a larger file may unpack to. Trained weights hardly compress, and
/// tied ones are few.
const RATIO: u64 = 16;

/// Bytes that may still be unpacked from one file.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
    whole: u64,
}

impl Budget {
    pub(crate) fn of(file: &[u8]) -> Self {
        let whole = (file.len() as u64).saturating_mul(RATIO).max(FLOOR);
        Self { left: whole, whole }
    }

    /// Takes this many bytes, before they are allocated.
    pub(crate) fn take(&mut self, bytes: u64, what: &str) -> Result<(), String> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!(
                "{what} asks for {bytes} bytes; a file of its length may unpack to {} in all, of \
                 which {} are left",
                self.whole, self.left
            )),
        }
    }
}

/// How many elements a shape has, or why no array can have it.
pub(crate) fn elements(shape: &[usize]) -> Result<usize, String> {
    // ndarray counts zero axes as one here, and so must this to keep its promises.
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d.max(1)))
        .filter(|&n| n <= isize::MAX as usize / 8)
        .ok_or_else(|| format!("no array can have the shape {shape:?}: it is too large"))
        .map(|n| if shape.contains(&0) { 0 } else { n })
}
