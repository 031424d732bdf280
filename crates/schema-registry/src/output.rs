//! JSON that is written up to a limit.

use std::io;

/// Collects bytes, and fails when there are too many.
pub(crate) struct Output {
    bytes: Vec<u8>,
    limit: usize,
}

/// The output would be longer than its limit.
#[derive(Debug)]
pub(crate) struct TooLong;

impl Output {
    /// Returns an empty output for at most `limit` bytes, of which `expected` are likely.
    pub(crate) fn new(limit: usize, expected: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(expected.min(limit)),
            limit,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes)
            .map_err(|TooLong| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
