//! Ports that are shared: whoever implements one can register an `Arc` of it, and keep another.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{DeliveryError, InvokeError, SourceError};
use lambda_esm_core::mapping::{AwsDestination, FunctionRef, Mapping, MqEngine};
use uuid::Uuid;

use crate::ports::{
    ConsumeRequest, Cursor, DestinationProvider, FailureDestination, FailureRecord, FetchRequest,
    FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, JoinRequest, Listing, Page,
    PushQueueConsumer, PushQueueSource, QueueFacts, QueueSource, ReceiveRequest, Received,
    Settlement, ShardId, SourceProvider, Start, StreamSource, TopicConsumer, TopicSource,
};
use crate::store::{Store, StoreError, StoredCheckpoint, StoredMapping};

#[async_trait]
impl<P: QueueSource + ?Sized> QueueSource for Arc<P> {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        (**self).describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        (**self).receive(request).await
    }

    fn receive_is_cancel_safe(&self) -> bool {
        (**self).receive_is_cancel_safe()
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        (**self).settle(settlements).await
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        (**self).lags().await
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        (**self).destination(topic).await
    }

    async fn close(&self) {
        (**self).close().await;
    }
}

#[async_trait]
impl<P: StreamSource + ?Sized> StreamSource for Arc<P> {
    async fn list(&self) -> Result<Listing, SourceError> {
        (**self).list().await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        (**self).open(shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        (**self).fetch(request).await
    }
}

#[async_trait]
impl<P: TopicSource + ?Sized> TopicSource for Arc<P> {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        (**self).join(request).await
    }

    fn bootstrap_servers(&self) -> String {
        (**self).bootstrap_servers()
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        (**self).destination(topic).await
    }
}

#[async_trait]
impl<P: PushQueueSource + ?Sized> PushQueueSource for Arc<P> {
    fn engine(&self) -> MqEngine {
        (**self).engine()
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        (**self).consume(request).await
    }
}

#[async_trait]
impl<P: FailureDestination + ?Sized> FailureDestination for Arc<P> {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        (**self).deliver(record).await
    }
}

#[async_trait]
impl<P: InvokeBackend + ?Sized> InvokeBackend for Arc<P> {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        (**self).invoke(request).await
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        (**self).describe(function).await
    }
}

#[async_trait]
impl<P: SourceProvider + ?Sized> SourceProvider for Arc<P> {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        (**self).queue(mapping).await
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        (**self).stream(mapping).await
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        (**self).topic(mapping).await
    }

    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        (**self).push_queue(mapping).await
    }
}

#[async_trait]
impl<P: DestinationProvider + ?Sized> DestinationProvider for Arc<P> {
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        (**self).destination(destination).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        (**self).load().await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        (**self).put(mapping).await
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        (**self).remove(mapping).await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        (**self).checkpoints(mapping).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        (**self).commit(checkpoints).await
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        (**self).forget(mapping, partitions).await
    }
}
