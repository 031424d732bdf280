//! What is read of the bodies of requests.

mod json;
mod offload;

pub(crate) use offload::parse;
