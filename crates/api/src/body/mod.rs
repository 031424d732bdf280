//! What is read of the bodies of requests.

mod beside;
mod json;

pub(crate) use beside::parse;
