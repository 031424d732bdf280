//! The id that every answer carries.

use http::header::HeaderName;
use http::{HeaderValue, Response};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Gives an answer an id if it has none, and returns the one it has.
pub(crate) fn identify<B>(response: &mut Response<B>) -> Option<&HeaderValue> {
    let headers = response.headers_mut();
    if !headers.contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string())
    {
        headers.insert(REQUEST_ID, id);
    }
    headers.get(REQUEST_ID)
}
