//! Calls to a share group under trial, each of which must end within a bound.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueMessage, SharedRecord};

use crate::contract::bound::{ends, ends_within};
use crate::contract::promise::{equal, holds, succeeds};
use crate::ports::{QueueFacts, QueueSource, ReceiveRequest, SettleVerb, Settlement};

/// How long a record that must be there may take to come.
pub(super) const A_WHILE: Duration = Duration::from_secs(10);

/// How long a group may take to notice what members do.
pub(super) const NOTICE: Duration = Duration::from_secs(3);

/// A record that the contract asks to be put into the topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedRecordToPut {
    /// The key; `None` for a record without one.
    pub key: Option<Bytes>,
    /// The value; `None` for a tombstone.
    pub value: Option<Bytes>,
    /// Names and values, which may be null.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl SharedRecordToPut {
    pub(super) fn new(value: &str) -> Self {
        Self {
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            ..Self::default()
        }
    }
}

/// A share group under trial.
pub(super) struct Trial<'t> {
    pub(super) source: &'t dyn QueueSource,
    pub(super) other: &'t dyn QueueSource,
    pub(super) facts: QueueFacts,
    /// How often the group delivers a record.
    pub(super) limit: u32,
}

impl Trial<'_> {
    /// Receives once with a member.
    pub(super) async fn receive(
        &self,
        member: &dyn QueueSource,
        max: usize,
        wait: Duration,
    ) -> Vec<QueueMessage> {
        let limit = wait + Duration::from_secs(60);
        let receive = member.receive(ReceiveRequest::new(max, wait));
        let received = ends_within(limit, "receive", receive).await;
        let received = succeeds("a receive succeeds, also if it is empty", received);
        let messages = received.messages;
        let expected = format!("at most {max} records");
        let promise = "no receive returns more than max records";
        holds(promise, messages.len() <= max, expected, &messages.len());
        messages
    }

    /// Receives with a member until so many records have come, which must do so.
    pub(super) async fn expect(
        &self,
        promise: &str,
        member: &dyn QueueSource,
        number: usize,
    ) -> Vec<QueueMessage> {
        self.expect_within(promise, member, number, A_WHILE).await
    }

    /// Does the same within a time.
    pub(super) async fn expect_within(
        &self,
        promise: &str,
        member: &dyn QueueSource,
        number: usize,
        within: Duration,
    ) -> Vec<QueueMessage> {
        let mut messages = Vec::new();
        let begun = tokio::time::Instant::now();
        while messages.len() < number && begun.elapsed() < within {
            let wait = within.saturating_sub(begun.elapsed());
            let missing = number - messages.len();
            let wait = wait.min(self.facts.longest_wait);
            messages.extend(self.receive(member, missing, wait).await);
        }
        equal(promise, &messages.len(), &number);
        messages
    }

    /// Receives the one record that must come.
    pub(super) async fn one(&self, promise: &str, member: &dyn QueueSource) -> QueueMessage {
        self.expect(promise, member, 1).await.remove(0)
    }

    /// Checks that nothing comes for a while.
    pub(super) async fn expect_none(&self, promise: &str, member: &dyn QueueSource) {
        self.expect_none_for(promise, member, NOTICE).await;
    }

    /// Checks that nothing comes for so long.
    pub(super) async fn expect_none_for(
        &self,
        promise: &str,
        member: &dyn QueueSource,
        time: Duration,
    ) {
        let wait = time.min(self.facts.longest_wait);
        let messages = self.receive(member, 10, wait).await;
        let ids: Vec<_> = messages.iter().map(|one| one.id.clone()).collect();
        equal(promise, &ids, &Vec::<String>::new());
    }

    /// Settles deliveries with the member that has them, in one call.
    pub(super) async fn settle(
        &self,
        member: &dyn QueueSource,
        deeds: &[(SettleVerb, &QueueMessage)],
    ) -> Vec<Result<(), SourceErrorKind>> {
        let settlements: Vec<_> = deeds
            .iter()
            .map(|(verb, message)| Settlement::new(message.receipt.clone(), *verb))
            .collect();
        let results = ends("settle", member.settle(&settlements)).await;
        let results = succeeds("settling succeeds, whatever becomes of each", results);
        let promise = "there is one result for each settlement";
        equal(promise, &results.len(), &deeds.len());
        let kind = |result: Result<(), SourceError>| result.map_err(|error| error.kind);
        results.into_iter().map(kind).collect()
    }

    /// Settles one delivery, which must succeed.
    pub(super) async fn settle_ok(
        &self,
        member: &dyn QueueSource,
        verb: SettleVerb,
        message: &QueueMessage,
    ) {
        let results = self.settle(member, &[(verb, message)]).await;
        equal(
            "a delivery whose lock holds can be settled",
            &results,
            &vec![Ok(())],
        );
    }
}

/// Returns the record of a message, which must be one of a share group.
pub(super) fn shared(message: &QueueMessage) -> &SharedRecord {
    let shared = message.content.kafka();
    let promise = "a share group delivers records of Kafka";
    succeeds(promise, shared.ok_or("another kind of message"))
}
