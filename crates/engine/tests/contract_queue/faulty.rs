//! A queue in memory with a fault.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueMessage, Receipt};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::MessageToSend;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
use lambda_esm_engine::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, Settlement};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::fault::Fault;

/// A [`MemoryQueue`] whose calls go through a fault.
pub(crate) struct Faulty {
    pub(crate) clock: Clock,
    pub(crate) queue: MemoryQueue,
    pub(crate) fault: Option<Fault>,
    /// Told of every message that is sent.
    pub(crate) sent: Notify,
    /// Held by a receive that lets nothing else happen while it waits.
    pub(crate) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What faults remember.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) calls: usize,
    /// The receives that are open.
    pub(crate) open: usize,
    /// What another receive has taken, for those that are open beside it.
    pub(crate) copies: Vec<QueueMessage>,
    /// The receives that wait in a row for a message, or to be told that there is one.
    pub(crate) waiting: VecDeque<oneshot::Sender<Option<QueueMessage>>>,
    /// The visibility timeout of the latest receive that had one.
    pub(crate) hidden: Option<Duration>,
    /// The receives that nobody will tell.
    pub(crate) forgotten: Vec<oneshot::Sender<Option<QueueMessage>>>,
    /// The deliveries that were not settled.
    pub(crate) in_flight: Vec<Receipt>,
    /// The first receipt of each message, and the latest, by its id.
    pub(crate) receipts: HashMap<String, (Receipt, Receipt)>,
    /// When messages are no longer hidden.
    pub(crate) visible: Vec<Instant>,
    /// What is released later.
    pub(crate) releases: Vec<(Timestamp, Receipt)>,
    pub(crate) groups: Vec<String>,
    /// What was settled before.
    pub(crate) settled: Vec<Receipt>,
    /// What was sent, to send it anew.
    pub(crate) messages: Vec<SendMessage>,
}

impl Faulty {
    pub(crate) fn new(fault: Option<Fault>, fifo: bool) -> Self {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
        let options =
            MemoryQueueOptions::default()
                .with_fifo(fifo)
                .with_receive_limit(match fault {
                    Some(Fault::MoreThanTheReceiveLimit) => 11,
                    _ => 10,
                })
                .with_redrive((fault == Some(Fault::LosesAfterTwoReceives)).then(|| {
                    Redrive::new(MemoryQueue::new(clock, MemoryQueueOptions::default()), 2)
                }));
        Self {
            clock,
            queue: MemoryQueue::new(clock, options),
            fault,
            sent: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Sends what the contract asks for.
    pub(crate) async fn send(&self, asked: MessageToSend) {
        let mut message = SendMessage::new(asked.body);
        message.group = asked.group;
        message.attributes = asked.attributes;
        if self.has(Fault::SendsLate) {
            message.delay = Duration::from_secs(5);
        }
        let is_equal = |each: &SendMessage| each.body == message.body;
        if self.has(Fault::TakesEqualsForOne) && self.state().messages.iter().any(is_equal) {
            return;
        }
        self.state().messages.push(message.clone());
        if self.has(Fault::LosesEveryFifth) && self.state().messages.len().is_multiple_of(5) {
            return;
        }
        self.queue.send(message).unwrap();
        self.sent.notify_waiters();
        self.hand_over().await;
    }

    pub(crate) fn error(&self, kind: SourceErrorKind) -> SourceError {
        SourceError::new(kind, format!("{:?}", self.fault))
    }
}

#[async_trait]
impl QueueSource for Faulty {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let mut facts = self.queue.describe().await?;
        let calls = {
            let mut state = self.state();
            state.calls += 1;
            state.calls
        };
        facts.max_receive_count = None;
        match self.fault {
            Some(Fault::DescribeFails) => return Err(self.error(SourceErrorKind::Transient)),
            Some(Fault::DescribeNeverAnswers) => std::future::pending().await,
            Some(Fault::FactsChange) if calls > 1 => facts.visibility_timeout *= 2,
            Some(Fault::TellsHalfTheVisibility) => facts.visibility_timeout /= 2,
            Some(Fault::TellsTwiceTheVisibility) => facts.visibility_timeout *= 2,
            Some(Fault::TellsNoReceiveLimit) => facts.receive_limit = 0,
            Some(Fault::TellsNoSettleLimit) => facts.settle_limit = 0,
            Some(Fault::TellsASmallerReceiveLimit) => facts.receive_limit = 5,
            Some(Fault::MoreThanTheReceiveLimit) => facts.receive_limit = 10,
            Some(Fault::TellsALargerSettleLimit) => facts.settle_limit = 20,
            Some(Fault::TellsAStepBeyondTheWait) => {
                facts.wait_step = facts.longest_wait + Duration::from_secs(1);
            }
            _ => {}
        }
        Ok(facts)
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let mut received = self.take(self.asked(request)).await?;
        self.carry(&mut received);
        Ok(received)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        true
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.settle_wrongly(settlements).await
    }
}
