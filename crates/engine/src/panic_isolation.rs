//! Calls into code of an embedder: a panic there is the error of that call, and of nothing else.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use lambda_esm_core::fault::{DeliveryError, InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{AwsDestination, FunctionRef, Mapping};
use uuid::Uuid;

use crate::ports::{
    Cursor, DestinationProvider, FailureDestination, FailureRecord, FetchRequest, FunctionFacts,
    InvokeAnswer, InvokeBackend, InvokeRequest, Listing, Page, PushQueueSource, QueueFacts,
    QueueSource, ReceiveRequest, Received, Settlement, ShardId, SourceProvider, Start,
    StreamSource, TopicSource,
};
use crate::store::{Store, StoreError, StoredCheckpoint, StoredMapping};

/// A port whose calls cannot panic. The engine calls every port through one of these.
pub(crate) struct Guarded<P: ?Sized>(Arc<P>);

impl<P: ?Sized> Guarded<P> {
    pub(crate) const fn new(port: Arc<P>) -> Self {
        Self(port)
    }
}

/// Waits for a call, and makes an error of its panic.
async fn caught<T, E>(
    call: impl Future<Output = Result<T, E>> + Send,
    panicked: impl FnOnce() -> E,
) -> Result<T, E> {
    let result = AssertUnwindSafe(call).catch_unwind().await;
    result.unwrap_or_else(|_| Err(panicked()))
}

/// Makes a guarded call. The call is begun inside the guard too: it need not be an `async fn`.
macro_rules! guarded {
    ($self:ident.$call:ident($($argument:expr),*), $panicked:expr) => {
        caught(async { $self.0.$call($($argument),*).await }, || $panicked).await
    };
}

mod push_queue;
mod topic;

fn source_panicked() -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, "the event source panicked")
}

fn provider_panicked() -> SourceError {
    let text = "the provider of event sources panicked";
    SourceError::new(SourceErrorKind::Fatal, text)
}

fn store_panicked() -> StoreError {
    StoreError::Io("the store panicked".to_owned())
}

#[async_trait]
impl QueueSource for Guarded<dyn QueueSource> {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        guarded!(self.describe(), source_panicked())
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        guarded!(self.receive(request), source_panicked())
    }

    fn receive_is_cancel_safe(&self) -> bool {
        let asked = std::panic::catch_unwind(AssertUnwindSafe(|| self.0.receive_is_cancel_safe()));
        asked.unwrap_or(false)
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        guarded!(self.settle(settlements), source_panicked())
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        guarded!(self.lags(), source_panicked())
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let found = guarded!(self.destination(topic), source_panicked())?;
        Ok(Arc::new(Guarded::new(found)))
    }

    async fn close(&self) {
        let closed = AssertUnwindSafe(async { self.0.close().await }).catch_unwind();
        // What panics has nothing left that could be closed.
        drop(closed.await);
    }
}

#[async_trait]
impl StreamSource for Guarded<dyn StreamSource> {
    async fn list(&self) -> Result<Listing, SourceError> {
        guarded!(self.list(), source_panicked())
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        guarded!(self.open(shard, from), source_panicked())
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        guarded!(self.fetch(request), source_panicked())
    }
}

#[async_trait]
impl FailureDestination for Guarded<dyn FailureDestination> {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        guarded!(
            self.deliver(record),
            DeliveryError::new("the destination panicked")
        )
    }
}

#[async_trait]
impl InvokeBackend for Guarded<dyn InvokeBackend> {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        guarded!(
            self.invoke(request),
            InvokeError::function("the backend panicked")
        )
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        guarded!(
            self.describe(function),
            InvokeError::function("the backend panicked when it was asked about the function")
        )
    }
}

#[async_trait]
impl SourceProvider for Guarded<dyn SourceProvider> {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let found = guarded!(self.queue(mapping), provider_panicked())?;
        Ok(found.map(|queue| Arc::new(Guarded::new(queue)) as Arc<dyn QueueSource>))
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let found = guarded!(self.stream(mapping), provider_panicked())?;
        Ok(found.map(|stream| Arc::new(Guarded::new(stream)) as Arc<dyn StreamSource>))
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        let found = guarded!(self.topic(mapping), provider_panicked())?;
        Ok(found.map(|topic| Arc::new(Guarded::new(topic)) as Arc<dyn TopicSource>))
    }

    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let found = guarded!(self.push_queue(mapping), provider_panicked())?;
        found.map(push_queue::guarded).transpose()
    }
}

#[async_trait]
impl DestinationProvider for Guarded<dyn DestinationProvider> {
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        let panicked = DeliveryError::new("the provider of destinations panicked");
        let found = guarded!(self.destination(destination), panicked)?;
        Ok(found.map(|found| Arc::new(Guarded::new(found)) as Arc<dyn FailureDestination>))
    }
}

#[async_trait]
impl Store for Guarded<dyn Store> {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        guarded!(self.load(), store_panicked())
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        guarded!(self.put(mapping), store_panicked())
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        guarded!(self.remove(mapping), store_panicked())
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        guarded!(self.checkpoints(mapping), store_panicked())
    }

    async fn commit(&self, positions: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        guarded!(self.commit(positions), store_panicked())
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        guarded!(self.forget(mapping, partitions), store_panicked())
    }
}
