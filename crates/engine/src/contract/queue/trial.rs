//! A queue on trial: what the contract sends, receives and settles, all of it looked at.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::calls;
use super::ledger::{Call, Ledger};
use super::message::MessageToSend;
use super::shown::{After, Text, body};
use crate::clock::Clock;
use crate::contract::promise::{equal, holds};
use crate::ports::{QueueFacts, QueueSource, ReceiveRequest, SettleVerb};

/// How much later than promised something may be seen on a server.
pub(super) const LATE: Duration = Duration::from_secs(3);

/// How long "at once" may take a queue that works in tasks of its own.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How long the contract waits before it looks again.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// The longest wait that the contract asks for.
const LONG: Duration = Duration::from_secs(10);

type Sender<'a> = Box<dyn Fn(MessageToSend) -> LocalBoxFuture<'a, ()> + 'a>;

/// A queue, and what is known of its messages.
pub(super) struct Trial<'a> {
    pub(super) source: &'a dyn QueueSource,
    pub(super) facts: QueueFacts,
    clock: Clock,
    fifo: bool,
    sender: Sender<'a>,
    ledger: RefCell<Ledger>,
    groups: Cell<u32>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        source: &'a dyn QueueSource,
        facts: QueueFacts,
        clock: Clock,
        fifo: bool,
        send: &'a impl AsyncFn(MessageToSend),
    ) -> Self {
        Self {
            source,
            facts,
            clock,
            fifo,
            sender: Box::new(move |message| Box::pin(send(message))),
            ledger: RefCell::default(),
            groups: Cell::default(),
        }
    }

    /// How long a receive waits for what is there at once.
    pub(super) fn at_once(&self) -> Duration {
        self.facts.wait_step.max(AT_ONCE)
    }

    /// A wait that is long, as far as the queue has such.
    pub(super) fn long_wait(&self) -> Duration {
        self.facts.longest_wait.min(LONG)
    }

    /// Sends a message that has its group to itself, if the queue has groups.
    pub(super) async fn send(&self, body: &str) {
        self.send_message(self.message(body)).await;
    }

    /// Returns a message that has its group to itself, if the queue has groups.
    pub(super) fn message(&self, body: &str) -> MessageToSend {
        self.groups.set(self.groups.get() + 1);
        let group = self.fifo.then(|| format!("group-{}", self.groups.get()));
        MessageToSend::new(body, group)
    }

    pub(super) async fn send_message(&self, message: MessageToSend) {
        let before = self.clock.now();
        let number = self.ledger.borrow_mut().sending(message.clone(), before);
        self.send_aside(message).await;
        self.ledger.borrow_mut().sent(number, self.clock.now());
    }

    /// Sends a message that the ledger knows nothing of.
    pub(super) async fn send_aside(&self, message: MessageToSend) {
        let promise = "the contract's `send` ends within a bound";
        calls::bounded(promise, Duration::ZERO, (self.sender)(message)).await;
    }

    pub(super) async fn receive(&self, max: usize, wait: Duration) -> Vec<QueueMessage> {
        self.receive_hiding(max, wait, None).await
    }

    /// Receives with a visibility timeout of the request's own.
    pub(super) async fn receive_hiding(
        &self,
        max: usize,
        wait: Duration,
        hidden: Option<Duration>,
    ) -> Vec<QueueMessage> {
        let call = self.call(&calls::request(max, wait, hidden));
        let messages = calls::receive_hiding(self.source, max, wait, hidden).await;
        self.came(&messages, &call);
        messages
    }

    /// Notes when a receive begins.
    pub(super) fn call(&self, request: &ReceiveRequest) -> Call {
        Call {
            begun: (Instant::now(), self.clock.now()),
            hidden: request
                .visibility_timeout
                .unwrap_or(self.facts.visibility_timeout),
            overridden: request.visibility_timeout.is_some(),
        }
    }

    /// Looks at what a receive brought.
    pub(super) fn came(&self, messages: &[QueueMessage], call: &Call) {
        let now = (Instant::now(), self.clock.now());
        let limit = self.facts.receive_limit;
        holds(
            "a receive returns no more than receive_limit messages",
            messages.len() <= limit,
            format_args!("at most {limit}"),
            &messages.len(),
        );
        for message in messages {
            self.ledger.borrow_mut().delivered(message, call, now);
        }
    }

    /// Receives what `promise` says is there at once: these bodies in some order, and nothing else.
    pub(super) async fn expect(&self, promise: &str, bodies: &[&str]) -> Vec<QueueMessage> {
        let until = Instant::now() + self.at_once();
        let mut messages = Vec::new();
        loop {
            let left = bodies.len().saturating_sub(messages.len());
            let page = self.receive(left.max(1), self.at_once()).await;
            let empty = page.is_empty();
            messages.extend(page);
            if messages.len() >= bodies.len() || empty && Instant::now() >= until {
                break;
            }
            if empty {
                // A queue may have no waits.
                sleep(PAUSE).await;
            }
        }
        let mut found: Vec<_> = messages.iter().map(|each| Text(body(each))).collect();
        let mut expected: Vec<_> = bodies.iter().map(|each| Text(each)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        equal(promise, &found, &expected);
        messages
    }

    /// Checks that nothing is visible, as `promise` says.
    pub(super) async fn expect_none(&self, promise: &str) {
        let messages = self.receive(10, Duration::ZERO).await;
        let found: Vec<_> = messages.iter().map(|each| Text(body(each))).collect();
        equal(promise, &found, &Vec::<Text<'_>>::new());
    }

    /// Sends a message, and receives it.
    pub(super) async fn delivery_of(&self, sent: &str) -> QueueMessage {
        self.send(sent).await;
        let promise = "a message that was sent can be received at once";
        self.expect(promise, &[sent]).await.remove(0)
    }

    /// Deletes what is visible, and returns how many messages that were.
    pub(super) async fn delete_the_rest(&self) -> usize {
        let mut total = 0;
        loop {
            let messages = self.receive(10, self.at_once()).await;
            if messages.is_empty() {
                return total;
            }
            total += messages.len();
            self.delete(&messages).await;
        }
    }

    pub(super) async fn delete(&self, messages: &[QueueMessage]) {
        self.settle_all(SettleVerb::Delete, messages).await;
    }

    pub(super) async fn release(&self, messages: &[QueueMessage]) {
        self.settle_all(SettleVerb::Release, messages).await;
    }

    async fn settle_all(&self, verb: SettleVerb, messages: &[QueueMessage]) {
        for some in messages.chunks(self.facts.settle_limit) {
            let deeds: Vec<_> = some.iter().map(|message| (verb, message)).collect();
            let results = self.settle(&deeds).await;
            equal(calls::SETTLED, &results, &vec![Ok(()); deeds.len()]);
        }
    }

    /// Settles in one call, and returns the results.
    pub(super) async fn settle(
        &self,
        deeds: &[(SettleVerb, &QueueMessage)],
    ) -> Vec<Result<(), SourceError>> {
        let settlements: Vec<_> = deeds
            .iter()
            .map(|(verb, message)| calls::settlement(*verb, &message.receipt))
            .collect();
        for (verb, message) in deeds {
            if *verb == SettleVerb::Release {
                self.ledger.borrow_mut().releasing(message);
            }
        }
        let results = calls::settle(self.source, &settlements).await;
        for ((verb, message), result) in deeds.iter().zip(&results) {
            if *verb == SettleVerb::Delete && result.is_ok() {
                self.ledger.borrow_mut().deleted(message);
            }
        }
        results
    }
}

/// Checks that something happened between two moments after `begun`; `late` is the later one.
pub(super) fn in_time(promise: &str, begun: Instant, early: Duration, late: Duration) {
    let elapsed = begun.elapsed();
    let kept = (early..=late).contains(&elapsed);
    let expected = format!("after {early:?} to {late:?}");
    holds(promise, kept, expected, &After(elapsed));
}
