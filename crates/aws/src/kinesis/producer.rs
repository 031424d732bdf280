//! Puts records, for load tests.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{NewRecord, Producer, PutLimits};

use super::stream::{KinesisStream, PATIENCE};

/// The most records of one request, and half of the bytes that it may have, for the sake of what stands in for Kinesis
/// (Kinesis API reference, `PutRecords`).
const RECORDS: usize = 500;
const BYTES: usize = 5 * 1024 * 1024;

/// Puts records into a stream.
#[derive(Debug)]
pub struct KinesisProducer {
    stream: KinesisStream,
}

impl KinesisProducer {
    /// Returns one for a stream, or for that of a consumer.
    pub(super) const fn new(stream: KinesisStream) -> Self {
        Self { stream }
    }
}

#[async_trait]
impl Producer for KinesisProducer {
    fn limits(&self) -> PutLimits {
        PutLimits::new(RECORDS, BYTES)
    }

    async fn put(
        &self,
        records: &[NewRecord],
    ) -> Result<Vec<Result<Arc<str>, SourceError>>, SourceError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.stream.call("PutRecords");
        let entries = records.iter().map(|record| {
            let entry = PutRecordsRequestEntry::builder()
                .partition_key(record.key.as_ref())
                .data(Blob::new(record.payload.as_ref()));
            entry.build().map_err(|error| {
                let text = format!("cannot build a batch entry: {error}");
                SourceError::new(SourceErrorKind::Fatal, text)
            })
        });
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        let request = self
            .stream
            .client
            .put_records()
            .stream_name(self.stream.name.stream())
            .stream_arn(self.stream.name.stream_arn())
            .set_records(Some(entries));
        let answer = call.within(PATIENCE, request.send()).await?;
        let mut results: Vec<_> = answer
            .records
            .into_iter()
            .map(|entry| match entry.sequence_number {
                Some(number) => Ok(Arc::from(number)),
                None => Err(call.refused(
                    entry.error_code.as_deref(),
                    entry.error_message.as_deref(),
                    None,
                )),
            })
            .collect();
        results.resize_with(records.len(), || {
            Err(call.incomplete("a result for every record"))
        });
        Ok(results)
    }
}
