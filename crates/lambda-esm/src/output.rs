//! Standard output, without a panic when its reader goes away.

use std::io::Write as _;

use serde::Serialize;

use crate::failure::Failure;

/// Writes a line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::general(format!("cannot be written as JSON: {error}")))?;
    line(&text)
}
