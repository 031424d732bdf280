//! Queues of brokers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;

use super::{Guarded, caught, source_panicked};
use crate::ports::{
    ConsumeRequest, DeliveryOutcome, PushQueueConsumer, PushQueueSource, PushedMessage,
};

/// A source whose engine is known, and whose calls cannot panic.
struct GuardedQueue {
    engine: MqEngine,
    source: Guarded<dyn PushQueueSource>,
}

/// Guards a source. Fails if it panics when it is asked which broker it is.
pub(super) fn guarded(
    source: Arc<dyn PushQueueSource>,
) -> Result<Arc<dyn PushQueueSource>, SourceError> {
    let asked = std::panic::catch_unwind(AssertUnwindSafe(|| source.engine()));
    Ok(Arc::new(GuardedQueue {
        engine: asked.map_err(|_| source_panicked())?,
        source: Guarded::new(source),
    }))
}

#[async_trait]
impl PushQueueSource for GuardedQueue {
    fn engine(&self) -> MqEngine {
        self.engine
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        let source = &self.source.0;
        let call = async { source.consume(request).await };
        let consumer = caught(call, source_panicked).await?;
        Ok(Arc::new(Guarded::new(consumer)))
    }
}

#[async_trait]
impl PushQueueConsumer for Guarded<dyn PushQueueConsumer> {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        guarded!(self.next(), source_panicked())
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        guarded!(self.settle(outcomes), source_panicked())
    }

    async fn stop(&self) -> Result<(), SourceError> {
        guarded!(self.stop(), source_panicked())
    }

    async fn close(&self) {
        let closed = AssertUnwindSafe(async { self.0.close().await });
        // One that panics is dropped, which ends its session, too.
        drop(closed.catch_unwind().await);
    }
}
