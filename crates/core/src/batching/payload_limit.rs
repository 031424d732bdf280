//! How large an event may be.

/// The largest event a batch may become, metadata included: the request quota of a synchronous
/// invocation (Lambda developer guide, "Lambda quotas": 6 MB), and of its response.
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
