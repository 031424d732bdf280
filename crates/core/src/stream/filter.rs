//! `FilterCriteria`: which records are delivered. Those that are not count as settled (Lambda developer guide, "Control
//! which events Lambda sends to your function").

use std::sync::Arc;

use lambda_esm_filter::{Mismatch, Record, Scratch};

use super::config::StreamConfig;
use super::context::Context;
use crate::decision::Decision;
use crate::record::{StreamContent, StreamRecord};

/// The filters at work on the records of a page, with what they work with from record to record.
#[derive(Debug, Default)]
pub(super) struct RecordFilter {
    scratch: Scratch,
    metadata: Vec<u8>,
    /// The `dynamodb` object of the record in hand.
    change: Vec<u8>,
    /// How many records of the page were filtered out, and the last of them.
    skipped: usize,
    last_skipped: Option<Arc<str>>,
}

impl RecordFilter {
    /// Tells whether a record is to be delivered. One that is not is told of: at once in detail, else with all
    /// [of its page](Self::end_page).
    pub(super) fn passes(&mut self, ctx: &mut Context<'_>, record: &StreamRecord) -> bool {
        let config = ctx.config;
        config.encoder.write_change(&mut self.change, record);
        let Some(filters) = &config.filters else {
            return true;
        };
        let needed = filters.needs_metadata(config.encoder.data_key());
        self.metadata.clear();
        if needed {
            let metadata = &mut self.metadata;
            config.encoder.write_metadata(metadata, &ctx.shard, record);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        let seen = seen(config, record, &self.change, metadata);
        let passes = filters.matches_record(&seen, &mut self.scratch).is_some();
        if !passes && !config.detail {
            self.skipped += 1;
            self.last_skipped = Some(record.sequence.clone());
        } else if !passes {
            ctx.report(Decision::Skipped {
                shard: ctx.shard.clone(),
                records: 1,
                because: explain(ctx, record),
                sequence_number: record.sequence.to_string(),
            });
        }
        passes
    }

    /// Returns the `dynamodb` object of the record that was looked at last.
    pub(super) fn change(&self) -> &[u8] {
        &self.change
    }

    /// Tells of the records of a page that were filtered out.
    pub(super) fn end_page(self, ctx: &mut Context<'_>) {
        if let Some(last) = self.last_skipped {
            ctx.report(Decision::Skipped {
                shard: ctx.shard.clone(),
                records: self.skipped,
                sequence_number: last.to_string(),
                because: String::new(),
            });
        }
    }
}

/// Returns a record as filters see it.
fn seen<'a>(
    config: &StreamConfig,
    record: &'a StreamRecord,
    change: &'a [u8],
    metadata: &'a [&'a [u8]],
) -> Record<'a> {
    Record {
        data_key: config.encoder.data_key(),
        data: match &record.content {
            StreamContent::Kinesis(kinesis) => &kinesis.data,
            StreamContent::Change(text) => text.as_bytes(),
            StreamContent::DynamoDb(_) | StreamContent::Unreadable(_) => change,
        },
        metadata,
        on_mismatch: Mismatch::Drop,
    }
}

/// Returns why a record passes no filter, in words.
fn explain(ctx: &Context<'_>, record: &StreamRecord) -> String {
    let config = ctx.config;
    let Some(filters) = &config.filters else {
        return String::new();
    };
    let (mut metadata, mut change) = (Vec::new(), Vec::new());
    config
        .encoder
        .write_metadata(&mut metadata, &ctx.shard, record);
    config.encoder.write_change(&mut change, record);
    let explanation = filters.explain_record(&seen(config, record, &change, &[&metadata]));
    let explanation = explanation.to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}
