//! What is read of the bodies of requests.

mod json;
mod offload;
mod whole;

pub(crate) use offload::parse;
pub(crate) use whole::whole;
