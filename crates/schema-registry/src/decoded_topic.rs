//! A topic whose records are decoded as they are read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::record::{DecodeFailure, KafkaRecord, Schema, Schemas};
use lambda_esm_engine::ports::{
    FailureDestination, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer,
    TopicFetch, TopicPage, TopicSource, Watermarks,
};

use crate::decoder::{Attribute, DecodeError, Decoded, RecordDecoder};
use crate::schema::SchemaMetadata;

/// A topic whose keys and values are decoded. A record that cannot be says so, and is given up by the mapping; while the
/// registry cannot be asked, the partition waits, and nothing is dropped.
pub struct DecodedTopic {
    topic: Arc<dyn TopicSource>,
    decoder: RecordDecoder,
}

impl DecodedTopic {
    /// Returns `topic` with its records decoded.
    #[must_use]
    pub fn new(topic: Arc<dyn TopicSource>, decoder: RecordDecoder) -> Self {
        Self { topic, decoder }
    }
}

#[async_trait]
impl TopicSource for DecodedTopic {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        Ok(Arc::new(DecodingConsumer {
            consumer: self.topic.join(request).await?,
            decoder: self.decoder.clone(),
            undecoded: Mutex::default(),
        }))
    }

    fn bootstrap_servers(&self) -> String {
        self.topic.bootstrap_servers()
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        self.topic.destination(topic).await
    }
}

/// What was read of a partition and waits for the registry.
struct Undelivered {
    owned: OwnedPartition,
    records: VecDeque<KafkaRecord>,
    position: Option<i64>,
}

struct DecodingConsumer {
    consumer: Arc<dyn TopicConsumer>,
    decoder: RecordDecoder,
    undecoded: Mutex<BTreeMap<i32, Undelivered>>,
}

impl DecodingConsumer {
    fn undecoded(&self) -> MutexGuard<'_, BTreeMap<i32, Undelivered>> {
        self.undecoded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, request: TopicFetch) -> Result<Undelivered, SourceError> {
        let owned = request.owned;
        let kept = self.undecoded().remove(&owned.partition);
        if let Some(kept) = kept.filter(|kept| kept.owned == owned) {
            return Ok(kept);
        }
        let page = self.consumer.fetch(request).await?;
        Ok(Undelivered {
            owned,
            records: page.records.into(),
            position: page.position,
        })
    }

    async fn part(
        &self,
        attribute: Attribute,
        bytes: Option<&Bytes>,
    ) -> Result<Option<Decoded>, DecodeError> {
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let decoded = match self.decoder.decode_now(attribute, bytes) {
            Some(decoded) => decoded,
            None => self.decoder.decode(attribute, bytes.clone()).await,
        };
        decoded.map(Some)
    }

    /// Decodes a record, in its place.
    ///
    /// # Errors
    /// Fails if the registry cannot be asked.
    async fn decode(&self, record: &mut KafkaRecord) -> Result<(), String> {
        let parts = async {
            let key = self.part(Attribute::Key, record.key.as_ref()).await?;
            let value = self.part(Attribute::Value, record.value.as_ref()).await?;
            Ok::<_, DecodeError>((key, value))
        };
        let (key, value) = match parts.await {
            Ok(parts) => parts,
            Err(failure) => {
                let condition = match &failure {
                    DecodeError::SchemaNotFound(_) => Condition::SchemaNotFound,
                    DecodeError::Deserialization(_) => Condition::DeserializationError,
                    DecodeError::Unavailable(error) => return Err(error.clone()),
                };
                let because = failure.to_string();
                let failure = DecodeFailure { condition, because };
                let schemas = Schemas::default().with_failure(Some(failure));
                record.schemas = Some(Box::new(schemas));
                return Ok(());
            }
        };
        let mut schemas = Schemas::default();
        if let Some(key) = key {
            schemas.key = key.schema.map(schema);
            record.key = Some(key.payload);
        }
        if let Some(value) = value {
            schemas.value = value.schema.map(schema);
            schemas.filtered_by = (value.json != value.payload).then_some(value.json);
            record.value = Some(value.payload);
        }
        if schemas != Schemas::default() {
            record.schemas = Some(Box::new(schemas));
        }
        Ok(())
    }
}

fn schema(metadata: SchemaMetadata) -> Schema {
    Schema {
        data_format: metadata.data_format.name(),
        id: metadata.schema_id,
    }
}

#[async_trait]
impl TopicConsumer for DecodingConsumer {
    async fn next_event(&self) -> GroupEvent {
        self.consumer.next_event().await
    }

    /// Returns what could be decoded of a page; the rest comes with the next fetch.
    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        let mut read = self.read(request).await?;
        let mut decoded = Vec::with_capacity(read.records.len());
        while let Some(mut record) = read.records.pop_front() {
            if let Err(error) = self.decode(&mut record).await {
                read.records.push_front(record);
                self.undecoded().insert(read.owned.partition, read);
                if decoded.is_empty() {
                    let text = format!("the schema registry cannot be asked: {error}");
                    return Err(SourceError::new(SourceErrorKind::SchemaRegistry, text));
                }
                return Ok(TopicPage::new(decoded, None));
            }
            decoded.push(record);
        }
        Ok(TopicPage::new(decoded, read.position))
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        self.consumer.commit(offsets).await
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        for owned in &partitions {
            self.undecoded().remove(&owned.partition);
        }
        self.consumer.let_go(partitions, offsets).await
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        self.consumer.watermarks().await
    }

    async fn leave(&self) {
        self.consumer.leave().await;
    }
}
