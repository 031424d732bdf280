//! Sends messages, for load tests.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{NewRecord, Producer, PutLimits};

use super::address::{PATIENCE, QueueAddress};
use super::responses::BATCH_LIMIT;

/// The bytes of one request: what stand-ins take, too. SQS itself takes 1 MiB (SQS API reference, `SendMessageBatch`).
const BYTES: usize = 256 * 1024;

/// Sends messages to a queue.
#[derive(Debug)]
pub struct SqsProducer {
    address: QueueAddress,
}

impl SqsProducer {
    /// Returns one for the queue at `address`.
    pub(super) const fn new(address: QueueAddress) -> Self {
        Self { address }
    }
}

#[async_trait]
impl Producer for SqsProducer {
    fn limits(&self) -> PutLimits {
        PutLimits::new(BATCH_LIMIT, BYTES)
    }

    async fn put(
        &self,
        records: &[NewRecord],
    ) -> Result<Vec<Result<Arc<str>, SourceError>>, SourceError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.address.call("SendMessageBatch");
        let fifo = self.address.name().is_fifo();
        let entries: Vec<_> = records
            .iter()
            .enumerate()
            .map(|(at, record)| entry(at, record, fifo))
            .collect::<Result<_, _>>()?;
        let request = self
            .address
            .client()
            .send_message_batch()
            .queue_url(self.address.url().await?)
            .set_entries(Some(entries));
        let answer = call.within(PATIENCE, request.send()).await;
        let answer = self.address.check(answer).await?;
        let sent = answer.successful.into_iter();
        let mut results: HashMap<String, Result<Arc<str>, SourceError>> = sent
            .map(|entry| (entry.id, Ok(Arc::from(entry.message_id))))
            .collect();
        for failed in answer.failed {
            let error = call.refused(Some(&failed.code), failed.message.as_deref(), None);
            results.insert(failed.id, Err(error));
        }
        let missing = || Err(call.incomplete("a result for every entry"));
        Ok((0..records.len())
            .map(|at| results.remove(&at.to_string()).unwrap_or_else(missing))
            .collect())
    }
}

fn entry(
    at: usize,
    record: &NewRecord,
    fifo: bool,
) -> Result<SendMessageBatchRequestEntry, SourceError> {
    let refused = |text: String| SourceError::new(SourceErrorKind::Fatal, text);
    let body = std::str::from_utf8(&record.payload)
        .map_err(|error| refused(format!("a message's body must be text: {error}")))?;
    let entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(body);
    let entry = if fifo {
        entry
            .message_group_id(record.key.as_ref())
            .message_deduplication_id(record.name.as_ref())
    } else {
        entry
    };
    entry
        .build()
        .map_err(|error| refused(format!("cannot build a batch entry: {error}")))
}
