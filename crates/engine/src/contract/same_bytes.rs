//! Long contents, of which a broken promise shows only where they differ.

use super::promise::broken;

/// Checks that contents are the same to the byte.
#[track_caller]
pub(super) fn same_bytes(promise: &str, seen: &[u8], expected: &[u8]) {
    if seen != expected {
        let pairs = seen.iter().zip(expected);
        let at = pairs
            .take_while(|(seen, expected)| seen == expected)
            .count();
        let (seen, expected) = (around(seen, at), around(expected, at));
        broken(promise, expected, &format_args!("{seen}"));
    }
}

/// Shows the contents around `at`.
fn around(contents: &[u8], at: usize) -> String {
    const SHOWN: usize = 60;
    let from = at.saturating_sub(SHOWN / 2);
    let to = contents.len().min(from + SHOWN);
    let shown = String::from_utf8_lossy(&contents[from.min(to)..to]);
    format!("{} bytes, from byte {from} on {shown:?}", contents.len())
}
