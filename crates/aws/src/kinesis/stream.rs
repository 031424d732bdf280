//! One Kinesis stream, read with the throughput that all its readers share.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::DateTime;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::stream::Pages;
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts, StreamSource,
};

use super::failure::KINESIS;
use super::name::KinesisName;
use super::record::{RECORD, behind, children, shard, timestamp};
use super::responses::{
    DescribeStreamSummaryResponse, FETCH_LIMIT, GetRecordsResponse, ListShardsResponse,
};
use super::start::KinesisStart;
use crate::failure::Call;
use crate::json::LimitedList;
use crate::service_endpoint::ServiceEndpoint;

/// How often an idle shard is read (Lambda developer guide, "Using Lambda with Kinesis").
const BASE_INTERVAL: Duration = Duration::from_secs(1);
/// Reads of a shard in a second (Kinesis API reference, `GetRecords`).
const READS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).expect("5 is not 0");
/// `ApproximateArrivalTimestamp` has milliseconds (Kinesis API reference, `Record`).
const GRAIN: Duration = Duration::from_millis(1);
/// The longest retention, in hours: 365 days (Kinesis API reference, `IncreaseStreamRetentionPeriod`).
const LONGEST_RETENTION: u64 = 8_760;
/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long all pages of a listing may take.
const LISTING_PATIENCE: Duration = Duration::from_secs(30);

/// A stream of Kinesis, or of a server that speaks its JSON protocol.
///
/// Cheap in memory: the client and its connections are shared with the other streams of an endpoint.
#[derive(Debug)]
pub struct KinesisStream {
    pub(super) client: Client,
    pub(super) name: KinesisName,
    endpoint: ServiceEndpoint,
}

impl KinesisStream {
    /// Returns the stream `name`, or that of the consumer `name`, as seen by `client`, which calls `endpoint`.
    pub(super) fn new(client: Client, name: KinesisName, endpoint: ServiceEndpoint) -> Self {
        Self {
            client,
            name,
            endpoint,
        }
    }

    /// Returns the stream's names.
    #[must_use]
    pub fn name(&self) -> &KinesisName {
        &self.name
    }

    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call {
            service: &KINESIS,
            operation,
            resource: self.name.in_words(),
            endpoint: &self.endpoint,
        }
    }

    /// Returns what the stream says about itself, and when, by the server's clock.
    async fn facts(&self) -> Result<(StreamFacts, Option<Timestamp>), SourceError> {
        let call = self.call("DescribeStreamSummary");
        // A stream of another account needs the ARN, and a server may look at the name alone.
        let request = self
            .client
            .describe_stream_summary()
            .stream_name(self.name.stream())
            .stream_arn(self.name.stream_arn());
        let send = |tap| request.customize().interceptor(tap).send();
        let answer = call.tapped(PATIENCE, send).await?;
        let described: DescribeStreamSummaryResponse = call.read(&answer)?;
        let summary = described.stream_description_summary;
        let Some((summary, created)) = summary.and_then(|summary| {
            let created = summary.stream_creation_timestamp?;
            Some((summary, timestamp(DateTime::from_secs_f64(created))))
        }) else {
            return Err(call.incomplete("a StreamCreationTimestamp"));
        };
        let hours = summary.retention_period_hours.unwrap_or(0);
        let facts = StreamFacts::new(format!(
            "created {}",
            DateTime::from_millis(created.millis())
        ))
        .with_retention((hours > 0).then(|| Duration::from_hours(hours.min(LONGEST_RETENTION))))
        .with_fetch_limit(FETCH_LIMIT)
        .with_base_interval(BASE_INTERVAL)
        .with_reads_per_second(Some(READS_PER_SECOND))
        .with_enforced_quota(self.endpoint.is_aws())
        .with_arrival_grain(GRAIN);
        Ok((facts, answer.time))
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        let call = self.call("ListShards");
        let mut pages = Pages::default();
        let mut next: Option<String> = None;
        loop {
            let request = self.client.list_shards();
            // The token stands for the stream; the name beside it is refused (API reference).
            let request = match next {
                Some(token) => request.next_token(token),
                None => request
                    .stream_name(self.name.stream())
                    .stream_arn(self.name.stream_arn()),
            };
            let send = |tap| request.customize().interceptor(tap).send();
            let answer = call.tapped(PATIENCE, send).await?;
            let listed: ListShardsResponse = call.read(&answer)?;
            let shards = listed
                .shards
                .map_or_else(Vec::new, |LimitedList(shards)| shards);
            let token = listed.next_token.filter(|token| !token.is_empty());
            next = pages.add(shards.into_iter().map(shard), token)?;
            if next.is_none() {
                return Ok(pages.into_shards());
            }
        }
    }
}

#[async_trait]
impl StreamSource for KinesisStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        let pages = async {
            let (facts, server_time) = self.facts().await?;
            let shards = self.shards().await?;
            Ok(Listing::new(facts, shards).with_server_time(server_time))
        };
        match tokio::time::timeout(LISTING_PATIENCE, pages).await {
            Ok(listing) => listing,
            Err(_) => Err(self.call("ListShards").unanswered(LISTING_PATIENCE)),
        }
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let call = self.call("GetShardIterator");
        let from = KinesisStart::try_from(from)?;
        let request = self
            .client
            .get_shard_iterator()
            .stream_name(self.name.stream())
            .stream_arn(self.name.stream_arn())
            .shard_id(shard.as_str())
            .shard_iterator_type(from.kind())
            .set_starting_sequence_number(from.sequence().map(str::to_owned))
            .set_timestamp(from.time());
        let answer = call.within(PATIENCE, request.send()).await?;
        match answer.shard_iterator {
            Some(iterator) => Ok(Cursor(iterator)),
            None => Err(call.incomplete("a ShardIterator")),
        }
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let call = self.call("GetRecords");
        let limit = request.limit.clamp(1, FETCH_LIMIT);
        let cursor = request.cursor.0;
        let request = self
            .client
            .get_records()
            .stream_arn(self.name.stream_arn())
            .shard_iterator(cursor.clone())
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let send = |tap| request.customize().interceptor(tap).send();
        let answer = call.tapped(PATIENCE, send).await?;
        let response: GetRecordsResponse<'_> = call.read(&answer)?;
        let next = response.next_shard_iterator.map(|next| next.0);
        let LimitedList(records) = response.records;
        call.check_progress(&cursor, next.as_deref(), records.len())?;
        let records = records.into_iter();
        let records = records
            .map(|each| RECORD.read(each, answer.time, call))
            .collect::<Result<_, _>>()?;
        Ok(Page::new(records, next.map(Cursor))
            .with_behind(response.millis_behind_latest.0.map(behind))
            .with_children(children(response.child_shards)))
    }
}

pub(super) fn unbuildable(error: &aws_sdk_kinesis::error::BuildError) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!("cannot build a request: {error}"),
    )
}
