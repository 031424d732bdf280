//! A trap in words.

use std::fmt;

use serde::Serialize;

/// A setting that is legal, and does what hardly anybody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trap {
    /// The member of the mapping that it is about, or the attribute of the queue.
    pub field: &'static str,
    /// Its value, as far as it is known; `none` if it is not set.
    pub value: String,
    /// What happens.
    pub says: String,
    /// What to do about it.
    pub way_out: String,
    /// Where that is written.
    pub source: &'static str,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            says,
            way_out,
            source,
        } = self;
        write!(f, "{field} {value}: {says}; {way_out} ({source})")
    }
}
