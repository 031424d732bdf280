//! Standard output, without a panic when its reader goes away.

use std::io::Write as _;

use serde::Serialize;

use crate::failure::Failure;

/// Writes a line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(&[text.as_bytes(), b"\n"].concat())
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = Vec::new();
    append_json(&mut line, value)?;
    bytes(&line)
}

/// Appends a value as one line of JSON.
pub(crate) fn append_json(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, value)
        .map_err(|error| Failure::general(format!("cannot be written as JSON: {error}")))?;
    out.push(b'\n');
    Ok(())
}

/// Writes whole lines.
pub(crate) fn bytes(lines: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(lines)
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}
