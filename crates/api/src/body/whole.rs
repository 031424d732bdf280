//! Bodies are bounded while they come.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use crate::error::Fault;

/// Reads a body of at most `most` bytes. `hold` is told how many bytes are held for what is there of it, and may
/// refuse to go on.
pub(crate) async fn whole(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    mut hold: impl FnMut(usize) -> Result<(), Fault>,
) -> Result<Bytes, Fault> {
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(Fault::too_large(most));
    }
    let mut whole = BytesMut::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Fault::serialization(format!("The request body could not be read: {error}"))
        })?;
        if whole.len() + chunk.len() > most {
            return Err(Fault::too_large(most));
        }
        whole.extend_from_slice(&chunk);
        hold(whole.capacity())?;
    }
    Ok(whole.freeze())
}
