//! Requests that are signed by ourselves, for APIs whose SDK would be too much.

mod http;
mod proxy;
mod sign;
mod url;

pub(crate) use http::{Answer, HttpClient, Unanswered};
pub(crate) use sign::Signer;
pub(crate) use url::{aws_url, push_encoded};
