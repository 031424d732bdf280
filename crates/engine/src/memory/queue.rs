//! An in-memory queue that behaves as SQS does.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{MessageAttribute, QueueContent, QueueMessage, Receipt, SqsMessage};
use lambda_esm_core::setters;
use tokio::sync::Notify;

use super::log::Sequence;
use super::storage::{Delivered, Storage, Stored};
use super::waiting::{LONGEST_WAIT, receive};
use crate::clock::Clock;
use crate::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement};

/// FIFO queues ignore a second message with the same deduplication ID for this long (SQS developer
/// guide, "Exactly-once processing").
const DEDUPLICATION_INTERVAL: Duration = Duration::from_secs(300);

/// Properties of a [`MemoryQueue`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryQueueOptions {
    /// How long a received message stays hidden; SQS's default is 30 s.
    pub visibility_timeout: Duration,
    /// Whether messages have groups, and keep their order within them.
    pub fifo: bool,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
    /// The most messages that one receive returns; SQS's limit is 10.
    pub receive_limit: usize,
    /// What the identifiers of messages are made from, so that they are the same each time: 16 digits of the seed, and 16 of
    /// the message's number, 1 for the first. `None`, the default, draws them.
    pub seed: Option<u64>,
}

impl Default for MemoryQueueOptions {
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            fifo: false,
            redrive: None,
            receive_limit: 10,
            seed: None,
        }
    }
}

setters!(MemoryQueueOptions {
    with_visibility_timeout sets visibility_timeout: Duration,
    with_fifo sets fifo: bool,
    with_redrive sets redrive: Option<Redrive>,
    with_receive_limit sets receive_limit: usize,
    with_seed sets seed: Option<u64>,
});

/// A redrive policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Redrive {
    /// The dead-letter queue.
    pub dead_letter_queue: MemoryQueue,
    /// A message received this often moves there instead of being received once more (at least 1).
    pub max_receive_count: u32,
}

impl Redrive {
    /// Returns the policy that moves a message to `dead_letter_queue` after so many receives.
    #[must_use]
    pub const fn new(dead_letter_queue: MemoryQueue, max_receive_count: u32) -> Self {
        Self {
            dead_letter_queue,
            max_receive_count,
        }
    }
}

/// A message to send.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SendMessage {
    /// The body.
    pub body: String,
    /// The sender's attributes.
    pub attributes: Vec<(String, MessageAttribute)>,
    /// The message group; needed for FIFO queues.
    pub group: Option<String>,
    /// The deduplication ID; without one, a FIFO queue takes the digest of the body.
    pub deduplication_id: Option<String>,
    /// How long the message stays hidden at first.
    pub delay: Duration,
}

impl SendMessage {
    /// Returns a plain message.
    pub fn new(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Gives it the sender's attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Vec<(String, MessageAttribute)>) -> Self {
        self.attributes = attributes;
        self
    }

    /// Gives it a deduplication ID.
    #[must_use]
    pub fn with_deduplication_id(mut self, id: impl Into<String>) -> Self {
        self.deduplication_id = Some(id.into());
        self
    }

    /// Keeps it hidden for so long.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Puts the message into a group.
    #[must_use]
    pub fn in_group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}

/// A queue in memory with SQS's behaviour: visibility timeout, receive count, message groups and their
/// locks, deduplication, delay, and redrive to a dead-letter queue. Clones share the queue.
#[derive(Clone, Debug)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    options: MemoryQueueOptions,
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    storage: Storage,
    /// The message that used a deduplication ID.
    seen: HashMap<String, String>,
    /// The deduplication IDs in the order of use.
    seen_in_order: VecDeque<(Timestamp, String)>,
}

impl Inner {
    /// Returns the message that used a deduplication ID within the interval.
    fn duplicate(&mut self, now: Timestamp, id: &str) -> Option<String> {
        while let Some((_, old)) = self
            .seen_in_order
            .pop_front_if(|(at, _)| now.since(*at) >= DEDUPLICATION_INTERVAL)
        {
            self.seen.remove(&old);
        }
        self.seen.get(id).cloned()
    }
}

impl MemoryQueue {
    /// Returns an empty queue.
    #[must_use]
    pub fn new(clock: Clock, options: MemoryQueueOptions) -> Self {
        let inner = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                clock,
                options,
                inner,
                arrived: Notify::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message, and returns its identifier.
    ///
    /// # Errors
    /// Fails if a FIFO queue gets a message without a group.
    pub fn send(&self, message: SendMessage) -> Result<String, SourceError> {
        self.send_at(message, self.shared.clock.now())
    }

    /// Sends a message as of an earlier time, not before that of the message sent last: for messages that were not put into
    /// the queue when they came. Returns its identifier.
    ///
    /// # Errors
    /// Fails if a FIFO queue gets a message without a group.
    pub fn send_at(&self, message: SendMessage, time: Timestamp) -> Result<String, SourceError> {
        if self.shared.options.fifo && message.group.is_none() {
            let text = "a message to a FIFO queue needs a message group";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        }
        let now = time.min(self.shared.clock.now());
        let content = SqsMessage::new(message.body).with_message_attributes(message.attributes);
        let mut inner = self.lock();
        let deduplication_id = self.shared.options.fifo.then(|| {
            let given = message.deduplication_id;
            given.unwrap_or_else(|| content.md5_of_body.as_ref().to_owned())
        });
        if let Some(used) = &deduplication_id
            && let Some(id) = inner.duplicate(now, used)
        {
            return Ok(id);
        }
        let id = match self.shared.options.seed {
            Some(seed) => uuid::Uuid::from_u64_pair(seed, inner.storage.last() + 1),
            None => uuid::Uuid::new_v4(),
        };
        let id = id.to_string();
        if let Some(used) = &deduplication_id {
            inner.seen.insert(used.clone(), id.clone());
            inner.seen_in_order.push_back((now, used.clone()));
        }
        let group = message.group.filter(|_| self.shared.options.fifo);
        let stored = Stored::new(id.clone(), group, deduplication_id, content, now);
        inner.storage.push(stored, now + message.delay, now);
        drop(inner);
        self.shared.arrived.notify_one();
        Ok(id)
    }

    /// Returns how many messages are visible, in flight, and delayed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut inner = self.lock();
        inner.storage.advance(self.shared.clock.now());
        inner.storage.counts()
    }

    fn take(&self, request: &ReceiveRequest) -> (Vec<QueueMessage>, Option<Timestamp>) {
        let now = self.shared.clock.now();
        let options = &self.shared.options;
        let hidden = request
            .visibility_timeout
            .unwrap_or(options.visibility_timeout);
        let max = request.max.min(options.receive_limit);
        let mut messages = Vec::new();
        let mut dead = Vec::new();
        let mut inner = self.lock();
        inner.storage.advance(now);
        let mut held = BTreeSet::new();
        while messages.len() < max {
            let Some(sequence) = inner.storage.next(&held) else {
                break;
            };
            let receives = inner
                .storage
                .get(sequence)
                .map_or(0, |stored| stored.receive_count);
            if options
                .redrive
                .as_ref()
                .is_some_and(|redrive| receives >= redrive.max_receive_count)
            {
                dead.extend(inner.storage.take_visible(sequence));
                continue;
            }
            let Some(delivered) = inner.storage.deliver(sequence, now, now + hidden) else {
                break;
            };
            held.extend(delivered.stored.group.clone());
            messages.push(deliver(&delivered));
        }
        let next = inner.storage.next_visible();
        drop(inner);
        if let Some(redrive) = &options.redrive {
            redrive.dead_letter_queue.adopt(dead, now);
        }
        (messages, next)
    }

    /// Takes messages over from another queue, with their identifiers.
    fn adopt(&self, messages: Vec<Stored>, now: Timestamp) {
        if messages.is_empty() {
            return;
        }
        let mut inner = self.lock();
        for stored in messages {
            let group = stored.group.filter(|_| self.shared.options.fifo);
            let moved = Stored::new(
                stored.id,
                group,
                stored.deduplication_id,
                stored.message,
                stored.sent,
            );
            inner.storage.push(moved, now, now);
        }
        drop(inner);
        self.shared.arrived.notify_one();
    }

    fn settle_one(&self, inner: &mut Inner, settlement: &Settlement) -> Result<(), SourceError> {
        let invalid = || {
            let text = format!(
                "receipt handle {:?} is not valid here",
                settlement.receipt.0
            );
            SourceError::new(SourceErrorKind::Expired, text)
        };
        let (sequence, delivery) = parse_receipt(&settlement.receipt).ok_or_else(invalid)?;
        let now = self.shared.clock.now();
        let good = match settlement.verb {
            SettleVerb::Delete => inner.storage.delete(sequence, delivery),
            SettleVerb::Release => {
                inner
                    .storage
                    .change_visibility(sequence, delivery, now, Duration::ZERO)
            }
            other => {
                let text = format!("a queue in memory knows no {other:?}");
                return Err(SourceError::new(SourceErrorKind::Fatal, text));
            }
        };
        if good { Ok(()) } else { Err(invalid()) }
    }
}

fn deliver(delivered: &Delivered<'_>) -> QueueMessage {
    let stored = delivered.stored;
    let first = stored.first_received.unwrap_or(stored.sent);
    let message = stored.message.clone();
    let mut message = message.delivered(delivered.delivery, stored.sent, "000000000000", first);
    if let Some(group) = &stored.group {
        if let Some(id) = &stored.deduplication_id {
            message = message.with_attribute("MessageDeduplicationId", id);
        }
        let sequence = format!("{:020}", delivered.sequence);
        message = message
            .with_attribute("MessageGroupId", group)
            .with_attribute("SequenceNumber", sequence);
    }
    let receipt = Receipt(format!("{}:{}", delivered.sequence, delivered.delivery));
    QueueMessage::new(&stored.id, receipt, QueueContent::Sqs(message))
        .with_group(stored.group.clone())
}

fn parse_receipt(receipt: &Receipt) -> Option<(Sequence, u32)> {
    let (sequence, delivery) = receipt.0.split_once(':')?;
    Some((sequence.parse().ok()?, delivery.parse().ok()?))
}

#[async_trait]
impl QueueSource for MemoryQueue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let options = &self.shared.options;
        let redrive = options.redrive.as_ref();
        Ok(QueueFacts::new(options.visibility_timeout)
            .with_receive_limit(options.receive_limit)
            .with_settle_limit(options.receive_limit)
            .with_longest_wait(LONGEST_WAIT)
            .with_wait_step(Duration::from_millis(1))
            .with_max_receive_count(redrive.map(|redrive| redrive.max_receive_count)))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let Shared { clock, arrived, .. } = &*self.shared;
        Ok(receive(*clock, arrived, &request, || self.take(&request)).await)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        true
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let mut inner = self.lock();
        let results = settlements
            .iter()
            .map(|one| self.settle_one(&mut inner, one))
            .collect();
        // A release shows its message again, and a deletion may unlock a message group.
        let is_there_any = inner.storage.next(&BTreeSet::new()).is_some();
        drop(inner);
        if is_there_any {
            self.shared.arrived.notify_one();
        }
        Ok(results)
    }
}
