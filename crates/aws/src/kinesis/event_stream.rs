//! The messages of a subscription, as they come over the wire (AWS event stream encoding).
//!
//! The SDK would keep whatever a message announces, and would read its records all or none.

use std::sync::Arc;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::event_stream::Message;
use aws_smithy_types::str_bytes::StrBytes;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::time::Timestamp;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Call;
use crate::raw_response::OpenResponse;
use crate::response_limit::{RECORDS, SMALL, TooLong};
use crate::text::with_causes;

/// The first bytes of a message: its length, that of its headers, and their checksum.
const PRELUDE: usize = 12;

/// What comes on a connection.
#[derive(Debug)]
pub(super) struct EventStream {
    /// When the first came, by the server's clock.
    pub(super) time: Option<Timestamp>,
    body: SdkBody,
    /// What came of the next message.
    buffer: BytesMut,
    /// The long messages of all shards share it.
    room: Arc<Semaphore>,
    /// The room of the next message, if it is a long one.
    permit: Option<OwnedSemaphorePermit>,
}

/// A message.
#[derive(Debug)]
pub(super) enum EventMessage {
    /// An event: JSON.
    Event(Bytes),
    /// The answer to the request, which comes first and says nothing.
    Beginning,
    /// Something else that says no more than that the other side is there.
    Other,
}

impl EventStream {
    /// Returns those of `opened`, of which long ones wait for `room`.
    pub(super) fn new(opened: OpenResponse, room: Arc<Semaphore>) -> Self {
        Self {
            time: opened.time,
            body: opened.body,
            buffer: BytesMut::new(),
            room,
            permit: None,
        }
    }

    /// Waits for the next message; `None` at the end. What has come is not lost if nobody waits any more.
    ///
    /// # Errors
    /// Fails if what comes is no message or longer than any of the service, if the connection breaks, or with
    /// the exception that the service tells.
    pub(super) async fn next(
        &mut self,
        call: Call<'_>,
    ) -> Result<Option<EventMessage>, SourceError> {
        loop {
            if let Some(message) = self.message(call).await? {
                match event_message(&message, call)? {
                    EventMessage::Beginning => continue,
                    message => return Ok(Some(message)),
                }
            }
            let Some(frame) = self.body.frame().await else {
                return match self.buffer.len() {
                    0 => Ok(None),
                    _ => Err(call.broken_off("it ends within a message")),
                };
            };
            let frame = frame.map_err(|error| call.broken_off(&with_causes(error.as_ref())))?;
            if let Ok(piece) = frame.into_data() {
                self.buffer.extend_from_slice(&piece);
            }
        }
    }

    /// Takes the next message, if all of it is there.
    async fn message(&mut self, call: Call<'_>) -> Result<Option<Message>, SourceError> {
        let Some(length) = self.buffer.first_chunk().copied().map(u32::from_be_bytes) else {
            return Ok(None);
        };
        if length > RECORDS {
            let too_long = TooLong {
                limit: RECORDS,
                announced: Some(length.into()),
            };
            return Err(call.unreadable(Some(200), &[], &too_long.to_string()));
        }
        if length > SMALL && self.permit.is_none() {
            // Nobody closes the room.
            self.permit = Arc::clone(&self.room).acquire_many_owned(length).await.ok();
        }
        let whole = PRELUDE.max(length as usize);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.permit = None;
        let message = read_message_from(self.buffer.split_to(whole).freeze());
        let message = message.map_err(|error| call.unreadable(None, &[], &with_causes(&error)))?;
        Ok(Some(message))
    }
}

/// What an exception says.
#[derive(Default, Deserialize)]
struct Exception {
    #[serde(alias = "Message")]
    message: Option<String>,
}

fn event_message(message: &Message, call: Call<'_>) -> Result<EventMessage, SourceError> {
    let header = |name: &str| {
        let mut headers = message.headers().iter();
        let header = headers.find(|header| header.name().as_str() == name)?;
        header.value().as_string().ok().map(StrBytes::as_str)
    };
    match header(":message-type") {
        Some("exception") => {
            let told = serde_json::from_slice::<Exception>(message.payload());
            let text = told.unwrap_or_default().message;
            Err(call.refused(header(":exception-type"), text.as_deref(), None))
        }
        Some("error") => {
            let (code, text) = (header(":error-code"), header(":error-message"));
            Err(call.refused(code, text, None))
        }
        _ => Ok(match header(":event-type") {
            Some("SubscribeToShardEvent") => EventMessage::Event(message.payload().clone()),
            Some("initial-response") => EventMessage::Beginning,
            _ => EventMessage::Other,
        }),
    }
}
