//! A consumer that a test steers.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::push_queue::{ConsumeRequest, DeliveryOutcome, Outcome};
use lambda_esm_core::record::{PushedContent, PushedMessage, RabbitMqMessage};
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::ports::{PushQueueConsumer, PushQueueSource};
use lambda_esm_rabbitmq::RabbitMqQueue;
use lambda_esm_tests::PATIENCE;
use lambda_esm_tests::rabbitmq::RabbitQueue;
use tokio::time::timeout;

/// Within what time anything that is wrong is told.
pub(crate) const TOLD: Duration = Duration::from_secs(10);
/// How long nothing has to come before it is believed that nothing comes.
const NOTHING: Duration = Duration::from_millis(300);

pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:mq";
pub(crate) const FAILED: Outcome = Outcome::Released { failed: true };

/// Returns a secret that holds a user name and a password.
pub(crate) fn login(username: &str, password: &str) -> Arc<MemorySecrets> {
    let secrets = MemorySecrets::default();
    let text = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
    secrets.put(SECRET, &text).unwrap();
    Arc::new(secrets)
}

/// Returns a queue as one who may do everything consumes it.
pub(crate) fn source(broker: &str, queue: &str) -> RabbitMqQueue {
    let broker = broker.parse().unwrap();
    RabbitMqQueue::new(broker, queue, login("u", "p"), SECRET)
}

/// Returns why a queue cannot be consumed, which is told in time.
pub(crate) async fn refusal(source: &RabbitMqQueue) -> SourceError {
    let refused = timeout(TOLD, source.consume(ConsumeRequest::new(1))).await;
    refused.unwrap().err().unwrap()
}

/// Checks what is told.
#[track_caller]
pub(crate) fn says(
    error: &SourceError,
    kind: SourceErrorKind,
    reason: Option<ReasonCode>,
    texts: &[&str],
) {
    assert_eq!((error.kind, error.reason), (kind, reason), "{error}");
    for text in texts {
        assert!(error.message.contains(text), "{text}: {error}");
    }
}

/// A session of a queue, and what it has delivered.
pub(crate) struct Consumer(pub(crate) Arc<dyn PushQueueConsumer>);

impl Consumer {
    /// Consumes a queue with so many messages at a time.
    pub(crate) async fn of(queue: &RabbitQueue, prefetch: usize) -> Self {
        Self::begin(&source(queue.rabbit().plain(), queue.name()), prefetch).await
    }

    pub(crate) async fn begin(source: &RabbitMqQueue, prefetch: usize) -> Self {
        let begun = timeout(TOLD, source.consume(ConsumeRequest::new(prefetch))).await;
        Self(begun.unwrap().unwrap())
    }

    /// Returns the next `count` messages.
    pub(crate) async fn take(&self, count: usize) -> Vec<PushedMessage> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let next = timeout(PATIENCE, self.0.next()).await;
            taken.extend(next.unwrap().unwrap());
        }
        assert_eq!(taken.len(), count, "{:?}", bodies(&taken));
        taken
    }

    /// Checks that nothing is delivered.
    pub(crate) async fn gets_nothing(&self) {
        let next = timeout(NOTHING, self.0.next()).await;
        assert!(next.is_err(), "{next:?}");
    }

    /// Settles messages.
    pub(crate) async fn settle<'a>(
        &self,
        messages: impl IntoIterator<Item = &'a PushedMessage>,
        outcome: Outcome,
    ) {
        let outcomes = messages.into_iter().map(|message| DeliveryOutcome {
            tag: message.tag,
            outcome,
        });
        self.0.settle(outcomes.collect()).await.unwrap();
    }

    /// Returns what ends the session, which is told in time.
    pub(crate) async fn end(&self, within: Duration) -> SourceError {
        let end = async {
            loop {
                if let Err(end) = self.0.next().await {
                    return end;
                }
            }
        };
        timeout(within, end).await.unwrap()
    }
}

/// Returns what RabbitMQ has delivered.
pub(crate) fn content(message: &PushedMessage) -> &RabbitMqMessage {
    match &message.content {
        PushedContent::RabbitMq(content) => content,
        other => panic!("{other:?}"),
    }
}

/// Returns the texts of messages.
pub(crate) fn bodies(messages: &[PushedMessage]) -> Vec<String> {
    let text = |message| String::from_utf8(content(message).body.to_vec()).unwrap();
    messages.iter().map(text).collect()
}

/// Returns the texts of numbered messages.
pub(crate) fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
