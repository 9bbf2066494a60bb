//! The bytes of a pickle, taken from the front and never beyond their end.

use super::Value;

pub(crate) struct Code<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Code<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let end = usize::try_from(count)
            .ok()
            .and_then(|n| self.at.checked_add(n));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| {
            let left = self.bytes.len() - self.at;
            format!("{count} bytes should follow, and {left} do: it is truncated")
        })?;
        self.at += taken.len();
        Ok(taken)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N as u64)?);
        Ok(bytes)
    }

    pub(crate) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .position(|&b| b == b'\n')
            .ok_or("a line without end")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a line that is no text".into())
    }

    pub(crate) fn text(&mut self, count: u64) -> Result<Value, String> {
        let text = std::str::from_utf8(self.take(count)?);
        Ok(Value::Str(
            text.map_err(|_| "a string that is no text")?.into(),
        ))
    }

    pub(crate) fn raw(&mut self, count: u64) -> Result<Value, String> {
        self.take(count)?;
        Ok(Value::Bytes)
    }

    /// A number of any length; what goes beyond 64 bits (PyTorch's magic number) counts as bytes.
    pub(crate) fn long(&mut self, count: usize) -> Result<Value, String> {
        let bytes = self.take(count as u64)?;
        if count > 8 {
            return Ok(Value::Bytes);
        }
        let negative = bytes.last().is_some_and(|&b| b >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..count].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(whole)))
    }
}
