//! Validation of a request, from the single member to the combination.

pub(super) mod access;
pub(super) mod destination;
pub(super) mod members;
pub(super) mod nested_members;
pub(super) mod patterns;
pub(super) mod row;
pub(super) mod table;
pub(super) mod values;
pub(super) mod violations;
