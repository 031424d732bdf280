//! A mapping's side: receives and settles, with a bound.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::{QueueMessage, Receipt};
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb, Settlement};
use lambda_esm_kafka::KafkaShareGroup;
use tokio::time::{Instant, timeout};

use crate::world::{PATIENCE, Shared};

/// A source that leaves its group when it is closed.
#[derive(Clone)]
pub(crate) struct Member(pub(crate) Arc<KafkaShareGroup>);

impl Deref for Member {
    type Target = KafkaShareGroup;

    fn deref(&self) -> &KafkaShareGroup {
        &self.0
    }
}

impl Shared {
    pub(crate) fn member(&self) -> Member {
        Member(self.source())
    }
}

/// Returns the number that a record's value is.
pub(crate) fn number(message: &QueueMessage) -> usize {
    let record = &message.content.kafka().unwrap().record;
    let value = std::str::from_utf8(record.value.as_deref().unwrap()).unwrap();
    value.parse().unwrap()
}

pub(crate) fn count(message: &QueueMessage) -> u32 {
    message.content.kafka().unwrap().delivery_count
}

impl Member {
    /// Receives once; nothing, if nothing comes within a second.
    pub(crate) async fn try_receive(&self, max: usize) -> Vec<QueueMessage> {
        let request = ReceiveRequest::new(max, Duration::from_secs(1));
        let received = timeout(PATIENCE, self.receive(request))
            .await
            .unwrap()
            .unwrap();
        assert!(received.unreadable.is_empty(), "{received:?}");
        assert!(received.messages.len() <= max, "{received:?}");
        received.messages
    }

    /// Receives so many records.
    pub(crate) async fn receive_all(&self, total: usize) -> Vec<QueueMessage> {
        let end = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        while all.len() < total {
            assert!(Instant::now() < end, "{} of {total} came", all.len());
            all.extend(self.try_receive(total - all.len()).await);
        }
        all
    }

    pub(crate) async fn receive_one(&self) -> QueueMessage {
        self.receive_all(1).await.remove(0)
    }

    /// Settles, and returns the outcomes.
    pub(crate) async fn try_settle(
        &self,
        messages: &[(&QueueMessage, SettleVerb)],
    ) -> Vec<Result<(), SourceErrorKind>> {
        let settlements = messages.iter();
        let settlements: Vec<Settlement> = settlements
            .map(|(message, verb)| Settlement::new(message.receipt.clone(), *verb))
            .collect();
        let settled = timeout(PATIENCE, self.settle(&settlements)).await.unwrap();
        let outcomes = settled.unwrap().into_iter();
        outcomes
            .map(|outcome| outcome.map_err(|error| error.kind))
            .collect()
    }

    /// Settles all alike.
    pub(crate) async fn settle_all(&self, messages: &[QueueMessage], verb: SettleVerb) {
        let all: Vec<_> = messages.iter().map(|message| (message, verb)).collect();
        let outcomes = self.try_settle(&all).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    pub(crate) async fn settle_receipt(
        &self,
        receipt: &str,
        verb: SettleVerb,
    ) -> Result<(), SourceErrorKind> {
        let settlement = Settlement::new(Receipt(receipt.to_owned()), verb);
        let mut settled = self.settle(&[settlement]).await.unwrap();
        settled.remove(0).map_err(|error| error.kind)
    }
}
