//! Why a template cannot be read, and where.

use std::fmt;

use serde::Serialize;

/// One rule that a template breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportProblem {
    /// The line, from 1; `None` for the template as a whole.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// The path of the field, such as `Resources.Orders.Properties.QueueName`; empty for the template as a whole.
    pub path: String,
    /// The value, if showing it helps.
    pub value: Option<String>,
    /// The rule it breaks.
    pub reason: String,
    /// The way out.
    pub way_out: String,
}

impl ImportProblem {
    /// Makes a problem of the template as a whole.
    pub(crate) fn whole(reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            line: None,
            column: None,
            path: String::new(),
            value: None,
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }
}

/// Writes `LINE:COLUMN: PATH: REASON; WAY OUT`.
impl fmt::Display for ImportProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "{line}:{}: ", self.column.unwrap_or(1))?;
        }
        if !self.path.is_empty() {
            out.write_str(&self.path)?;
            if let Some(value) = &self.value {
                write!(out, " is {value:?}")?;
            }
            out.write_str(": ")?;
        }
        let joint = if self.reason.ends_with('.') { "" } else { ";" };
        write!(out, "{}{joint} {}", self.reason, self.way_out)
    }
}
