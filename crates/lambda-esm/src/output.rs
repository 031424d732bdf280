//! Standard output, without a panic when its reader goes away.

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lambda_esm_core::text::{is_plain, plain};
use lambda_esm_lab::report::Report;
use serde::Serialize;

use crate::failure::Failure;

/// How long the end waits until it is read why a command failed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes lines of text, in which nothing can steer the terminal.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(&shown(text))
}

/// Returns lines of text as a terminal may have them: whatever is in them, only their ends are ours.
pub(crate) fn shown(text: &str) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len() + 1);
    for line in text.split('\n') {
        shown.extend_from_slice(plain(line).as_bytes());
        shown.push(b'\n');
    }
    shown
}

/// Writes on standard error why a command failed, and waits no longer for somebody to read it than must be.
pub(crate) fn complain(text: &str) {
    let mut text = shown(text.trim_end_matches('\n'));
    if text == b"\n" {
        text.clear();
    }
    let (done, is_done) = channel::<()>();
    let writer = thread::Builder::new().spawn(move || {
        // A closed standard error leaves nobody to tell.
        drop(std::io::stderr().write_all(&text));
        drop(done);
    });
    if writer.is_ok() {
        // Nothing is sent: the end is that the sender is gone.
        is_done.recv_timeout(PATIENCE).ok();
    }
}

/// The width of a report that no terminal shows.
const WIDTH: usize = 100;

/// Returns how wide lines may be: that of the terminal, within reason.
pub(crate) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.map_or(WIDTH, |size| usize::from(size.ws_col).clamp(60, WIDTH))
}

/// Writes a report as text or as JSON, and as a page into a file if one is named.
pub(crate) fn report(report: &Report, as_json: bool, page: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = page {
        file(path, &lambda_esm_lab::report::html(report))?;
    }
    if as_json {
        return json(report);
    }
    line(lambda_esm_lab::report::text(report, width()).trim_end())
}

/// Writes a file.
pub(crate) fn file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::general(format!("{} cannot be written: {error}", path.display())))
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = Vec::new();
    append_json(&mut line, value)?;
    bytes(&line)
}

/// Appends a value as one line of JSON, in which nothing can steer a terminal, either.
pub(crate) fn append_json(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value)
        .map_err(|error| Failure::general(format!("cannot be written as JSON: {error}")))?;
    let mut rest = line.as_str();
    // Such a letter stands within a text, where JSON has an escape for it.
    while let Some(at) = rest.find(|letter| !is_plain(letter)) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before.as_bytes());
        let mut letters = from.chars();
        if let Some(letter) = letters.next() {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
        rest = letters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ours_and_nothing_in_them_steers_a_terminal() {
        let text = String::from_utf8(shown("a\x1b[2J\n  b\r\u{202e}c")).unwrap();
        assert_eq!(text, "a\\u{1b}[2J\n  b\\r\\u{202e}c\n");
    }

    #[test]
    fn json_means_the_same_and_steers_no_terminal() {
        let value = "a\u{202e}b\u{9b}c\u{e0041}é漢\r";
        let mut line = Vec::new();
        append_json(&mut line, &value).unwrap();
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), value);
        let text = String::from_utf8(line).unwrap();
        assert_eq!(text, "\"a\\u202eb\\u009bc\\udb40\\udc41é漢\\r\"\n");
    }
}
