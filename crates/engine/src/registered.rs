//! What an embedder has registered by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{DeliveryError, SourceError};
use lambda_esm_core::mapping::{Arn, AwsDestination, Mapping, Source};

use crate::ports::{
    DestinationProvider, FailureDestination, PushQueueSource, QueueSource, SourceProvider,
    StreamSource, TopicSource,
};

/// Sources and destinations registered by name.
#[derive(Default)]
pub(crate) struct Registered {
    pub(crate) queues: BTreeMap<String, Arc<dyn QueueSource>>,
    pub(crate) share_groups: BTreeMap<String, Arc<dyn QueueSource>>,
    pub(crate) streams: BTreeMap<String, Arc<dyn StreamSource>>,
    pub(crate) topics: BTreeMap<String, Arc<dyn TopicSource>>,
    pub(crate) push_queues: BTreeMap<String, Arc<dyn PushQueueSource>>,
    pub(crate) destinations: BTreeMap<String, Arc<dyn FailureDestination>>,
}

#[async_trait]
impl SourceProvider for Registered {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        if let Source::Kafka(kafka) = &mapping.source {
            return Ok(self.share_groups.get(&kafka.topic).cloned());
        }
        Ok(mapping.source.arn().and_then(|arn| find(&self.queues, arn)))
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        Ok(mapping
            .source
            .arn()
            .and_then(|arn| find(&self.streams, arn)))
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        let Source::Kafka(kafka) = &mapping.source else {
            return Ok(None);
        };
        Ok(self.topics.get(&kafka.topic).cloned())
    }

    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let Source::Mq(mq) = &mapping.source else {
            return Ok(None);
        };
        Ok(self.push_queues.get(&mq.queue).cloned())
    }
}

#[async_trait]
impl DestinationProvider for Registered {
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        Ok(find(&self.destinations, destination.arn()))
    }
}

/// Returns what is registered for an ARN.
fn find<T: ?Sized>(registered: &BTreeMap<String, Arc<T>>, arn: &Arn) -> Option<Arc<T>> {
    let mut names = names(arn).into_iter();
    names.find_map(|name| registered.get(name).cloned())
}

/// Returns the names under which an ARN's resource may be registered: all of the ARN, its last part, a consumer's
/// name, and the name of its resource.
pub(crate) fn names(arn: &Arn) -> [&str; 4] {
    let text = arn.as_str();
    let last = text.rsplit([':', '/']).next().unwrap_or(text);
    // A consumer's name stands between its stream and the time at which it was made.
    let consumer = arn
        .resource()
        .split_once("/consumer/")
        .map(|(_, name)| name);
    let consumer = consumer.and_then(|name| name.split(':').next());
    [text, last, consumer.unwrap_or(last), arn.resource_name()]
}
