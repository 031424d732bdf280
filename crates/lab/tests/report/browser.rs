//! The page in a browser: Chromium, where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_esm_lab::report::{Report, html};

use crate::{build, page};

/// Looks for a program, as a shell would.
fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// Has a browser open a page at two widths, light and dark, and walk through it by keyboard and mouse.
fn opens(name: &str, report: &Report) {
    let Some(chromium) = found(&["chromium", "chromium-browser", "google-chrome"]) else {
        println!("skipped: there is no Chromium");
        return;
    };
    let Some(python) = found(&["python3"]) else {
        println!("skipped: there is no Python");
        return;
    };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .with_extension("html");
    std::fs::write(&file, html(report)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/browser.py");
    let done = Command::new(python)
        .arg(script)
        .arg(chromium)
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{name}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_report_with_all_there_may_be_reads_at_each_width_in_light_and_dark_and_by_keyboard() {
    opens("full", &page::full());
}

#[test]
fn the_largest_report_does_too() {
    opens("largest", &page::largest());
}

#[test]
fn hostile_texts_do_nothing_in_a_browser() {
    opens("hostile", &page::hostile());
}

#[test]
fn an_empty_report_opens() {
    opens("empty", &build::answered(build::empty()));
}
