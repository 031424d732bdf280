//! One SQS queue.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement, UnreadableMessage,
};

use super::address::{PATIENCE, QueueAddress};
use super::answers::Received as Told;
use super::message::record;
use super::name::QueueName;
use crate::failure::Call;

/// The most messages of one receive and the most entries of one batch request (SQS API reference,
/// `ReceiveMessage` and `DeleteMessageBatch`).
pub(super) const LIMIT: usize = 10;
/// The longest `WaitTimeSeconds` (SQS developer guide, "Amazon SQS short and long polling").
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long to wait at a server that stands in for AWS. `ElasticMQ` and ministack go on serving a receive whose
/// caller was killed, and hide the next message for it.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The longest visibility timeout: 12 hours (SQS API reference, `ReceiveMessage`).
const LONGEST_VISIBILITY: u64 = 43_200;

/// A queue of SQS, or of a server that speaks its JSON protocol.
///
/// Cheap in memory: the client and its connections are shared with the other queues of an endpoint.
#[derive(Debug)]
pub struct SqsQueue {
    address: QueueAddress,
}

impl SqsQueue {
    /// Returns the queue at `address`.
    pub(super) fn new(address: QueueAddress) -> Self {
        Self { address }
    }

    /// Returns the queue's names.
    #[must_use]
    pub fn name(&self) -> &QueueName {
        self.address.name()
    }

    async fn delete(&self, url: String, part: &Part<'_>) -> Result<Answers, SourceError> {
        let call = self.address.call("DeleteMessageBatch");
        let entries = part
            .iter()
            .map(|(at, settlement)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&settlement.receipt.0)
                    .build()
            })
            .collect::<Result<_, _>>()
            .map_err(unbuildable)?;
        let request = self
            .address
            .client()
            .delete_message_batch()
            .queue_url(url)
            .set_entries(Some(entries));
        let answer = self
            .address
            .check(call.within(PATIENCE, request.send()).await)
            .await?;
        let done = answer
            .successful
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        Ok(Answers::new(call, done, answer.failed))
    }

    async fn release(&self, url: String, part: &Part<'_>) -> Result<Answers, SourceError> {
        let call = self.address.call("ChangeMessageVisibilityBatch");
        let entries = part
            .iter()
            .map(|(at, settlement)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&settlement.receipt.0)
                    .visibility_timeout(0)
                    .build()
            })
            .collect::<Result<_, _>>()
            .map_err(unbuildable)?;
        let request = self
            .address
            .client()
            .change_message_visibility_batch()
            .queue_url(url)
            .set_entries(Some(entries));
        let answer = self
            .address
            .check(call.within(PATIENCE, request.send()).await)
            .await?;
        let done = answer
            .successful
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        Ok(Answers::new(call, done, answer.failed))
    }
}

#[async_trait]
impl QueueSource for SqsQueue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let call = self.address.call("GetQueueAttributes");
        let request = self
            .address
            .client()
            .get_queue_attributes()
            .queue_url(self.address.url().await?)
            .attribute_names(QueueAttributeName::VisibilityTimeout)
            .attribute_names(QueueAttributeName::RedrivePolicy);
        let answer = self
            .address
            .check(call.within(PATIENCE, request.send()).await)
            .await?;
        let attributes = answer.attributes.unwrap_or_default();
        let seconds = attributes
            .get(&QueueAttributeName::VisibilityTimeout)
            .and_then(|seconds| seconds.parse::<u64>().ok());
        let Some(seconds) = seconds else {
            return Err(call.incomplete("a VisibilityTimeout in seconds"));
        };
        Ok(QueueFacts {
            visibility_timeout: Duration::from_secs(seconds.min(LONGEST_VISIBILITY)),
            receive_limit: LIMIT,
            settle_limit: LIMIT,
            longest_wait: if self.address.is_aws() {
                LONGEST_WAIT
            } else {
                SHORT_WAIT
            },
            wait_step: Duration::from_secs(1),
            max_receive_count: attributes
                .get(&QueueAttributeName::RedrivePolicy)
                .and_then(|policy| max_receive_count(policy)),
        })
    }

    #[expect(
        deprecated,
        reason = "servers from before 2024 know only `AttributeNames` for what is now \
                  `MessageSystemAttributeNames`, and answer without a message group"
    )]
    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let call = self.address.call("ReceiveMessage");
        // The wait is always sent, since the queue may have a default of its own.
        let wait = request.wait.min(LONGEST_WAIT).as_secs();
        let receive = self
            .address
            .client()
            .receive_message()
            .queue_url(self.address.url().await?)
            .max_number_of_messages(number(request.max.clamp(1, LIMIT) as u64))
            .wait_time_seconds(number(wait))
            .set_visibility_timeout(request.visibility_timeout.map(whole_seconds))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .set_attribute_names(Some(vec![QueueAttributeName::All]))
            .message_attribute_names("All");
        let limit = Duration::from_secs(wait) + PATIENCE;
        let send = |tap| receive.customize().interceptor(tap).send();
        let answer = call.tapped(limit, send).await;
        let answer = self.address.check(answer).await?;
        let told: Told<'_> = call.read(&answer)?;
        let mut received = Received::default();
        let Some(messages) = told.messages else {
            return Ok(received);
        };
        let fifo = self.name().is_fifo();
        for message in messages.values {
            match record(message, fifo) {
                Ok(message) => received.messages.push(message),
                Err(unreadable) => received.unreadable.push(unreadable),
            }
        }
        if messages.beyond > 0 {
            received.unreadable.push(UnreadableMessage {
                id: String::new(),
                because: format!("{} are beyond the {LIMIT} of one receive", messages.beyond),
            });
        }
        Ok(received)
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let url = self.address.url().await?;
        let of = |verb| -> Part<'_> {
            settlements
                .iter()
                .enumerate()
                .filter(|(_, each)| each.verb == verb)
                .collect()
        };
        let (deletes, releases) = (of(SettleVerb::Delete), of(SettleVerb::Release));
        if releases.is_empty() {
            return Ok(self.delete(url, &deletes).await?.in_order(&deletes));
        }
        if deletes.is_empty() {
            return Ok(self.release(url, &releases).await?.in_order(&releases));
        }
        let (deleted, released) = tokio::join!(
            self.delete(url.clone(), &deletes),
            self.release(url, &releases)
        );
        if let (Err(error), Err(_)) = (&deleted, &released) {
            return Err(error.clone());
        }
        let mut results: Vec<_> = settled(deleted, &deletes);
        results.extend(settled(released, &releases));
        results.sort_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

/// The settlements of one request, each with its place among all of them.
type Part<'a> = Vec<(usize, &'a Settlement)>;

/// What a batch request did to its entries, by entry id.
struct Answers {
    results: HashMap<String, Result<(), SourceError>>,
    /// For an entry that the answer does not mention.
    forgotten: SourceError,
}

impl Answers {
    fn new(call: Call<'_>, done: Vec<String>, failed: Vec<BatchResultErrorEntry>) -> Self {
        let done = done.into_iter().map(|id| (id, Ok(())));
        let failed = failed.into_iter().map(|entry| {
            let error = call.refused(Some(&entry.code), entry.message.as_deref(), None);
            (entry.id, Err(error))
        });
        let results = done.chain(failed).collect();
        Self {
            results,
            forgotten: call.incomplete("a result for every entry"),
        }
    }

    fn in_order(mut self, part: &Part<'_>) -> Vec<Result<(), SourceError>> {
        part.iter().map(|(at, _)| self.take(*at)).collect()
    }

    fn take(&mut self, at: usize) -> Result<(), SourceError> {
        self.results
            .remove(&at.to_string())
            .unwrap_or_else(|| Err(self.forgotten.clone()))
    }
}

/// Returns the result of each settlement in `part`; a request that failed as a whole failed for each.
fn settled(
    answers: Result<Answers, SourceError>,
    part: &Part<'_>,
) -> Vec<(usize, Result<(), SourceError>)> {
    let places = part.iter().map(|(at, _)| *at);
    match answers {
        Ok(mut answers) => places.map(|at| (at, answers.take(at))).collect(),
        Err(error) => places.map(|at| (at, Err(error.clone()))).collect(),
    }
}

/// Rounds up, so that messages are never visible before they should be.
fn whole_seconds(time: Duration) -> i32 {
    let seconds = time
        .as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0));
    number(seconds.min(LONGEST_VISIBILITY))
}

fn number(value: u64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn unbuildable(error: aws_sdk_sqs::error::BuildError) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!("cannot build a batch entry: {error}"),
    )
}

/// Reads `maxReceiveCount` of a redrive policy, which AWS writes as a number and others as text. It only
/// serves explanations, so what cannot be read counts as no policy.
fn max_receive_count(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    match policy.get("maxReceiveCount")? {
        serde_json::Value::String(count) => count.parse().ok(),
        count => count.as_u64()?.try_into().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redrive_limit_is_read_as_number_and_as_text() {
        let policy = |count: &str| {
            format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:d","maxReceiveCount":{count}}}"#
            )
        };
        assert_eq!(max_receive_count(&policy("3")), Some(3));
        assert_eq!(max_receive_count(&policy("\"3\"")), Some(3));
        assert_eq!(max_receive_count(&policy("null")), None);
        assert_eq!(max_receive_count("no policy"), None);
    }
}
