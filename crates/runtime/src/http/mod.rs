//! Plain HTTP functions: each event is one `POST`, and the status of its answer says how it went.
//!
//! | answer | outcome |
//! |---|---|
//! | 2xx | the body is the response, up to 6 MB |
//! | 429 | throttled, with `Retry-After` in seconds if given |
//! | 413 | payload too large |
//! | 404 | no such function |
//! | 401, 403 | denied |
//! | 502, 503, 504, 3xx, no connection | unavailable: the function did not see the event |
//! | any other status, a connection lost after the request | function error |
//! | none within the timeout | function error, as in AWS |
//!
//! A connection that takes longer than 5 seconds, or half of the timeout if that is less, counts as none.
//!
//! Only `http://` is spoken here; put a proxy in front of a function that is reached by TLS.

mod backend;
mod config;

pub use backend::HttpBackend;
pub use config::HttpConfig;
