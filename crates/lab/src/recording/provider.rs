//! Finds sources, and has them recorded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::documentdb::DocumentDbEncoder;
use lambda_esm_core::event::dynamodb::DynamoDbEncoder;
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::event::mq::MqEncoder;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{KafkaCluster, Mapping, MqEngine, Source};
use lambda_esm_engine::ports::{
    PushQueueSource, QueueSource, SourceProvider, StreamSource, TopicSource,
};
use lambda_esm_engine::{Clock, EngineOptions};
use uuid::Uuid;

use super::brokers::{RecordedPushQueue, RecordedTopic};
use super::format::RecordedKind;
use super::options::RecordingOptions;
use super::recorder::{OpenSink, Recorder, header};
use super::sources::{RecordedQueue, RecordedStream, StreamEncoder};

/// More mappings than this are not kept in mind once they are no longer read.
const KEPT: usize = 1_000;

/// The recordings of an engine: one for each mapping, which goes on when its source is looked up anew.
pub struct Recordings {
    clock: Clock,
    engine: EngineOptions,
    began: Timestamp,
    options: Arc<RecordingOptions>,
    open: Arc<OpenSink>,
    known: Mutex<HashMap<Uuid, Arc<Recorder>>>,
}

impl Recordings {
    /// Returns recordings that begin now, and go to what `open` makes: it is called once for each mapping, when its first record
    /// comes. `engine` are the options of the engine whose sources are recorded.
    pub fn new(
        clock: Clock,
        engine: EngineOptions,
        options: RecordingOptions,
        open: Arc<OpenSink>,
    ) -> Self {
        Self {
            clock,
            began: clock.now(),
            engine,
            options: Arc::new(options),
            open,
            known: Mutex::default(),
        }
    }

    /// Returns a provider of the same sources, which are recorded.
    pub fn of(self: &Arc<Self>, provider: Arc<dyn SourceProvider>) -> Arc<dyn SourceProvider> {
        Arc::new(RecordingProvider {
            provider,
            recordings: self.clone(),
        })
    }

    fn recorder(&self, mapping: &Mapping, kind: RecordedKind) -> Arc<Recorder> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, recorder| Arc::strong_count(recorder) > 1);
        }
        let recorder = known.entry(mapping.uuid).or_insert_with(|| {
            let name = match &mapping.source {
                Source::Kafka(kafka) => Some(kafka.topic.clone()),
                Source::Mq(mq) => Some(mq.queue.clone()),
                _ => None,
            };
            let origin = (kind, mapping.source.name(), name);
            let header = header(self.began, origin, mapping.function.name(), &self.options);
            let (options, open) = (self.options.clone(), self.open.clone());
            Arc::new(Recorder::new(self.clock, header, options, open))
        });
        recorder.clone()
    }
}

struct RecordingProvider {
    provider: Arc<dyn SourceProvider>,
    recordings: Arc<Recordings>,
}

#[async_trait]
impl SourceProvider for RecordingProvider {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let Some(source) = self.provider.queue(mapping).await? else {
            return Ok(None);
        };
        let Source::Sqs(sqs) = &mapping.source else {
            return Ok(Some(source));
        };
        let kind = match sqs.fifo {
            true => RecordedKind::SqsFifo,
            false => RecordedKind::Sqs,
        };
        let region = &self.recordings.engine.region;
        Ok(Some(Arc::new(RecordedQueue {
            source,
            recorder: self.recordings.recorder(mapping, kind),
            encoder: SqsEncoder::new(sqs.queue_arn.as_str(), region, !sqs.window.is_zero()),
        })))
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let Some(source) = self.provider.stream(mapping).await? else {
            return Ok(None);
        };
        let EngineOptions {
            region, role_arn, ..
        } = &self.recordings.engine;
        let (kind, encoder) = match &mapping.source {
            Source::Kinesis(kinesis) => {
                let encoder = KinesisEncoder::new(kinesis.stream_arn.as_str(), region, role_arn);
                (RecordedKind::Kinesis, StreamEncoder::Kinesis(encoder))
            }
            Source::DynamoDb(dynamodb) => {
                let encoder = DynamoDbEncoder::new(dynamodb.stream_arn.as_str(), region);
                (RecordedKind::DynamoDb, StreamEncoder::DynamoDb(encoder))
            }
            Source::DocumentDb(documentdb) => {
                let encoder = DocumentDbEncoder::new(documentdb.cluster_arn.as_str());
                (RecordedKind::DocumentDb, StreamEncoder::DocumentDb(encoder))
            }
            _ => return Ok(Some(source)),
        };
        Ok(Some(Arc::new(RecordedStream {
            source,
            recorder: self.recordings.recorder(mapping, kind),
            encoder,
        })))
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        let Some(source) = self.provider.topic(mapping).await? else {
            return Ok(None);
        };
        let Source::Kafka(kafka) = &mapping.source else {
            return Ok(Some(source));
        };
        // Fragments name no server.
        let encoder = match &kafka.cluster {
            KafkaCluster::Msk { arn } => KafkaEncoder::msk(arn.as_str(), "", &kafka.topic),
            _ => KafkaEncoder::self_managed("", &kafka.topic),
        };
        Ok(Some(Arc::new(RecordedTopic {
            source,
            recorder: self.recordings.recorder(mapping, RecordedKind::Kafka),
            encoder: Arc::new(encoder),
        })))
    }

    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let Some(source) = self.provider.push_queue(mapping).await? else {
            return Ok(None);
        };
        let Source::Mq(mq) = &mapping.source else {
            return Ok(Some(source));
        };
        let arn = mq.broker_arn.as_str();
        let (kind, encoder) = match source.engine() {
            MqEngine::RabbitMq => {
                let host = mq.virtual_host.as_deref().unwrap_or("/");
                let encoder = MqEncoder::rabbitmq(arn, &mq.queue, host);
                (RecordedKind::RabbitMq, encoder)
            }
            _ => (RecordedKind::ActiveMq, MqEncoder::activemq(arn)),
        };
        Ok(Some(Arc::new(RecordedPushQueue {
            source,
            recorder: self.recordings.recorder(mapping, kind),
            encoder: Arc::new(encoder),
        })))
    }
}
