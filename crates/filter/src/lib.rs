//! Matches Lambda `FilterCriteria` patterns against raw JSON.

mod dialect;
mod error;
mod explain;
mod filters;
mod number;
mod operator;
mod pattern;
mod predicate;
mod program;
mod record;
mod run;
mod scan;
mod text;
mod tree;
mod unescape;
mod walk;

pub use dialect::{Dialect, Limits, UnknownDialect};
pub use error::{PatternError, PatternFault};
pub use explain::{Explanation, Failure, Outcome, Reason};
pub use filters::Filters;
pub use record::{Mismatch, Record};
pub use walk::Scratch;
