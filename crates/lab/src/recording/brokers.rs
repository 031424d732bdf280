//! Topics and queues of brokers that are recorded.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::event::mq::MqEncoder;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{KafkaRecord, PushedContent};
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, FailureDestination, GroupEvent, JoinRequest, OwnedPartition,
    PartitionOffset, PushQueueConsumer, PushQueueSource, PushedMessage, TopicConsumer, TopicFetch,
    TopicPage, TopicSource, Watermarks,
};

use super::recorder::{Delivered, Recorder};
use super::sources::shown_key;

/// A topic that is recorded, and its consumers.
pub(super) struct RecordedTopic<S: ?Sized> {
    pub(super) source: Arc<S>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) encoder: Arc<KafkaEncoder>,
}

#[async_trait]
impl TopicSource for RecordedTopic<dyn TopicSource> {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        let source = self.source.join(request).await?;
        Ok(Arc::new(RecordedTopic {
            source,
            recorder: self.recorder.clone(),
            encoder: self.encoder.clone(),
        }))
    }

    fn bootstrap_servers(&self) -> String {
        self.source.bootstrap_servers()
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        self.source.destination(topic).await
    }
}

#[async_trait]
impl TopicConsumer for RecordedTopic<dyn TopicConsumer> {
    async fn next_event(&self) -> GroupEvent {
        self.source.next_event().await
    }

    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        let page = self.source.fetch(request).await?;
        for record in &page.records {
            self.record(request.owned.partition, record);
        }
        Ok(page)
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        self.source.commit(offsets).await
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        self.source.let_go(partitions, offsets).await
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        self.source.watermarks().await
    }

    async fn leave(&self) {
        self.source.leave().await;
    }
}

impl RecordedTopic<dyn TopicConsumer> {
    fn record(&self, partition: i32, record: &KafkaRecord) {
        let shard = partition.to_string();
        // A topic that is made anew has the same offsets again.
        let place = format!("{}@{}", record.offset, record.timestamp.millis());
        let delivered = Delivered {
            name: Some((&shard, &place)),
            arrived: Some(record.timestamp).filter(|time| time.millis() > 0),
            shard: Some(shard.clone()),
            key: record.key.as_deref().map(shown_key),
            size: record.value.as_ref().map_or(0, bytes::Bytes::len),
        };
        self.recorder
            .record(delivered, |out| self.encoder.write(out, partition, record));
    }
}

/// A broker's queue that is recorded, and its consumers.
pub(super) struct RecordedPushQueue<S: ?Sized> {
    pub(super) source: Arc<S>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) encoder: Arc<MqEncoder>,
}

#[async_trait]
impl PushQueueSource for RecordedPushQueue<dyn PushQueueSource> {
    fn engine(&self) -> MqEngine {
        self.source.engine()
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        let source = self.source.consume(request).await?;
        Ok(Arc::new(RecordedPushQueue {
            source,
            recorder: self.recorder.clone(),
            encoder: self.encoder.clone(),
        }))
    }
}

#[async_trait]
impl PushQueueConsumer for RecordedPushQueue<dyn PushQueueConsumer> {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let messages = self.source.next().await?;
        for message in &messages {
            self.record(message);
        }
        Ok(messages)
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        self.source.settle(outcomes).await
    }

    async fn stop(&self) -> Result<(), SourceError> {
        self.source.stop().await
    }

    async fn close(&self) {
        self.source.close().await;
    }
}

impl RecordedPushQueue<dyn PushQueueConsumer> {
    /// Records a message that the broker says it delivers for the first time. Few publishers name their messages, so
    /// that others cannot be told apart.
    fn record(&self, message: &PushedMessage) {
        let (redelivered, arrived, size) = match &message.content {
            PushedContent::RabbitMq(rabbit) => {
                let seconds = rabbit.properties.timestamp;
                let millis =
                    seconds.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1000));
                (rabbit.redelivered, millis.map(Timestamp), rabbit.body.len())
            }
            PushedContent::ActiveMq(active) => {
                (active.redelivered, active.timestamp, active.body.len())
            }
            _ => return,
        };
        if redelivered || message.failed_deliveries > 0 {
            return;
        }
        let delivered = Delivered {
            name: None,
            arrived,
            shard: None,
            key: None,
            size,
        };
        self.recorder.record(delivered, |out| {
            self.encoder.write(out, &message.content);
        });
    }
}
