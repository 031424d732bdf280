//! A queue, its consumers, and what they get.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_activemq::{ActiveMqQueue, BrokerAddress};
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{ActiveMqMessage, PushedContent};
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, Outcome, PushQueueConsumer, PushQueueSource, PushedMessage,
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::activemq::Jms;
use crate::servers::variable;

/// The secret of the user who may do everything.
pub(crate) const ADMIN: &str = "admin";
/// The secret of the user who may read queues whose names begin with "open.", and make none.
pub(crate) const READER: &str = "reader";

/// Longer than anything takes that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough to see whether anything comes that must not.
pub(crate) const NOTHING: Duration = Duration::from_millis(500);

pub(crate) const FAILED: Outcome = Outcome::Released { failed: true };
pub(crate) const RELEASED: Outcome = Outcome::Released { failed: false };

/// Returns secrets of both users.
pub(crate) fn secrets() -> Arc<MemorySecrets> {
    let secrets = MemorySecrets::default();
    for user in [ADMIN, READER] {
        let text = format!(r#"{{"username":"{user}","password":"{user}-secret"}}"#);
        secrets.put(user, &text).unwrap();
    }
    Arc::new(secrets)
}

/// Returns the source of a queue, for one of the users.
pub(crate) fn source(address: &str, queue: &str, user: &str) -> ActiveMqQueue {
    let address: BrokerAddress = address.parse().unwrap();
    ActiveMqQueue::new(address, queue, secrets(), user)
}

/// A queue that no other test uses.
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) source: ActiveMqQueue,
    pub(crate) jms: Jms,
}

impl Queue {
    /// Returns one of the broker that all tests share, or says that the test is skipped.
    pub(crate) fn shared() -> Option<Self> {
        let address = format!("amqp://{}", variable("LAMBDA_ESM_TEST_ACTIVEMQ")?);
        Some(Self::at(&address, Jms::shared()?))
    }

    /// Returns one of a broker at this address.
    pub(crate) fn at(address: &str, jms: Jms) -> Self {
        let name = format!("test-{}", Uuid::new_v4().simple());
        let source = source(address, &name, ADMIN);
        Self { name, source, jms }
    }

    /// Returns the same queue, consumed by another way.
    pub(crate) fn through(&self, address: &str) -> Self {
        let (name, jms) = (self.name.clone(), self.jms.clone());
        let source = source(address, &name, ADMIN);
        Self { name, source, jms }
    }

    pub(crate) async fn fill(&self, count: usize) {
        self.jms.fill(&self.name, count).await;
    }

    pub(crate) async fn consume(&self, prefetch: usize) -> Consumer {
        Consumer(consume(&self.source, prefetch).await.unwrap())
    }
}

pub(crate) async fn consume(
    source: &ActiveMqQueue,
    prefetch: usize,
) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
    source.consume(ConsumeRequest::new(prefetch)).await
}

pub(crate) struct Consumer(pub(crate) Arc<dyn PushQueueConsumer>);

impl Consumer {
    /// Takes `count` messages, however they come, and no more.
    pub(crate) async fn take(&self, count: usize) -> Vec<PushedMessage> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let next = timeout(PATIENCE, self.0.next()).await;
            messages.extend(next.expect("messages are there").unwrap());
        }
        assert_eq!(messages.len(), count);
        messages
    }

    pub(crate) async fn nothing_comes(&self) {
        let next = timeout(NOTHING, self.0.next()).await;
        assert!(next.is_err(), "{next:?}");
    }

    pub(crate) async fn settle(&self, messages: &[PushedMessage], outcome: Outcome) {
        let outcomes = messages.iter().map(|message| DeliveryOutcome {
            tag: message.tag,
            outcome,
        });
        self.0.settle(outcomes.collect()).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}

/// Returns the message in terms of JMS.
pub(crate) fn jms(message: &PushedMessage) -> &ActiveMqMessage {
    match &message.content {
        PushedContent::ActiveMq(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Returns the texts of messages.
pub(crate) fn texts(messages: &[PushedMessage]) -> Vec<String> {
    let text = |message| String::from_utf8(jms(message).body.to_vec()).unwrap();
    messages.iter().map(text).collect()
}

/// Returns texts of numbers.
pub(crate) fn numbers(range: impl IntoIterator<Item = usize>) -> Vec<String> {
    range.into_iter().map(|number| number.to_string()).collect()
}

/// Returns how many deliveries of each had failed before.
pub(crate) fn failures(messages: &[PushedMessage]) -> Vec<u32> {
    messages
        .iter()
        .map(|message| message.failed_deliveries)
        .collect()
}
