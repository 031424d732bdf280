//! What things cost.

use std::path::Path;

use lambda_esm_lab::scenario::Prices;

use super::trace;
use crate::config::fields::Field;
use crate::config::yaml::{self, Node, Value};
use crate::config::{Problem, Problems};

/// Reads prices: a map of those that differ from the list, or a file with such a map.
pub(super) fn read(field: &Field<'_>, folder: &Path, problems: &mut Problems) -> Option<Prices> {
    if matches!(field.node.value, Value::Map(_)) {
        return map(field, problems);
    }
    let (path, text) = trace::text(field, folder, problems)?;
    file(&path, &text).map_or_else(
        |found| {
            for problem in found {
                problems.refuse(field.node, &field.path, problem.to_string());
            }
            None
        },
        Some,
    )
}

/// Reads a file of prices.
fn file(path: &Path, text: &str) -> Result<Prices, Vec<Problem>> {
    let mut problems = Problems::new(&path.display().to_string());
    let root = Node::parse(text, &mut problems);
    let prices = root.and_then(|node| {
        let field = Field {
            path: String::new(),
            node: &node,
        };
        map(&field, &mut problems)
    });
    prices.ok_or_else(|| problems.into_sorted())
}

fn map(field: &Field<'_>, problems: &mut Problems) -> Option<Prices> {
    match yaml::read::<Prices>(field.node, &[]) {
        Ok(prices) => Some(prices),
        Err(misfit) => {
            let location = misfit.location.unwrap_or(field.node.location);
            let path = [&*field.path, &misfit.path.join(".")].join(".");
            problems.add(location, path.trim_matches('.'), misfit.rule);
            if let Some(hint) = misfit.hint {
                problems.hint(hint);
            }
            None
        }
    }
}
