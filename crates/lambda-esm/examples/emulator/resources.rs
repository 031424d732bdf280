//! The queues and streams of the emulator, by name, and how the engine finds them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_esm::Clock;
use lambda_esm::async_trait::async_trait;
use lambda_esm::fault::{DeliveryError, SourceError};
use lambda_esm::mapping::{AwsDestination, Mapping};
use lambda_esm::ports::{
    DestinationProvider, FailureDestination, FailureRecord, QueueSource, SourceProvider,
    StreamSource,
};

use crate::queue::Queue;
use crate::stream::Stream;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "000000000000";

#[derive(Default)]
struct Named {
    queues: BTreeMap<String, Arc<Queue>>,
    streams: BTreeMap<String, Arc<Stream>>,
}

pub(crate) struct Resources {
    clock: Clock,
    named: Mutex<Named>,
}

impl Resources {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            named: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Named> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a queue, unless there is one of that name. Returns its ARN.
    pub(crate) fn make_queue(&self, name: &str) -> String {
        let queue = || Arc::new(Queue::new(self.clock));
        self.lock()
            .queues
            .entry(name.to_owned())
            .or_insert_with(queue);
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    }

    /// Makes a stream, unless there is one of that name. Returns its ARN.
    pub(crate) fn make_stream(&self, name: &str) -> String {
        let stream = || Arc::new(Stream::new(self.clock));
        self.lock()
            .streams
            .entry(name.to_owned())
            .or_insert_with(stream);
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")
    }

    pub(crate) fn queue(&self, name: &str) -> Option<Arc<Queue>> {
        self.lock().queues.get(name).cloned()
    }

    pub(crate) fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        self.lock().streams.get(name).cloned()
    }

    pub(crate) fn queues(&self) -> usize {
        self.lock().queues.len()
    }
}

/// `None` says that there is no such queue or stream: a mapping waits for it.
#[async_trait]
impl SourceProvider for Resources {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let arn = mapping.source.arn();
        let queue = arn.and_then(|arn| self.queue(arn.resource_name()));
        Ok(queue.map(|queue| queue as Arc<dyn QueueSource>))
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let arn = mapping.source.arn();
        let stream = arn.and_then(|arn| self.stream(arn.resource_name()));
        Ok(stream.map(|stream| stream as Arc<dyn StreamSource>))
    }
}

/// On-failure destinations are the emulator's queues.
#[async_trait]
impl DestinationProvider for Resources {
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        let AwsDestination::Sqs(arn) = destination else {
            return Ok(None);
        };
        let queue = self.queue(arn.resource_name()).map(ToQueue);
        Ok(queue.map(|queue| Arc::new(queue) as Arc<dyn FailureDestination>))
    }
}

pub(crate) struct ToQueue(pub(crate) Arc<Queue>);

#[async_trait]
impl FailureDestination for ToQueue {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        self.0.send(String::from_utf8_lossy(&record.body));
        Ok(())
    }
}
