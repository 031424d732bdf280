//! What is wrong with a configuration, and where.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::yaml::{Location, Node};

/// One rule that the configuration breaks. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The file, or another source of configuration.
    pub(crate) file: Arc<str>,
    /// Where in it, if that is known.
    #[serde(flatten)]
    pub(crate) location: Option<Location>,
    /// The field's path, such as `functions.orders.timeout`; empty for the file as a whole.
    pub(crate) field: String,
    /// The value as far as it may be shown.
    pub(crate) value: Option<String>,
    /// The rule.
    pub(crate) rule: String,
    /// The way out.
    pub(crate) hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(location) = self.location {
            write!(out, ":{}:{}", location.line, location.column)?;
        }
        out.write_str(": ")?;
        if !self.field.is_empty() {
            out.write_str(&self.field)?;
            if let Some(value) = &self.value {
                write!(out, " is {value}")?;
            }
            out.write_str(": ")?;
        }
        out.write_str(&self.rule)?;
        // AWS's own texts are sentences.
        let joint = if self.rule.ends_with('.') { " " } else { "; " };
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(out, "{joint}{hint}"))
    }
}

/// A rule that cannot be told without a secret.
const NOT_SHOWN: &str = "is refused, and why would repeat what stands under a secret key; write the value out \
                         where it is used, without an alias";

/// Collects all problems of one file, so that they can be mended in one go.
#[derive(Debug)]
pub(crate) struct Problems {
    file: Arc<str>,
    found: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.into(),
            found: Vec::new(),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.found.len()
    }

    /// Returns the problems in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.location);
        self.found
    }

    /// Adds a problem of a field whose value is not shown.
    pub(crate) fn add(
        &mut self,
        location: impl Into<Option<Location>>,
        field: &str,
        rule: impl Into<String>,
    ) {
        self.found.push(Problem {
            file: self.file.clone(),
            location: location.into(),
            field: field.to_owned(),
            value: None,
            rule: rule.into(),
            hint: None,
        });
    }

    /// Adds a problem of a field, and shows its value as far as it may be.
    pub(crate) fn refuse(&mut self, node: &Node, field: &str, rule: impl Into<String>) {
        self.explain(node, field, rule);
        self.show(node);
    }

    /// Shows the value of the problem that was added last as far as it may be.
    pub(crate) fn show(&mut self, node: &Node) {
        if let Some(last) = self.found.last_mut() {
            last.value = node.shown();
        }
    }

    /// Adds a problem of a field whose rule speaks of its value itself: not if that is a secret.
    pub(crate) fn explain(&mut self, node: &Node, field: &str, rule: impl Into<String>) {
        let rule = rule.into();
        let rule = if node.is_repeated_by(&rule) {
            NOT_SHOWN.to_owned()
        } else {
            rule
        };
        self.add(node.location, field, rule);
    }

    /// Adds the way out to the problem that was added last.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.hint = Some(hint.into());
        }
    }
}
