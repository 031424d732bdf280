//! Validation of a request, from the single member to the combination.

pub(super) mod constraint;
pub(super) mod destination;
pub(super) mod patterns;
pub(super) mod row;
pub(super) mod shape;
pub(super) mod shape_nested;
pub(super) mod table;
pub(super) mod values;
