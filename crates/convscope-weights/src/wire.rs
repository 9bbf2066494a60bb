//! The wire format of Protocol Buffers, as far as Caffe's models need it:
//! <https://protobuf.dev/programming-guides/encoding/>.

/// A field of a message: its number and what it holds.
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message, one after another.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn next_field(&mut self) -> Result<(u64, Field<'a>), String> {
        let tag = varint(&mut self.rest)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Fixed64(self.fixed()?),
            2 => {
                let length = varint(&mut self.rest)?;
                let split = usize::try_from(length)
                    .ok()
                    .and_then(|length| self.rest.split_at_checked(length));
                let (bytes, rest) = split.ok_or_else(|| {
                    format!(
                        "field {} should have {length} bytes, and {} are left: it is truncated",
                        tag >> 3,
                        self.rest.len()
                    )
                })?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(self.fixed()?),
            other => return Err(format!("field {} has the unknown kind {other}", tag >> 3)),
        };
        Ok((tag >> 3, field))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (value, rest) = self.rest.split_first_chunk().ok_or("it is truncated")?;
        self.rest = rest;
        Ok(*value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.next_field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A number in groups of seven bits, the lowest first.
pub(crate) fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or("it is truncated")?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number has more than ten bytes".into())
}
