//! From files to scenarios: headers are checked, tables become one scenario per row.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::model::Scenario;

/// A scenario with its name: the file's, and for a row of a table its number.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// Returns the sub-folders, or the files ending in `.yaml`, of a folder, in order.
pub(crate) fn entries(folder: &Path, files: bool) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = listing
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let is_yaml = path
                .extension()
                .is_some_and(|extension| extension == "yaml");
            if files { is_yaml } else { path.is_dir() }
        })
        .collect();
    paths.sort();
    paths
}

/// Reads the scenarios of one file.
pub(crate) fn load(path: &Path) -> Result<Vec<Named>, String> {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let stem = path.file_stem().unwrap_or_default();
    let name = format!("{}/{}", folder.display(), stem.display());
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    check_header(&text)?;
    let document: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    let Value::Object(mut document) = document else {
        return Err("a scenario is a map".to_owned());
    };
    match document.remove("table") {
        None => Ok(vec![Named {
            scenario: read(Value::Object(document))?,
            name,
        }]),
        Some(table) => rows(&name, &document, &table),
    }
}

/// A scenario begins with its rule and where that is from.
fn check_header(text: &str) -> Result<(), String> {
    let header: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .collect();
    let rule = header.first().is_some_and(|line| line.len() > 20);
    let source = header
        .iter()
        .any(|line| line.starts_with("# Source: ") && line.len() > 15);
    if rule && source {
        Ok(())
    } else {
        Err(
            "a scenario begins with a comment that states the rule, and a line \"# Source: …\""
                .to_owned(),
        )
    }
}

fn read(document: Value) -> Result<Scenario, String> {
    let scenario: Scenario = serde_path_to_error::deserialize(&document)
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    let expectations = document.get("expect").and_then(Value::as_object);
    let facts = expectations.into_iter().flatten();
    let is_fact = |(name, _): &(&String, &Value)| !matches!(name.as_str(), "only" | "any_order");
    if facts.filter(is_fact).count() == 0 {
        return Err("expect: a scenario must expect something".to_owned());
    }
    Ok(scenario)
}

/// A table has `columns` and `rows`; in the rest of the file `$column` stands for the row's value.
fn rows(name: &str, document: &Map<String, Value>, table: &Value) -> Result<Vec<Named>, String> {
    let list = |member: &str| {
        let list = table.get(member).and_then(Value::as_array);
        list.ok_or_else(|| format!("table.{member} must be a list"))
    };
    let columns: Vec<&str> = list("columns")?.iter().filter_map(Value::as_str).collect();
    let members = table.as_object().map_or(0, Map::len);
    if members != 2 || columns.is_empty() || list("rows")?.is_empty() {
        return Err("a table has columns and rows, and nothing else".to_owned());
    }
    let unused = columns.iter().find(|column| {
        !Value::Object(document.clone())
            .to_string()
            .contains(&format!("${column}"))
    });
    if let Some(unused) = unused {
        return Err(format!("table: column {unused} is used nowhere"));
    }
    let row = |(index, row): (usize, &Value)| {
        let number = index + 1;
        let values = row
            .as_array()
            .filter(|values| values.len() == columns.len());
        let values = values.ok_or_else(|| format!("row {number}: one value per column"))?;
        let mut document = Value::Object(document.clone());
        fill(&mut document, &columns, values);
        Ok(Named {
            name: format!("{name} row {number} {}", Value::Array(values.clone())),
            scenario: read(document).map_err(|error| format!("row {number}: {error}"))?,
        })
    };
    list("rows")?.iter().enumerate().map(row).collect()
}

/// Puts the row's values where their columns are named: as they are where `$column` stands alone, and as
/// text within other text.
fn fill(value: &mut Value, columns: &[&str], values: &[Value]) {
    match value {
        Value::String(text) => {
            let alone = |column: &&str| text.strip_prefix('$') == Some(column);
            if let Some(index) = columns.iter().position(alone) {
                *value = values[index].clone();
                return;
            }
            for (column, value) in columns.iter().zip(values) {
                let plain = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                *text = text.replace(&format!("${column}"), &plain);
            }
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| fill(value, columns, values)),
        Value::Object(map) => {
            map.values_mut()
                .for_each(|value| fill(value, columns, values));
            // A cell of `null` leaves the member out.
            map.retain(|_, value| !value.is_null());
        }
        _ => {}
    }
}
