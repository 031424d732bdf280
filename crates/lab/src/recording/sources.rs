//! Sources that are recorded: they pass everything on, and each record is kept at its first delivery.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::documentdb::DocumentDbEncoder;
use lambda_esm_core::event::dynamodb::DynamoDbEncoder;
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, StreamContent, StreamRecord};
use lambda_esm_engine::ports::{
    Cursor, FailureDestination, FetchRequest, Listing, Page, QueueFacts, QueueSource,
    ReceiveRequest, Received, Settlement, ShardId, Start, StreamSource,
};

use super::recorder::{Delivered, Recorder};

/// A queue that is recorded.
pub(super) struct RecordedQueue {
    pub(super) source: Arc<dyn QueueSource>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) encoder: SqsEncoder,
}

#[async_trait]
impl QueueSource for RecordedQueue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.source.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let received = self.source.receive(request).await?;
        for message in &received.messages {
            self.record(message);
        }
        Ok(received)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        self.source.receive_is_cancel_safe()
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.source.settle(settlements).await
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        self.source.lags().await
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        self.source.destination(topic).await
    }

    async fn close(&self) {
        self.source.close().await;
    }
}

impl RecordedQueue {
    fn record(&self, message: &QueueMessage) {
        let QueueContent::Sqs(sqs) = &message.content else {
            return;
        };
        let attribute = |wanted: &str| {
            let mut attributes = sqs.attributes.iter();
            attributes
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let time = |name| Some(Timestamp(attribute(name)?.parse().ok()?));
        // It was recorded, however long ago, if its first receive was after the beginning.
        let again = attribute("ApproximateReceiveCount").is_some_and(|count| count != "1");
        let first = time("ApproximateFirstReceiveTimestamp");
        if again && first.is_some_and(|first| first >= self.recorder.began()) {
            return;
        }
        let delivered = Delivered {
            name: Some(("", &message.id)),
            arrived: time("SentTimestamp"),
            shard: None,
            key: message.group.clone(),
            size: sqs.body.len(),
        };
        self.recorder.record(delivered, |out| {
            // A receipt lets whoever has it delete the message.
            let receipt = Receipt(String::new());
            self.encoder.write(out, &message.id, &receipt, sqs);
        });
    }
}

/// A stream that is recorded.
pub(super) struct RecordedStream {
    pub(super) source: Arc<dyn StreamSource>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) encoder: StreamEncoder,
}

/// Writes the records of one kind of stream.
pub(super) enum StreamEncoder {
    Kinesis(KinesisEncoder),
    DynamoDb(DynamoDbEncoder),
    DocumentDb(DocumentDbEncoder),
}

#[async_trait]
impl StreamSource for RecordedStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        self.source.list().await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        self.source.open(shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let shard = request.shard.clone();
        let page = self.source.fetch(request).await?;
        for record in &page.records {
            self.record(&shard, record);
        }
        Ok(page)
    }
}

impl RecordedStream {
    fn record(&self, shard: &ShardId, record: &StreamRecord) {
        let (key, size) = match &record.content {
            StreamContent::Kinesis(kinesis) => {
                (Some(kinesis.partition_key.to_string()), kinesis.data.len())
            }
            StreamContent::DynamoDb(change) => {
                let image = change.new_image.as_ref().map_or(0, String::len);
                (Some(change.keys.clone()), image)
            }
            StreamContent::Change(change) => (None, change.len()),
            _ => return,
        };
        let delivered = Delivered {
            name: Some((shard.as_str(), &record.sequence)),
            arrived: Some(record.arrival),
            shard: Some(shard.as_str().to_owned()),
            key,
            size,
        };
        self.recorder
            .record(delivered, |out| self.encoder.write(out, shard, record));
    }
}

impl StreamEncoder {
    fn write(&self, out: &mut Vec<u8>, shard: &ShardId, record: &StreamRecord) {
        let (sequence, arrival) = (&record.sequence, record.arrival);
        match (self, &record.content) {
            (Self::Kinesis(encoder), StreamContent::Kinesis(kinesis)) => {
                encoder.write(out, shard, sequence, arrival, kinesis);
            }
            (Self::DynamoDb(encoder), StreamContent::DynamoDb(record)) => {
                let mut change = Vec::new();
                encoder.write_change(&mut change, sequence, arrival, record);
                encoder.write(out, record, &change);
            }
            (Self::DocumentDb(encoder), StreamContent::Change(change)) => {
                encoder.write(out, change);
            }
            // A source that yields another kind of record than its mapping says.
            _ => out.extend_from_slice(b"null"),
        }
    }
}

/// Returns a key as text where it is that, else in Base64.
pub(super) fn shown_key(key: &[u8]) -> String {
    std::str::from_utf8(key).map_or_else(|_| STANDARD.encode(key), str::to_owned)
}
