//! One SQS queue.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, Settlement, UnreadableMessage,
};

use super::address::{PATIENCE, QueueAddress};
use super::message::message;
use super::name::QueueName;
use super::responses::{BATCH_LIMIT, ReceiveMessageResponse};
use super::settle::settle;

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
        Ok(
            QueueFacts::new(Duration::from_secs(seconds.min(LONGEST_VISIBILITY)))
                .with_receive_limit(BATCH_LIMIT)
                .with_settle_limit(BATCH_LIMIT)
                .with_longest_wait(if self.address.is_aws() {
                    LONGEST_WAIT
                } else {
                    SHORT_WAIT
                })
                .with_wait_step(Duration::from_secs(1))
                .with_max_receive_count(
                    attributes
                        .get(&QueueAttributeName::RedrivePolicy)
                        .and_then(|policy| max_receive_count(policy)),
                ),
        )
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
            .max_number_of_messages(number(request.max.clamp(1, BATCH_LIMIT) as u64))
            .wait_time_seconds(number(wait))
            .set_visibility_timeout(request.visibility_timeout.map(whole_seconds))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .set_attribute_names(Some(vec![QueueAttributeName::All]))
            .message_attribute_names("All");
        let limit = Duration::from_secs(wait) + PATIENCE;
        let send = |tap| receive.customize().interceptor(tap).send();
        let answer = call.tapped(limit, send).await;
        let answer = self.address.check(answer).await?;
        let response: ReceiveMessageResponse<'_> = call.read(&answer)?;
        let mut received = Received::default();
        let Some(messages) = response.messages else {
            return Ok(received);
        };
        let fifo = self.name().is_fifo();
        for each in messages.values {
            match message(each, fifo) {
                Ok(message) => received.messages.push(message),
                Err(unreadable) => received.unreadable.push(unreadable),
            }
        }
        if messages.beyond > 0 {
            received.unreadable.push(UnreadableMessage::new(
                String::new(),
                format!(
                    "{} are beyond the {BATCH_LIMIT} of one receive",
                    messages.beyond
                ),
            ));
        }
        Ok(received)
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        settle(&self.address, settlements).await
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
