//! Templates are imported whole: every property of a mapping is carried or listed, and what cannot be read says where,
//! why, and what to do.
#![expect(clippy::unwrap_used, reason = "test support fails by panicking")]

#[path = "import/bad.rs"]
mod bad;
#[path = "import/carried.rs"]
mod carried;
#[path = "import/resolved.rs"]
mod resolved;

use std::path::PathBuf;

use lambda_esm_lab::import::{ImportProblem, ImportSettings, Imported, import};

/// Reads a template of the folder of templates.
fn template(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    std::fs::read(folder.join(name)).unwrap()
}

/// Imports a template that can be read, with parameters.
fn imported(name: &str, parameters: &[(&str, &str)]) -> Imported {
    import(&template(name), &with(parameters)).unwrap()
}

/// Imports text that can be read.
fn text(text: &str) -> Imported {
    import(text.as_bytes(), &ImportSettings::new()).unwrap()
}

/// Imports text that cannot be read.
fn problems(text: &str) -> Vec<ImportProblem> {
    import(text.as_bytes(), &ImportSettings::new()).unwrap_err()
}

fn with(parameters: &[(&str, &str)]) -> ImportSettings {
    let mut settings = ImportSettings::new();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    settings.parameters = parameters.iter().map(owned).collect();
    settings
}
