//! Why a set of patterns was refused.

use crate::dialect::Dialect;

/// A set of patterns cannot be used: which one, where in it, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter {index}{}: {fault}", at(.path))]
#[non_exhaustive]
pub struct PatternError {
    /// The offending filter's position in the set, counted from 0.
    pub index: usize,
    /// The field the fault is at, as a dotted path; empty if it concerns the whole pattern.
    pub path: String,
    /// What is wrong.
    pub fault: PatternFault,
}

impl PatternError {
    /// Returns the message the service answers with (recorded from the service for invalid
    /// patterns; it has no recorded text for too many filters).
    pub fn service_message(&self) -> &'static str {
        match self.fault {
            PatternFault::TooManyFilters { .. } => {
                "The number of filters exceeds the maximum allowed for an event source mapping."
            }
            _ => "Invalid filter pattern definition.",
        }
    }
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(", field `{path}`")
    }
}

/// One rule that a pattern breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternFault {
    /// More filters than [`crate::Limits::max_filters`].
    #[error(
        "{count} filters given, at most {max} allowed; join them with `$or` or raise the limit"
    )]
    TooManyFilters {
        /// Filters given.
        count: usize,
        /// Filters allowed.
        max: usize,
    },
    /// Longer than [`crate::Limits::max_pattern_chars`].
    #[error("pattern has {chars} characters, at most {max} allowed; shorten it or split it")]
    TooLong {
        /// Characters given.
        chars: usize,
        /// Characters allowed.
        max: usize,
    },
    /// Not JSON.
    #[error("pattern is not valid JSON at byte {at}; check quotes, commas and brackets there")]
    NotJson {
        /// Offset of the first byte that cannot be read.
        at: usize,
    },
    /// Something stands after the pattern's closing brace.
    #[error("unexpected text after the end of the pattern at byte {at}; remove it")]
    TrailingText {
        /// Offset of the first byte too many.
        at: usize,
    },
    /// The pattern is JSON, but no object.
    #[error(
        "pattern is {found}, must be a JSON object such as {{\"body\": {{\"key\": [\"value\"]}}}}"
    )]
    NotAnObject {
        /// The kind of JSON value found.
        found: &'static str,
    },
    /// `{}` names no field.
    #[error("empty object, must name at least one field")]
    EmptyObject,
    /// `[]` allows no value.
    #[error("empty list, must hold at least one value or operator")]
    EmptyList,
    /// A field's value stands outside a list.
    #[error("value {found} must be in a list: [{found}]")]
    NotInList {
        /// The value as JSON text.
        found: String,
    },
    /// A list inside a field's list.
    #[error("list inside a list, values must stand directly in the field's list")]
    NestedList,
    /// An operator object that has not exactly one member.
    #[error(
        "operator object has {count} members, must have exactly one such as {{\"prefix\": \"a\"}}"
    )]
    NotOneOperator {
        /// Members found.
        count: usize,
    },
    /// An operator no dialect knows.
    #[error(
        "unknown operator `{name}`; known are prefix, suffix, equals-ignore-case, anything-but, numeric, exists"
    )]
    UnknownOperator {
        /// The operator found.
        name: String,
    },
    /// An operator of another dialect.
    #[error(
        "operator `{name}` is not supported by event source mappings; dialect `{dialect}` has it"
    )]
    OtherDialect {
        /// The operator found.
        name: String,
        /// The dialect that has it.
        dialect: Dialect,
    },
    /// An operator's operand is of the wrong kind or value.
    #[error("operator `{operator}` has operand {found}, must be {expected}")]
    Operand {
        /// The operator.
        operator: String,
        /// The operand as JSON text.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A number that a double cannot hold exactly cannot be compared.
    #[error(
        "operator `{operator}` cannot compare number {number}, must be exact as a 64-bit float"
    )]
    InexactNumber {
        /// The operator.
        operator: String,
        /// The number as written.
        number: String,
    },
    /// `$or` without a list of at least two objects.
    #[error("`$or` has {found}, must be a list of at least two objects")]
    Or {
        /// What was found.
        found: String,
    },
    /// A field inside `$or` is named like an operator.
    #[error(
        "field name `{name}` is reserved inside `$or`; rename the field or filter on it outside `$or`"
    )]
    ReservedName {
        /// The field's name.
        name: String,
    },
    /// `$or` multiplies out to more alternatives than can be kept.
    #[error("`$or` makes more than {max} combinations; use fewer alternatives or several filters")]
    TooManyAlternatives {
        /// Alternatives allowed.
        max: usize,
    },
}
