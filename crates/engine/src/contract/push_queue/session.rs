//! A session, with what it has and what holds of each read.

use std::collections::BTreeSet;
use std::sync::Arc;

use lambda_esm_core::fault::SourceError;
use tokio::time::{Instant, timeout};

use super::queue::{A_WHILE, PATIENCE, Queue, body};
use crate::contract::bound::{ends, ends_within};
use crate::contract::promise::{broken, holds, succeeds};
use crate::ports::{
    ConsumeRequest, DeliveryOutcome, DeliveryTag, Outcome, PushQueueConsumer, PushedMessage,
};

pub(super) struct Session {
    pub(super) consumer: Arc<dyn PushQueueConsumer>,
    prefetch: usize,
    /// What was delivered and is not settled.
    held: BTreeSet<DeliveryTag>,
    last_tag: Option<DeliveryTag>,
}

impl Session {
    pub(super) async fn begin(queue: &Queue<'_>, prefetch: usize) -> Self {
        let request = ConsumeRequest::new(prefetch);
        let begun = ends("a session's beginning", queue.source.consume(request)).await;
        Self {
            consumer: succeeds("a queue that is there is consumed", begun),
            prefetch,
            held: BTreeSet::new(),
            last_tag: None,
        }
    }

    /// Takes note of what a read has brought.
    fn took(&mut self, messages: &[PushedMessage]) {
        holds(
            "a read brings at least one message",
            !messages.is_empty(),
            "one or more",
            &messages.len(),
        );
        for message in messages {
            let tag = message.tag;
            holds(
                "a delivery has a greater tag than all before it in its session",
                self.last_tag.is_none_or(|last| tag > last),
                format_args!("more than {:?}", self.last_tag),
                &tag,
            );
            self.last_tag = Some(tag);
            self.held.insert(tag);
        }
        holds(
            "no more messages are delivered and not settled than the prefetch",
            self.held.len() <= self.prefetch,
            format_args!("at most {}", self.prefetch),
            &self.held.len(),
        );
    }

    /// Reads until so many messages have come, or none comes any more.
    pub(super) async fn read(&mut self, number: usize) -> Vec<PushedMessage> {
        let start = Instant::now();
        let mut found = Vec::new();
        while found.len() < number && start.elapsed() < PATIENCE {
            let Ok(read) = timeout(PATIENCE, self.consumer.next()).await else {
                break;
            };
            let messages = succeeds("a session reads", read);
            self.took(&messages);
            found.extend(messages);
        }
        found
    }

    /// Reads for a while, whatever comes.
    pub(super) async fn read_on(&mut self) -> Vec<PushedMessage> {
        let mut found = Vec::new();
        while let Ok(read) = timeout(A_WHILE, self.consumer.next()).await {
            let messages = succeeds("a session reads", read);
            self.took(&messages);
            found.extend(messages);
        }
        found
    }

    /// Checks that a read waits.
    pub(super) async fn reads_nothing(&mut self, promise: &str) {
        match timeout(A_WHILE, self.consumer.next()).await {
            Err(_) => {}
            Ok(Ok(messages)) => {
                self.took(&messages);
                let bodies = messages.iter().map(body).map(String::from_utf8_lossy);
                broken(promise, "nothing", &bodies.collect::<Vec<_>>());
            }
            Ok(Err(error)) => broken(promise, "nothing", &error),
        }
    }

    /// Checks that reads fail: the first within [`PATIENCE`], if nothing more is to come before that, and every later one.
    pub(super) async fn is_over(&mut self, promise: &str) -> SourceError {
        let start = Instant::now();
        let first = loop {
            match timeout(PATIENCE, self.consumer.next()).await {
                Ok(Err(error)) => break error,
                // It was on its way.
                Ok(Ok(_)) if start.elapsed() < PATIENCE => {}
                _ => broken(promise, "an error", &"none"),
            }
        };
        for _ in 0..2 {
            let read = timeout(A_WHILE, self.consumer.next()).await;
            let fails = matches!(read, Ok(Err(_)));
            let every = "an error is the end of the session, and every later read fails, too";
            holds(every, fails, "an error at once", &read);
        }
        first
    }

    pub(super) async fn settle(&mut self, messages: &[PushedMessage], outcome: Outcome) {
        let settled = self.try_settle(messages, outcome).await;
        succeeds("deliveries of a session that lasts are settled", settled);
        for message in messages {
            self.held.remove(&message.tag);
        }
    }

    pub(super) async fn try_settle(
        &self,
        messages: &[PushedMessage],
        outcome: Outcome,
    ) -> Result<(), SourceError> {
        let tags = messages.iter().map(|message| message.tag);
        let outcomes = tags.map(|tag| DeliveryOutcome { tag, outcome });
        ends("settling", self.consumer.settle(outcomes.collect())).await
    }

    pub(super) async fn stop(&self) {
        let stopped = ends("stopping", self.consumer.stop()).await;
        succeeds("a session that lasts is stopped", stopped);
    }

    pub(super) async fn close(self) {
        ends_within(PATIENCE, "closing", self.consumer.close()).await;
    }
}
