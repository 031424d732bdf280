//! Plain HTTP functions: each event is one `POST`, and the status of its answer says how it went.
//!
//! | answer | outcome |
//! |---|---|
//! | 2xx | the body is the response, up to 6 MB; with `X-Amz-Function-Error`, a function error |
//! | 429 | throttled, with `Retry-After` in seconds if given |
//! | 413 | refused: the payload is too large |
//! | 401, 403, 404, 3xx | refused, which may pass |
//! | 502, 503, no connection | unavailable: the function did not see the event |
//! | any other status (a 504, too: the gateway has passed the event on), a connection lost after the request | function error |
//! | none within the timeout | function error, as in AWS |
//!
//! A connection that takes longer than 5 seconds, or half of the timeout if that is less, counts as none.
//!
//! A URL that ends with `/invocations`, as of a runtime interface emulator, runs one invocation at a time
//! unless the configuration says otherwise; there the error document of a runtime is a function error with
//! any status, and so is a 502 with nothing in it, which says that the runtime ended.
//!
//! Only `http://` is spoken here; put a proxy in front of a function that is reached by TLS.

mod backend;
mod config;

pub use backend::HttpBackend;
pub use config::HttpConfig;
