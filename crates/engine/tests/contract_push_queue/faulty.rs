//! A queue with a fault, around one without.

use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::PushedContent;
use lambda_esm_engine::memory::MemoryPushQueue;
use lambda_esm_engine::ports::{ConsumeRequest, PushQueueConsumer, PushQueueSource};

use crate::consumer::FaultyConsumer;
use crate::fault::Fault;

pub(crate) struct FaultyQueue {
    queue: MemoryPushQueue,
    fault: Fault,
    common: Arc<Common>,
}

/// What the consumers of a queue have in common.
#[derive(Default)]
pub(crate) struct Common {
    /// Sessions that should be over.
    pub(crate) kept: Mutex<Vec<Arc<dyn PushQueueConsumer>>>,
    /// What the first consumer was given.
    pub(crate) given: Mutex<Vec<PushedContent>>,
}

impl FaultyQueue {
    pub(crate) fn new(queue: MemoryPushQueue, fault: Fault) -> Self {
        Self {
            queue,
            fault,
            common: Arc::default(),
        }
    }
}

#[async_trait]
impl PushQueueSource for FaultyQueue {
    fn engine(&self) -> MqEngine {
        match (self.fault, self.queue.engine()) {
            (Fault::EngineWrong, MqEngine::RabbitMq) => MqEngine::ActiveMq,
            (_, engine) => engine,
        }
    }

    async fn consume(
        &self,
        mut request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        match self.fault {
            Fault::ConsumeHangs => pending().await,
            Fault::PrefetchIgnored => request.prefetch *= 100,
            Fault::PrefetchOneMore => request.prefetch += 1,
            _ => {}
        }
        let is_second = self.queue.consumers() > 0;
        let consumed = self.queue.consume(request).await;
        let inner = match (self.fault, consumed) {
            (Fault::MissingIsConsumed, Err(_)) => {
                self.queue.set_problem(None);
                self.queue.consume(request).await?
            }
            (Fault::MissingIsTransient, Err(mut error)) => {
                error.kind = SourceErrorKind::Transient;
                return Err(error);
            }
            (_, consumed) => consumed?,
        };
        if is_second && self.fault == Fault::OneHasAll {
            inner.stop().await?;
        }
        let (queue, common) = (self.queue.clone(), self.common.clone());
        let consumer = FaultyConsumer::new(inner, queue, self.fault, common, is_second);
        Ok(Arc::new(consumer))
    }
}
