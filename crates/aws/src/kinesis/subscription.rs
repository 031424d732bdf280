//! What is read from one shard by enhanced fan-out: a live subscription, and the event in hand.

use std::collections::VecDeque;
use std::time::Duration;

use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::StreamRecord;
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::{Cursor, Page, Shard};
use tokio::time::Instant;

use super::event_stream::{EventMessage, EventStream};
use super::record::{RECORD, behind, children};
use super::responses::SubscribeToShardEvent;
use super::start::KinesisStart;
use crate::failure::Call;

/// A subscription that brought no event for so long is taken for dead. A live one brings events without
/// records too; how often is not documented. The Kinesis Client Library waits 35 or 60 s, by version.
const SILENCE: Duration = Duration::from_secs(35);

/// What was pushed of a shard from where it is read on.
///
/// Holds at most one event. The next one is taken from the connection only when this one is used up, so
/// that flow control keeps the rest at the service.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Before the first record that was not returned.
    next: KinesisStart,
    /// The records of the event in hand that were not returned.
    rest: VecDeque<StreamRecord>,
    /// How far behind the newest record the event in hand was; `None` if none came.
    behind: Option<Duration>,
    /// The shards that follow, once the shard has told its end.
    end: Option<Vec<Shard>>,
    live: Option<Live>,
    /// When it was put aside, or made.
    aside: Instant,
}

/// A connection on which events come.
#[derive(Debug)]
struct Live {
    events: EventStream,
    /// When the last event came, or when it began.
    heard: Instant,
    /// Whether any came.
    proven: bool,
}

impl Subscription {
    /// Returns a subscription that begins at `next` and is not connected.
    pub(super) fn at(next: KinesisStart) -> Self {
        Self {
            next,
            rest: VecDeque::new(),
            behind: None,
            end: None,
            live: None,
            aside: Instant::now(),
        }
    }

    pub(super) fn next(&self) -> &KinesisStart {
        &self.next
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(self.next.to_string())
    }

    /// Tells whether there is something to return without waiting.
    pub(super) fn is_ready(&self) -> bool {
        !self.rest.is_empty() || self.end.is_some()
    }

    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Goes on with `events`, which begin where it goes on.
    pub(super) fn connect(&mut self, events: EventStream) {
        self.live = Some(Live {
            events,
            heard: Instant::now(),
            proven: false,
        });
    }

    /// Returns it as put aside now.
    pub(super) fn set_aside(mut self) -> Self {
        self.aside = Instant::now();
        self
    }

    /// Disconnects if it has been aside for longer than `limit`. What is in hand stays.
    pub(super) fn hang_up_after(&mut self, limit: Duration) {
        if self.aside.elapsed() > limit {
            self.live = None;
        }
    }

    /// Waits up to `limit` for an event, and takes it in hand. Comes back without one if none comes or the
    /// connection ends, which it does after five minutes (Kinesis API reference, `SubscribeToShard`).
    pub(super) async fn wait(
        &mut self,
        limit: Duration,
        call: Call<'_>,
    ) -> Result<(), SourceError> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        self.behind = None;
        // An event that is half received when the time is up is not lost.
        match tokio::time::timeout(limit, live.events.next(call)).await {
            Err(_) if live.heard.elapsed() > SILENCE => self.live = None,
            Err(_) => {}
            Ok(Ok(Some(message))) => {
                live.heard = Instant::now();
                live.proven = true;
                let time = live.events.time;
                if let EventMessage::Event(event) = message {
                    self.take(&event, time, call)?;
                }
            }
            // To subscribe anew at once, again and again, would help nobody.
            Ok(Ok(None)) if !live.proven => return Err(call.incomplete("a single event")),
            Ok(Ok(None)) => self.live = None,
            Ok(Err(error)) => return Err(error),
        }
        Ok(())
    }

    fn take(
        &mut self,
        event: &[u8],
        time: Option<Timestamp>,
        call: Call<'_>,
    ) -> Result<(), SourceError> {
        let event: SubscribeToShardEvent<'_> = call.parse(event)?;
        let records = event.records.0.into_iter();
        let records = records.map(|each| RECORD.read(each, time, call));
        let records = records.collect::<Result<VecDeque<_>, _>>()?;
        let first = records.front();
        if let (KinesisStart::Latest, Some(first)) = (&self.next, first) {
            self.next = KinesisStart::At(first.sequence.as_ref().to_owned());
        }
        let continuation = event.continuation_sequence_number.map(|number| number.0);
        if let (None, Some(number)) = (first, continuation.filter(|number| !number.is_empty())) {
            // Even without records it tells how far the shard was read. The API reference allows to go on
            // both at and after this number; after it does the Kinesis Client Library, and after a record
            // the number is that of the record.
            self.next = KinesisStart::After(number);
        }
        self.rest = records;
        self.behind = event.millis_behind_latest.0.map(behind);
        // Only the last event of a closed shard names children.
        let children = children(event.child_shards);
        self.end = (!children.is_empty()).then_some(children);
        Ok(())
    }

    /// Returns up to `limit` records of the event in hand, and moves on behind them.
    pub(super) fn page(&mut self, limit: usize) -> Page {
        let number = limit.min(self.rest.len());
        let records: Vec<_> = self.rest.drain(..number).collect();
        if let Some(last) = records.last() {
            self.next = KinesisStart::After(last.sequence.as_ref().to_owned());
        }
        let children = match &mut self.end {
            Some(children) if self.rest.is_empty() => Some(std::mem::take(children)),
            _ => None,
        };
        let next = children.is_none().then(|| self.cursor());
        // What is still in hand lies at least a little behind.
        let least = Duration::from_millis(u64::from(!self.rest.is_empty()));
        Page::new(records, next)
            .with_behind(self.behind.map(|behind| behind.max(least)))
            .with_children(children.unwrap_or_default())
    }
}
