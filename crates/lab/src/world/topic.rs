//! A topic of Kafka.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::memory::{MemoryDestination, MemoryTopic, MemoryTopicOptions, NewRecord};
use lambda_esm_engine::ports::{
    FailureDestination, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer,
    TopicFetch, TopicPage, TopicSource, Watermarks,
};

use super::intake::Intake;
use crate::recorder::RecordId;

/// A topic, and what arrives in it.
#[derive(Clone)]
pub(crate) struct Topic {
    pub(super) intake: Arc<Intake>,
    pub(super) topic: MemoryTopic,
}

impl Topic {
    pub(super) fn new(intake: Arc<Intake>, name: &str, partitions: usize) -> Self {
        let options = MemoryTopicOptions::default().with_partitions(partitions);
        Self {
            topic: MemoryTopic::new(intake.clock, name, options),
            intake,
        }
    }

    /// Drops what was settled the time before that this was called.
    pub(super) fn forget_settled(&self) {
        for (partition, offset) in self.intake.settled_before() {
            let place = i32::try_from(partition)
                .ok()
                .zip(i64::try_from(offset).ok());
            if let Some((partition, offset)) = place {
                // There is such a partition, since records of it were settled.
                drop(self.topic.delete_records(partition, offset));
            }
        }
    }

    pub(super) fn fill(&self) {
        self.intake.fill(|due| {
            let mut times = Vec::new();
            let records = due.map(|(time, arrival)| {
                times.push(time);
                NewRecord::new(arrival.payload)
                    .with_key(Some(Bytes::copy_from_slice(arrival.key.name.as_bytes())))
                    .with_timestamp(Some(time))
            });
            // The topic chooses among its own partitions.
            let places = self.topic.put_many(records).unwrap_or_default().into_iter();
            let ids = places.map(|(partition, offset)| RecordId {
                lane: partition.unsigned_abs(),
                index: offset.unsigned_abs(),
            });
            ids.zip(times).collect()
        });
    }
}

struct Consumer {
    topic: Topic,
    consumer: Arc<dyn TopicConsumer>,
}

#[async_trait]
impl TopicSource for Topic {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        self.intake.call("join")?;
        self.fill();
        Ok(Arc::new(Consumer {
            topic: self.clone(),
            consumer: self.topic.join(request).await?,
        }))
    }

    async fn destination(&self, _: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        Ok(Arc::new(MemoryDestination::new(0)))
    }
}

#[async_trait]
impl TopicConsumer for Consumer {
    async fn next_event(&self) -> GroupEvent {
        self.consumer.next_event().await
    }

    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        let intake = &self.topic.intake;
        intake.call("fetch")?;
        let deadline = intake.clock.now() + request.wait;
        loop {
            self.topic.fill();
            let mut request = request;
            request.wait = deadline.since(intake.clock.now());
            let page = tokio::select! {
                biased;
                page = self.consumer.fetch(request) => page?,
                () = intake.arrival() => continue,
            };
            if page.records.is_empty() {
                intake.found_nothing();
            } else {
                intake.take_call_time().await;
            }
            return Ok(page);
        }
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        self.topic.intake.call("commit")?;
        self.consumer.commit(offsets).await
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        self.consumer.let_go(partitions, offsets).await
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        self.topic.fill();
        self.consumer.watermarks().await
    }

    async fn leave(&self) {
        self.consumer.leave().await;
    }
}
