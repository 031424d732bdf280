//! The page in a browser.

use std::path::Path;

use lambda_esm_lab::report::html;

use crate::page;

#[test]
fn pages_are_written() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("full.html"), html(&page::full())).unwrap();
    std::fs::write(folder.join("largest.html"), html(&page::largest())).unwrap();
}
