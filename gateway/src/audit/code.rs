//! Canonical bytes: fixed-width big-endian numbers and length-prefixed strings, nothing optional without a
//! presence byte, nothing left over at the end. Two different values never share bytes, and bytes that are
//! not exactly what the writer would have written are refused.

use portcullis_core::id::{Digest, Moment};

/// Why bytes are not canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// They end too early.
    #[error("the bytes end too early")]
    Truncated,
    /// Something follows the last field.
    #[error("bytes are left over")]
    LeftOver,
    /// A text is not UTF-8.
    #[error("a text is not valid utf-8")]
    NotUtf8,
    /// A version, kind, tag or word that this program does not know.
    #[error("a version, kind or word is not known")]
    Unknown,
    /// A value longer than its length prefix can say.
    #[error("a value is too long")]
    TooLong,
}

/// Writes canonical bytes.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    overflow: bool,
}

impl Writer {
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn moment(&mut self, value: Moment) -> &mut Self {
        self.raw(&value.0.to_be_bytes())
    }

    /// Fixed-width bytes, without a prefix.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.raw(&digest.0)
    }

    /// A list's length; what follows is the caller's.
    pub fn count(&mut self, count: usize) -> &mut Self {
        match u32::try_from(count) {
            Ok(count) => self.u32(count),
            Err(_) => {
                self.overflow = true;
                self
            }
        }
    }

    /// Bytes behind a four-byte length.
    pub fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).raw(bytes)
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.blob(text.as_bytes())
    }

    pub fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) -> &mut Self {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    /// A presence byte, then the value if there is one.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
                self
            }
        }
    }

    /// Begins anew, in the same room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.overflow = false;
    }

    /// The bytes so far, unless a value was too long for its prefix.
    pub fn written(&self) -> Option<&[u8]> {
        (!self.overflow).then_some(&self.bytes)
    }

    /// The bytes, unless a value was too long for its prefix.
    pub fn finish(self) -> Result<Vec<u8>, CodeError> {
        if self.overflow { Err(CodeError::TooLong) } else { Ok(self.bytes) }
    }
}

/// Reads canonical bytes.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], CodeError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(CodeError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodeError> {
        self.take(N)?.try_into().map_err(|_| CodeError::Truncated)
    }

    pub fn u8(&mut self) -> Result<u8, CodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, CodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, CodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn moment(&mut self) -> Result<Moment, CodeError> {
        Ok(Moment(i64::from_be_bytes(self.array()?)))
    }

    pub fn digest(&mut self) -> Result<Digest, CodeError> {
        Ok(Digest(self.array()?))
    }

    pub fn blob(&mut self) -> Result<&'a [u8], CodeError> {
        let length = usize::try_from(self.u32()?).map_err(|_| CodeError::TooLong)?;
        self.take(length)
    }

    pub fn text(&mut self) -> Result<&'a str, CodeError> {
        std::str::from_utf8(self.blob()?).map_err(|_| CodeError::NotUtf8)
    }

    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CodeError>,
    ) -> Result<Option<T>, CodeError> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(CodeError::Unknown),
        }
    }

    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, CodeError>,
    ) -> Result<Vec<T>, CodeError> {
        let count = self.u32()?;
        // No reservation: the count is only believed as far as there are bytes behind it.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    pub fn end(self) -> Result<(), CodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodeError::LeftOver) }
    }
}
