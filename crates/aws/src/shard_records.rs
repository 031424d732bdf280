//! Records of a shard, as `GetRecords` of Kinesis and of DynamoDB Streams gives them.

use std::sync::Arc;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{StreamContent, StreamRecord, Unreadable};
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::Start;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::Call;
use crate::json::{Name, replace_lone_surrogates};

/// The sequence numbers of a shard; only a closed one has an end (Kinesis API reference,
/// `SequenceNumberRange`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SequenceNumberRange {
    pub(crate) ending_sequence_number: Option<Name>,
}

/// How the records of one service are read from their JSON.
pub(crate) struct RecordFormat {
    /// Reads the sequence number, and nothing else.
    pub(crate) sequence: fn(&str) -> Option<Name>,
    /// What a record without one lacks; ends an error message.
    pub(crate) missing: &'static str,
    /// Reads the time of arrival and the content. Fails in words.
    pub(crate) content: fn(&str) -> Result<(Timestamp, StreamContent), String>,
}

impl RecordFormat {
    /// Returns a record as it came, at `time` by the server's clock. One that cannot be read is still a record, of
    /// which no more is known than its sequence number.
    ///
    /// # Errors
    /// Fails if it lacks its sequence number, without which nothing can be read after it.
    pub(crate) fn read(
        &self,
        raw: &RawValue,
        time: Option<Timestamp>,
        call: Call<'_>,
    ) -> Result<StreamRecord, SourceError> {
        let json = replace_lone_surrogates(raw.get());
        let sequence = (self.sequence)(&json).filter(|sequence| !sequence.0.is_empty());
        let Some(sequence) = sequence else {
            return Err(call.incomplete(self.missing));
        };
        let (arrival, content) = (self.content)(&json).unwrap_or_else(|because| {
            let json = json.into_owned();
            let unreadable = Box::new(Unreadable::new(because, json));
            // It did not arrive later.
            let arrival = time.unwrap_or_default();
            (arrival, StreamContent::Unreadable(unreadable))
        });
        Ok(StreamRecord::new(Arc::from(sequence.0), arrival, content))
    }
}

impl Call<'_> {
    /// Checks that a page with so many records, which was read at `cursor`, says that the next one is elsewhere.
    ///
    /// # Errors
    /// Fails if the same records would come again for ever.
    pub(crate) fn check_progress(
        self,
        cursor: &str,
        next: Option<&str>,
        records: usize,
    ) -> Result<(), SourceError> {
        if records == 0 || next != Some(cursor) {
            return Ok(());
        }
        let cause = format!("its NextShardIterator is the one that led to its {records} records");
        Err(self.unreadable(Some(200), &[], &cause))
    }
}

/// Returns the error for a beginning that this version knows nothing of.
pub(crate) fn unknown_start(start: &Start) -> SourceError {
    let text = format!("reading cannot begin with {start}");
    SourceError::new(SourceErrorKind::Fatal, text)
}
