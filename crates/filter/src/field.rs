//! One field of a pattern.

use crate::predicate::Predicate;

/// A field's path and what its values must satisfy.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Names joined by dots. A dot inside a name counts as a joint.
    pub(crate) path: Box<[u8]>,
    pub(crate) predicate: Predicate,
    /// The list as JSON text.
    pub(crate) source: String,
}
