//! A DynamoDB source that gets over what the machine would get over.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_aws::DynamoDbStream;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};
use tokio::time::Instant;

/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A source that does what the machine would do: it asks again when it gets no answer, for the server closes
/// connections after half a minute of its own, and opens anew where an iterator has expired or, by mistake,
/// lies before the first record: DynamoDB Local counts the records of all tables together, and takes for
/// trimmed what another table got after an empty shard was opened.
pub(crate) struct Steady {
    source: DynamoDbStream,
    /// Where each cursor that was given out lies.
    places: Mutex<HashMap<Cursor, Start>>,
}

impl Steady {
    /// Returns `source`, steadied.
    pub(crate) fn new(source: DynamoDbStream) -> Self {
        Self {
            source,
            places: Mutex::default(),
        }
    }

    /// Returns the source as it is.
    pub(crate) fn inner(&self) -> &DynamoDbStream {
        &self.source
    }

    fn place(&self, cursor: &Cursor) -> Start {
        self.places.lock().unwrap()[cursor].clone()
    }

    fn remember(&self, cursor: Cursor, place: Start) {
        self.places.lock().unwrap().insert(cursor, place);
    }
}

/// Asks until there is an answer.
pub(crate) async fn answer<T, F>(call: impl Fn() -> F) -> Result<T, SourceError>
where
    F: Future<Output = Result<T, SourceError>>,
{
    let start = Instant::now();
    loop {
        match call().await {
            Err(error) if error.kind == SourceErrorKind::Transient => {
                assert!(start.elapsed() < PATIENCE, "{error}");
            }
            answer => return answer,
        }
    }
}

#[async_trait]
impl StreamSource for Steady {
    async fn list(&self) -> Result<Listing, SourceError> {
        answer(|| self.source.list()).await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let cursor = answer(|| self.source.open(shard, from)).await?;
        self.remember(cursor.clone(), from.clone());
        Ok(cursor)
    }

    async fn fetch(&self, mut request: FetchRequest) -> Result<Page, SourceError> {
        let place = self.place(&request.cursor);
        let page = loop {
            match answer(|| self.source.fetch(request.clone())).await {
                Err(error) if error.kind == SourceErrorKind::Expired => {
                    request.cursor = self.open(&request.shard, &place).await?;
                }
                Err(error) if error.kind == SourceErrorKind::Trimmed => {
                    let oldest = Start::TrimHorizon;
                    request.cursor = self.open(&request.shard, &oldest).await?;
                }
                answer => break answer?,
            }
        };
        if let Some(next) = &page.next {
            let last = page.records.last();
            let after = last.map_or(place, |last| Start::After(last.sequence.clone()));
            self.remember(next.clone(), after);
        }
        Ok(page)
    }
}
