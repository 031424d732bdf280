//! What is found on the way: what cannot be carried, and what makes a template unreadable.

use super::imported::NotCarried;
use super::node::{Node, Position};
use super::problem::ImportProblem;

/// What stands in a value where the template's cannot be known.
pub(crate) const PLACEHOLDER: &str = "UNRESOLVED-";

/// Everything found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) not_carried: Vec<NotCarried>,
    pub(crate) problems: Vec<ImportProblem>,
}

impl Findings {
    /// Lists a value that is not carried. `path` is that of the value.
    pub(crate) fn list(
        &mut self,
        node: &Node,
        path: &str,
        reason: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        let (holder, property) = path.rsplit_once('.').unwrap_or(("", path));
        let found = NotCarried {
            line: node.at.line,
            path: holder.to_owned(),
            property: property.to_owned(),
            value: node.shown(),
            reason: reason.into(),
            way_out: way_out.into(),
        };
        if !self.not_carried.contains(&found) {
            self.not_carried.push(found);
        }
    }

    /// Lists a value that cannot be known, and returns what stands in its place.
    pub(crate) fn unresolved(
        &mut self,
        (node, path): (&Node, &str),
        what: &str,
        reason: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Node {
        self.list(node, path, reason, way_out);
        Node::text(node.at, placeholder(what))
    }

    /// Adds a problem at a value.
    pub(crate) fn refuse(
        &mut self,
        node: &Node,
        path: &str,
        reason: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.refuse_at(node.at, path, Some(node.shown()), (reason, way_out));
    }

    /// Adds a problem at a position.
    pub(crate) fn refuse_at(
        &mut self,
        at: Position,
        path: &str,
        value: Option<String>,
        (reason, way_out): (impl Into<String>, impl Into<String>),
    ) {
        let problem = ImportProblem {
            line: Some(at.line),
            column: Some(at.column),
            path: path.to_owned(),
            value,
            reason: reason.into(),
            way_out: way_out.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Makes a placeholder of letters that names, topics and ARNs may have.
pub(crate) fn placeholder(what: &str) -> String {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut text: String = what
        .chars()
        .map(|letter| if legal(letter) { letter } else { '-' })
        .take(50)
        .collect();
    while text.ends_with('-') {
        text.pop();
    }
    format!("{PLACEHOLDER}{}", text.trim_start_matches('-'))
}

/// Tells whether a value holds a placeholder.
pub(crate) fn is_placeholder(node: &Node) -> bool {
    node.as_text()
        .is_some_and(|text| text.contains(PLACEHOLDER))
}
