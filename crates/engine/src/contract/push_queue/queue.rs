//! A queue of its own for each promise, with messages that tell their number.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::record::{PushedContent, PushedMessage};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::subject::{MessageToPublish, PushQueueContract};
use crate::contract::bound::ends;
use crate::contract::promise::{equal, holds};
use crate::ports::PushQueueSource;

/// How long the contract waits for what must happen on a broker.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long the contract waits to see that nothing happens.
pub(super) const A_WHILE: Duration = Duration::from_millis(700);

/// A queue that the contract has made, and what it published.
pub(super) struct Queue<'a> {
    pub(super) subject: &'a dyn PushQueueContract,
    pub(super) name: String,
    pub(super) source: Arc<dyn PushQueueSource>,
    published: usize,
}

impl<'a> Queue<'a> {
    pub(super) async fn make(subject: &'a dyn PushQueueContract) -> Self {
        let name = format!("contract-{}", Uuid::new_v4());
        ends("making a queue", subject.make(&name)).await;
        let source = ends("finding a queue", subject.source(&name)).await;
        equal(
            "a source tells which broker it is",
            &source.engine(),
            &subject.engine(),
        );
        Self {
            subject,
            source,
            name,
            published: 0,
        }
    }

    /// Publishes so many messages, each with the next number.
    pub(super) async fn publish(&mut self, number: usize) {
        for _ in 0..number {
            let message = MessageToPublish::text(self.published.to_string());
            self.published += 1;
            ends("publishing", self.subject.publish(&self.name, message)).await;
        }
    }

    /// Checks that so many messages wait in the queue, soon.
    pub(super) async fn has(&self, promise: &str, ready: usize) {
        let start = Instant::now();
        loop {
            let seen = ends("a look at the queue", self.subject.ready(&self.name)).await;
            if seen == ready {
                return;
            }
            holds(
                promise,
                start.elapsed() < PATIENCE,
                format_args!("{ready} messages in the queue"),
                &seen,
            );
            sleep(A_WHILE / 10).await;
        }
    }

    /// Checks that there are so many dead letters, soon, if the broker can tell.
    pub(super) async fn has_dead(&self, promise: &str, dead: usize) {
        let start = Instant::now();
        loop {
            let looked = ends(
                "a look at dead letters",
                self.subject.dead_letters(&self.name),
            );
            let Some(seen) = looked.await else {
                return;
            };
            if seen == dead {
                return;
            }
            holds(
                promise,
                start.elapsed() < PATIENCE,
                format_args!("{dead} dead letters"),
                &seen,
            );
            sleep(A_WHILE / 10).await;
        }
    }
}

/// Returns the body of a message.
pub(super) fn body(message: &PushedMessage) -> &[u8] {
    match &message.content {
        PushedContent::RabbitMq(message) => &message.body,
        PushedContent::ActiveMq(message) => &message.body,
        _ => b"unreadable",
    }
}

/// Tells whether a message shows that it may have been delivered before.
pub(super) fn is_redelivered(message: &PushedMessage) -> bool {
    match &message.content {
        PushedContent::RabbitMq(message) => message.redelivered,
        PushedContent::ActiveMq(message) => message.redelivered,
        _ => false,
    }
}

/// Returns the numbers that messages tell.
pub(super) fn numbers(messages: &[PushedMessage]) -> Vec<usize> {
    let number = |message| String::from_utf8_lossy(body(message)).parse();
    let numbers = messages
        .iter()
        .map(|message| number(message).unwrap_or(usize::MAX));
    numbers.collect()
}
