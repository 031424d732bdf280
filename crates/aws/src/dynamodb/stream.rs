//! One stream of a DynamoDB table.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use lambda_esm_core::stream::Pages;
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts, StreamSource,
};

use super::failure::DYNAMODB_STREAMS;
use super::record::{RECORD, timestamp};
use super::responses::{
    DescribeStreamResponse, DescribedShard, FETCH_LIMIT, GetRecordsResponse,
    GetShardIteratorResponse, StreamDescription,
};
use crate::failure::Call;
use crate::json::LimitedList;
use crate::service_endpoint::ServiceEndpoint;
use crate::shard_records::unknown_start;

/// How long records stay in a stream (DynamoDB developer guide, "Change data capture for DynamoDB
/// Streams").
const RETENTION: Duration = Duration::from_hours(24);
/// How often Lambda reads an idle shard: four times a second (Lambda developer guide, "Using AWS Lambda
/// with Amazon DynamoDB").
const BASE_INTERVAL: Duration = Duration::from_millis(250);
/// What `ApproximateCreationDateTime` is cut to (DynamoDB Streams API reference, `StreamRecord`: it has whole
/// seconds).
const GRAIN: Duration = Duration::from_secs(1);
/// The same of DynamoDB Local. No stand-in says which one it is.
const LOCAL_GRAIN: Duration = Duration::from_secs(60);
/// The most shards of one answer (DynamoDB Streams API reference, `DescribeStream`).
const SHARDS_PER_PAGE: i32 = 100;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all pages of a listing may take.
const LISTING_PATIENCE: Duration = Duration::from_secs(30);
/// How every ARN of DynamoDB Local begins, whatever region and account its clients name. The Lambda API
/// takes no such region in a mapping, so the mapping says another.
const LOCAL: &str = "arn:aws:dynamodb:ddblocal:000000000000";

/// The stream of a table in DynamoDB, or in a server that speaks its JSON protocol.
///
/// Cheap in memory: the client and its connections are shared with the other streams of an endpoint.
#[derive(Debug)]
pub struct DynamoDbStream {
    client: Client,
    arn: Arn,
    endpoint: ServiceEndpoint,
    /// The ARN by which the server knows the stream, once it has told.
    known_as: OnceLock<String>,
}

impl DynamoDbStream {
    /// Returns the stream `arn` as seen by `client`, which calls `endpoint`.
    pub(super) fn new(client: Client, arn: Arn, endpoint: ServiceEndpoint) -> Self {
        Self {
            client,
            arn,
            endpoint,
            known_as: OnceLock::new(),
        }
    }

    /// Returns the stream's ARN, as the mapping has it.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.arn.as_str()
    }

    fn call(&self, operation: &'static str) -> Call<'_> {
        Call {
            service: &DYNAMODB_STREAMS,
            operation,
            resource: self.arn.resource(),
            endpoint: &self.endpoint,
        }
    }

    /// Returns the first page of the stream's description, and remembers by which ARN it was found.
    async fn find(&self) -> Result<StreamDescription, SourceError> {
        if let Some(arn) = self.known_as.get() {
            return self.describe(arn, None).await;
        }
        let asked = self.arn.as_str();
        let found = match self.describe(asked, None).await {
            Ok(description) => Ok((asked.to_owned(), description)),
            Err(error) if !self.endpoint.is_aws() && error.kind == SourceErrorKind::NotFound => {
                let local = format!("{LOCAL}:{}", self.arn.resource());
                match self.describe(&local, None).await {
                    Ok(found) => Ok((local, found)),
                    // The first error names what was asked for.
                    Err(other) if other.kind == SourceErrorKind::NotFound => Err(error),
                    Err(other) => Err(other),
                }
            }
            Err(error) => Err(error),
        };
        let (arn, description) = found?;
        self.known_as.get_or_init(|| arn);
        Ok(description)
    }

    /// Describes the stream and its shards after `shard`.
    async fn describe(
        &self,
        arn: &str,
        after: Option<String>,
    ) -> Result<StreamDescription, SourceError> {
        let request = self
            .client
            .describe_stream()
            .stream_arn(arn)
            .limit(SHARDS_PER_PAGE)
            .set_exclusive_start_shard_id(after);
        let call = self.call("DescribeStream");
        let send = |tap| request.customize().interceptor(tap).send();
        let answer = call.tapped(PATIENCE, send).await?;
        let described: DescribeStreamResponse = call.read(&answer)?;
        let Some(description) = described.stream_description else {
            return Err(call.incomplete("a StreamDescription"));
        };
        Ok(StreamDescription {
            time: answer.time,
            ..description
        })
    }

    async fn listing(&self) -> Result<Listing, SourceError> {
        let mut page = self.find().await?;
        let arn = self.known_arn().await?;
        let facts = facts(arn, &page, !self.endpoint.is_aws());
        let mut pages = Pages::default();
        loop {
            let listed = page
                .shards
                .map_or_else(Vec::new, |LimitedList(shards)| shards);
            let shards: Vec<Shard> = (listed.into_iter())
                .map(|each| self.shard(each))
                .collect::<Result<_, _>>()?;
            let last = page.last_evaluated_shard_id.map(|last| last.0);
            let last = last.filter(|last| !last.is_empty());
            match pages.add(shards, last)? {
                None => {
                    return Ok(Listing::new(facts, pages.into_shards()).with_server_time(page.time));
                }
                last => page = self.describe(arn, last).await?,
            }
        }
    }

    /// Returns the ARN by which the server knows the stream.
    async fn known_arn(&self) -> Result<&str, SourceError> {
        if !self.endpoint.is_aws() && self.known_as.get().is_none() {
            self.find().await?;
        }
        Ok(self
            .known_as
            .get()
            .map_or(self.arn.as_str(), String::as_str))
    }

    fn shard(&self, described: DescribedShard) -> Result<Shard, SourceError> {
        let Some(id) = described.shard_id else {
            return Err(self.call("DescribeStream").incomplete("a ShardId"));
        };
        let range = described.sequence_number_range;
        Ok(Shard::new(ShardId::new(id.0))
            .with_parents(
                described
                    .parent_shard_id
                    .map(|parent| ShardId::new(parent.0))
                    .into_iter()
                    .collect(),
            )
            .with_closed(range.is_some_and(|range| range.ending_sequence_number.is_some())))
    }
}

#[async_trait]
impl StreamSource for DynamoDbStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        match tokio::time::timeout(LISTING_PATIENCE, self.listing()).await {
            Ok(listing) => listing,
            Err(_) => Err(self.call("DescribeStream").unanswered(LISTING_PATIENCE)),
        }
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let (kind, sequence) = match from {
            // A stream cannot look up a time; see `Start::Timestamp`.
            Start::TrimHorizon | Start::Timestamp(_) => (ShardIteratorType::TrimHorizon, None),
            Start::Latest => (ShardIteratorType::Latest, None),
            Start::After(sequence) => {
                let sequence = Some(sequence.as_ref().to_owned());
                (ShardIteratorType::AfterSequenceNumber, sequence)
            }
            other => return Err(unknown_start(other)),
        };
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(self.known_arn().await?)
            .shard_id(shard.as_str())
            .shard_iterator_type(kind)
            .set_sequence_number(sequence);
        let call = self.call("GetShardIterator");
        let send = |tap| request.customize().interceptor(tap).send();
        let answer = call.tapped(PATIENCE, send).await?;
        let answer: GetShardIteratorResponse = call.read(&answer)?;
        let iterator = answer.shard_iterator;
        iterator
            .map(|iterator| Cursor(iterator.0))
            .ok_or_else(|| call.incomplete("a ShardIterator"))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let limit = request.limit.clamp(1, FETCH_LIMIT);
        let cursor = request.cursor.0;
        let fetch = self
            .client
            .get_records()
            .shard_iterator(cursor.clone())
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let call = self.call("GetRecords");
        let send = |tap| fetch.customize().interceptor(tap).send();
        let answer = match call.tapped(PATIENCE, send).await {
            Err(error) if is_left_over(&error) => return Ok(END),
            answer => answer?,
        };
        let response: GetRecordsResponse<'_> = call.read(&answer)?;
        let next = response.next_shard_iterator.map(|next| next.0);
        let LimitedList(records) = response.records;
        call.check_progress(&cursor, next.as_deref(), records.len())?;
        let records = records.into_iter();
        let records = records
            .map(|each| RECORD.read(each, answer.time, call))
            .collect::<Result<_, _>>()?;
        Ok(Page::new(records, next.map(Cursor)))
    }
}

/// The end of a shard.
const END: Page = Page::new(Vec::new(), None);

/// Tells whether a shard is one that DynamoDB Local lists although its last record was trimmed. Whoever
/// waited for it to go would wait for ever, and its children with it.
fn is_left_over(error: &SourceError) -> bool {
    error.kind == SourceErrorKind::NotFound
        && error.message.contains("Invalid ShardId in ShardIterator")
}

fn facts(arn: &str, description: &StreamDescription, stand_in: bool) -> StreamFacts {
    let created = description.creation_request_date_time.map(timestamp);
    StreamFacts::new(match created {
        Some(time) => format!("{arn} {}", time.millis()),
        None => arn.to_owned(),
    })
    .with_retention(Some(RETENTION))
    .with_fetch_limit(FETCH_LIMIT)
    .with_base_interval(BASE_INTERVAL)
    .with_arrival_grain(if stand_in { LOCAL_GRAIN } else { GRAIN })
}
