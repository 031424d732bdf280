//! Topics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use lambda_esm_core::fault::SourceError;

use super::{Guarded, caught, source_panicked};
use crate::ports::{
    FailureDestination, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer,
    TopicFetch, TopicPage, TopicSource, Watermarks,
};

/// How long a consumer is left alone that panicked when it was asked what happens to its group.
const PANICKED_WAIT: Duration = Duration::from_secs(1);

#[async_trait]
impl TopicSource for Guarded<dyn TopicSource> {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        let consumer = guarded!(self.join(request), source_panicked())?;
        Ok(Arc::new(Guarded::new(consumer)))
    }

    fn bootstrap_servers(&self) -> String {
        let asked = std::panic::catch_unwind(AssertUnwindSafe(|| self.0.bootstrap_servers()));
        asked.unwrap_or_default()
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let found = guarded!(self.destination(topic), source_panicked())?;
        Ok(Arc::new(Guarded::new(found)))
    }
}

#[async_trait]
impl TopicConsumer for Guarded<dyn TopicConsumer> {
    async fn next_event(&self) -> GroupEvent {
        let asked = AssertUnwindSafe(async { self.0.next_event().await });
        match asked.catch_unwind().await {
            Ok(event) => event,
            Err(_) => {
                tokio::time::sleep(PANICKED_WAIT).await;
                GroupEvent::Problem(source_panicked())
            }
        }
    }

    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        guarded!(self.fetch(request), source_panicked())
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        guarded!(self.commit(offsets), source_panicked())
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        guarded!(self.let_go(partitions, offsets), source_panicked())
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        guarded!(self.watermarks(), source_panicked())
    }

    async fn leave(&self) {
        let left = AssertUnwindSafe(async { self.0.leave().await });
        // One that panics is dropped, and leaves so.
        drop(left.catch_unwind().await);
    }
}
