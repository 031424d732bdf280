//! Where patterns come from.

use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;

/// `FilterCriteria` (Lambda API reference).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Criteria {
    #[serde(rename = "Filters")]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(rename = "Pattern")]
    pattern: String,
}

/// Returns the patterns of the command line, then those of the file.
pub(super) fn read(given: &[String], file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let mut patterns = given.to_vec();
    if let Some(file) = file {
        let text = read_file(file)?;
        match serde_json::from_str::<Criteria>(&text) {
            Ok(criteria) => {
                patterns.extend(criteria.filters.into_iter().map(|filter| filter.pattern))
            }
            Err(_) => patterns.push(text.trim().to_owned()),
        }
    }
    Ok(patterns)
}

/// Reads a file that the command line names.
pub(super) fn read_file(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))
}
