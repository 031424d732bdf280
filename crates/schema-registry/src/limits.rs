//! How much is taken from a registry or a record. None of these is documented by AWS.

use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;

/// The longest text of one schema, in bytes.
pub(crate) const SCHEMA_BYTES: usize = 1 << 20;
/// The longest text of a schema and all that it refers to together, in bytes.
pub(crate) const ALL_BYTES: usize = 8 << 20;
/// How many other schemas a schema may refer to, directly and indirectly.
pub(crate) const REFERENCES: usize = 200;
/// How many schemas may stand between a schema and one that it refers to.
pub(crate) const REFERENCE_DEPTH: usize = 16;
/// How deeply a record may be nested; what `protoc`'s decoders allow by default, and less than what readers of
/// JSON do.
pub(crate) const RECORD_DEPTH: u32 = 100;
/// The longest payload that is decoded, and the longest JSON it may become: no event can hold more.
pub(crate) const RECORD_BYTES: usize = MAX_PAYLOAD_BYTES;
