//! A consumer of a queue, until it is closed or the connection breaks.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{pending, try_join_all};
use futures::stream::{BoxStream, StreamExt};
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{ConsumeRequest, DeliveryOutcome, PushQueueConsumer, PushedMessage};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::protocol::constants::REPLY_SUCCESS;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer, ErrorKind, Event};
use tokio::time::timeout;

use crate::dial::Wire;
use crate::message::pushed;
use crate::place::Place;
use crate::problem;
use crate::settlement::{Frame, Verdict, frames};

/// How long a frame may be on its way, or an answer: longer than a broker may be silent.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a broker has to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// A session: one connection with one channel and one consumer.
pub(crate) struct Session {
    place: Place,
    connection: Connection,
    channel: Channel,
    /// The consumer's name.
    tag: ShortString,
    consumer: tokio::sync::Mutex<Consumer>,
    /// What was delivered and is not settled.
    outstanding: Mutex<BTreeSet<u64>>,
    /// Held while frames are sent: one about many deliveries must not come before one about some of them.
    sending: tokio::sync::Mutex<()>,
    events: Mutex<BoxStream<'static, Event>>,
    end: Mutex<End>,
    wire: Wire,
}

/// Whether there are more deliveries to come.
#[derive(Clone, Debug)]
enum End {
    /// There are.
    Open,
    /// There are those that were sent before the consumer was asked to stop.
    Stopped,
    /// There are none, and what was delivered can still be settled.
    Drained,
    /// The session is over.
    Failed(SourceError),
}

impl Session {
    /// Consumes the queue.
    pub(crate) async fn begin(
        place: Place,
        (connection, wire): (Connection, Wire),
        request: ConsumeRequest,
    ) -> Result<Self, SourceError> {
        let events = connection.events_listener().boxed();
        let begun = consume(&connection, &place, request).await;
        let (channel, consumer) = begun.map_err(|error| problem::consuming(&error, &place))?;
        Ok(Self {
            place,
            connection,
            channel,
            tag: consumer.tag(),
            consumer: tokio::sync::Mutex::new(consumer),
            outstanding: Mutex::default(),
            sending: tokio::sync::Mutex::default(),
            events: Mutex::new(events),
            end: Mutex::new(End::Open),
            wire,
        })
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outstanding(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.outstanding
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the last word of the consumer.
    fn note(&self, last: Option<lapin::Error>) {
        let mut end = self.end();
        *end = match (&*end, last) {
            (End::Failed(_), _) => return,
            (_, Some(error)) => End::Failed(problem::consuming(&error, &self.place)),
            (End::Open, None) => End::Failed(problem::cancelled(&self.place)),
            (End::Stopped | End::Drained, None) => End::Drained,
        };
    }

    /// Returns why the broker was told nothing: what ended the session, rather than that it has ended.
    fn unsent(&self, error: &lapin::Error) -> SourceError {
        if let End::Failed(error) = &*self.end() {
            return error.clone();
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cause = None;
        while let Some(Some(event)) = events.next().now_or_never() {
            if let (Event::Error(error), None) = (event, &cause) {
                cause = Some(error);
            }
        }
        problem::consuming(cause.as_ref().unwrap_or(error), &self.place)
    }

    /// Waits for what the client does, but not for ever: it may lose sight of what a connection that breaks took with it.
    async fn done<T>(
        &self,
        call: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, SourceError> {
        match timeout(PATIENCE, call).await {
            Ok(done) => done.map_err(|error| self.unsent(&error)),
            Err(_) => Err(self.unsent(&ErrorKind::MissingHeartbeatError.into())),
        }
    }

    async fn send(&self, frame: Frame) -> lapin::Result<()> {
        let Frame {
            verdict,
            tag,
            multiple,
        } = frame;
        let requeue = match verdict {
            Verdict::Ack => {
                return self
                    .channel
                    .basic_ack(tag, BasicAckOptions { multiple })
                    .await;
            }
            Verdict::Reject => false,
            Verdict::Requeue => true,
        };
        let options = BasicNackOptions { multiple, requeue };
        self.channel.basic_nack(tag, options).await
    }
}

#[async_trait]
impl PushQueueConsumer for Session {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let mut consumer = self.consumer.lock().await;
        loop {
            let end = self.end().clone();
            match end {
                End::Open | End::Stopped => {}
                End::Drained => return pending().await,
                End::Failed(error) => return Err(error),
            }
            let mut said = consumer.next().await;
            let mut messages = Vec::new();
            loop {
                match said {
                    Some(Ok(delivery)) => messages.push(pushed(delivery)),
                    last => {
                        self.note(last.and_then(Result::err));
                        break;
                    }
                }
                match consumer.next().now_or_never() {
                    Some(next) => said = next,
                    None => break,
                }
            }
            if !messages.is_empty() {
                let tags = messages.iter().map(|message| message.tag.0);
                self.outstanding().extend(tags);
                return Ok(messages);
            }
        }
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        let _sending = self.sending.lock().await;
        let frames = frames(&mut self.outstanding(), &outcomes);
        let sent = try_join_all(frames.into_iter().map(|frame| self.send(frame)));
        self.done(sent).await.map(drop)
    }

    async fn stop(&self) -> Result<(), SourceError> {
        let end = self.end().clone();
        match end {
            End::Failed(error) => return Err(error),
            End::Stopped | End::Drained => return Ok(()),
            End::Open => *self.end() = End::Stopped,
        }
        let options = BasicCancelOptions::default();
        self.done(self.channel.basic_cancel(self.tag.clone(), options))
            .await
    }

    async fn close(&self) {
        {
            let mut end = self.end();
            if !matches!(&*end, End::Failed(_)) {
                *end = End::Failed(problem::closed(&self.place));
            }
        }
        let closed = self.connection.close(REPLY_SUCCESS, "OK".into());
        if timeout(GOODBYE, closed).await.is_err() {
            self.wire.cut();
        }
    }
}

/// Begins to consume a queue that must exist.
async fn consume(
    connection: &Connection,
    place: &Place,
    request: ConsumeRequest,
) -> lapin::Result<(Channel, Consumer)> {
    let channel = connection.create_channel().await?;
    let queue = || ShortString::from(place.queue.as_str());
    let exists = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(queue(), exists, FieldTable::default())
        .await?;
    // 0 would be no limit.
    let prefetch = u16::try_from(request.prefetch.max(1)).unwrap_or(u16::MAX);
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let options = BasicConsumeOptions::default();
    let consumer = channel
        .basic_consume(queue(), "".into(), options, FieldTable::default())
        .await?;
    Ok((channel, consumer))
}
