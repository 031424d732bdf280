//! How much is read of an answer.
//!
//! The SDK reads whatever is sent. So all its clients, those that look for credentials too, get their answers
//! through here: longer ones than the service has are cut off, and the long ones of one client share a room.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const MIB: u32 = 1024 * 1024;

/// Ten messages of 1 MiB (SQS developer guide, "Amazon SQS message quotas"), of which JSON may write each
/// byte in six (`\u003c`), and what stands around them.
const MESSAGES: u32 = 64 * MIB;
/// 10 MB in base64 with 10,000 partition keys of 256 characters (Kinesis API reference, `GetRecords`), which
/// is some 18 MB; or 1 MB of items (DynamoDB Streams API reference, `GetRecords`), which JSON may write in 14
/// times as much (`{"NULL":true},`).
pub(crate) const RECORDS: u32 = 32 * MIB;
/// 10,000 shards of half a kilobyte (Kinesis API reference, `ListShards`), and several times as many of a
/// server that knows no pages.
const SHARDS: u32 = 32 * MIB;
/// Any other answer, and any refusal: a few kilobytes.
pub(crate) const SMALL: u32 = MIB;
/// The answers over 1 MiB that one client reads at a time. Those whose length is not told count as the longest
/// of their kind, of which at least one must fit.
const ROOM: u32 = MESSAGES;

/// Returns `client` with bounds on what it reads.
pub(crate) fn bounded(client: impl HttpClient + 'static) -> SharedHttpClient {
    let room = room();
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Reader {
            connector: client.http_connector(settings, components),
            room: Arc::clone(&room),
        })
    })
}

/// Returns the room for what is long.
pub(crate) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(ROOM as usize))
}

/// An answer is longer than the service's can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// The most bytes that are read.
    pub(crate) limit: u32,
    /// How many there are, if that was told before.
    pub(crate) announced: Option<u64>,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.announced {
            Some(length) => write!(
                f,
                "its {length} bytes are more than the {} that are read",
                self.limit
            ),
            None => write!(
                f,
                "it is longer than the {} bytes that are read",
                self.limit
            ),
        }
    }
}

impl std::error::Error for TooLong {}

/// Returns the most bytes to read of an answer; `None` if it has no end and is read piece by piece.
fn limit(operation: &str, is_success: bool) -> Option<u32> {
    match operation {
        _ if !is_success => Some(SMALL),
        "ReceiveMessage" => Some(MESSAGES),
        "GetRecords" => Some(RECORDS),
        "ListShards" | "DescribeStream" => Some(SHARDS),
        "SubscribeToShard" => None,
        _ => Some(SMALL),
    }
}

/// Returns the operation that the JSON protocols name in a header; the other protocols serve only what has
/// short answers.
fn operation(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

#[derive(Debug)]
struct Reader {
    connector: SharedHttpConnector,
    room: Arc<Semaphore>,
}

impl HttpConnector for Reader {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let of = |is_success| limit(operation(&request), is_success);
        let (success, refusal) = (of(true), of(false));
        let answer = self.connector.call(request);
        let room = Arc::clone(&self.room);
        HttpConnectorFuture::new(async move {
            let mut answer: HttpResponse = answer.await?;
            let limit = if answer.status().is_success() {
                success
            } else {
                refusal
            };
            if let Some(limit) = limit {
                let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
                let body = Part::new(body, limit, room).await;
                *answer.body_mut() = SdkBody::from_body_1_x(body);
            }
            Ok(answer)
        })
    }
}

/// A body, as far as it is read.
struct Part {
    body: SdkBody,
    limit: u32,
    left: u32,
    /// Its place among the long answers.
    _room: Option<OwnedSemaphorePermit>,
}

impl Part {
    /// Waits for room for `body`, if it needs any.
    async fn new(body: SdkBody, limit: u32, room: Arc<Semaphore>) -> Self {
        let longest = body.content_length().unwrap_or_else(|| limit.into());
        let needed = u32::try_from(longest).unwrap_or(u32::MAX);
        // What is too long is not read, and nobody closes the room.
        let room = match needed {
            0..=SMALL => None,
            needed if needed > limit => None,
            needed => room.acquire_many_owned(needed).await.ok(),
        };
        Self {
            body,
            limit,
            left: limit,
            _room: room,
        }
    }

    fn too_long(&self) -> BoxError {
        let error = TooLong {
            limit: self.limit,
            announced: self.body.content_length(),
        };
        error.into()
    }
}

impl Body for Part {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let part = &mut *self;
        if part.body.size_hint().lower() > part.left.into() {
            return Poll::Ready(Some(Err(part.too_long())));
        }
        let Some(frame) = ready!(Pin::new(&mut part.body).poll_frame(context)?) else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let Some(left) = part.left.checked_sub(length) else {
            return Poll::Ready(Some(Err(part.too_long())));
        };
        part.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn long_answers_wait_for_each_other_and_short_ones_for_none() {
        let room = Arc::new(Semaphore::new(3 * MIB as usize));
        let part = |length: u32| {
            let body = SdkBody::from(vec![0; length as usize]);
            timeout(
                Duration::from_secs(1),
                Part::new(body, RECORDS, Arc::clone(&room)),
            )
        };
        let first = part(2 * MIB).await.unwrap();
        part(SMALL).await.expect("a short one waits for none");
        part(RECORDS + 1).await.expect("one too long is not read");
        assert!(part(2 * MIB).await.is_err(), "there is no room for it");
        drop(first);
        part(2 * MIB).await.expect("its room is free");
    }
}
