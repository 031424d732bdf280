//! The change stream of a database or a collection, as a stream with one shard.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{DocumentDbMapping, FullDocument};
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts, StreamSource,
};
use lambda_esm_engine::secrets::SecretResolver;
use mongodb::bson::{Document, Timestamp as ClusterTime, doc};
use mongodb::raw_batch_cursor::RawBatchCursor;
use mongodb::{Client, Database};
use tokio::time::Instant;

use crate::address::ClusterAddress;
use crate::client::connect;
use crate::options::DocumentDbOptions;
use crate::place::Place;
use crate::private_folder::PrivateFolder;
use crate::problem::{is_refusal, problem};
use crate::reading::Reading;
use crate::standby::{Held, Standby};

/// The only shard: a change stream has one order.
const SHARD: &str = "changes";
/// The most changes of a page, and of a batch of the server.
const PAGE: u16 = 1_000;
/// How long the server waits for a change.
const WAIT: Duration = Duration::from_secs(1);
/// What an answer that is there already takes.
const AT_ONCE: Duration = Duration::from_millis(250);

/// The change stream of a database, or of one of its collections.
///
/// The processes of one user on one machine that read the same for the same function see each other: all but one stand by.
/// Those on other machines are not seen.
pub struct ChangeStream {
    address: ClusterAddress,
    mapping: DocumentDbMapping,
    options: DocumentDbOptions,
    secrets: Arc<dyn SecretResolver>,
    standby: Standby,
    folder: PrivateFolder,
    held: Mutex<Option<Held>>,
    client: Mutex<Option<Client>>,
    /// What is being read, while nobody fetches from it.
    reading: Mutex<Option<Box<Reading>>>,
    /// Whether the server splits changes that are too large for one document; until it has refused.
    splits: AtomicBool,
}

impl ChangeStream {
    /// Returns the change stream that `mapping` names on the cluster at `address`, read for `function`. Nothing is
    /// connected to before it is listed.
    #[must_use]
    pub fn new(
        address: ClusterAddress,
        mapping: DocumentDbMapping,
        function: &str,
        secrets: Arc<dyn SecretResolver>,
        options: DocumentDbOptions,
    ) -> Self {
        let collection = mapping.collection.as_deref().unwrap_or("");
        let parts = [address.hosts(), &mapping.database, collection, function];
        let folder = PrivateFolder::new(options.folder.clone());
        Self {
            standby: Standby::new(folder.clone(), &parts),
            folder,
            address,
            mapping,
            options,
            secrets,
            held: Mutex::default(),
            client: Mutex::default(),
            reading: Mutex::default(),
            splits: AtomicBool::new(true),
        }
    }

    /// Takes the lock of what is read, if this process does not have it.
    fn hold(&self) -> Result<(), SourceError> {
        let mut held = lock(&self.held);
        if held.is_none() {
            *held = Some(self.standby.take()?);
        }
        Ok(())
    }

    async fn client(&self) -> Result<Client, SourceError> {
        if let Some(client) = lock(&self.client).clone() {
            return Ok(client);
        }
        let secrets = &*self.secrets;
        let secret = &self.mapping.credentials;
        let client = connect(&self.address, &self.folder, secrets, secret).await?;
        Ok(lock(&self.client).get_or_insert(client).clone())
    }

    /// Returns what a mapping shows of an error. A client whose login is refused is made anew, with the secret as it is then.
    fn failed(&self, error: &mongodb::error::Error) -> SourceError {
        let mut error = problem(error);
        self.forget_client(&error);
        let hosts = self.address.hosts();
        if !error.message.contains(hosts) {
            error.message = format!("{hosts}: {}", error.message);
        }
        error
    }

    fn forget_client(&self, error: &SourceError) {
        if error.kind == SourceErrorKind::Denied {
            *lock(&self.client) = None;
        }
    }

    fn database(&self, client: &Client) -> Database {
        client.database(&self.mapping.database)
    }

    /// Returns what the server says of itself.
    async fn hello(&self, client: &Client) -> Result<Document, SourceError> {
        let admin = client.database("admin");
        let hello = admin.run_command(doc! {"hello": 1}).await;
        hello.map_err(|error| self.failed(&error))
    }

    /// Returns what is wrong if the database, or the collection, is not there. The server has a stream of it all the same.
    async fn missing(&self, client: &Client) -> Result<Option<SourceError>, SourceError> {
        let filter = match &self.mapping.collection {
            Some(collection) => doc! {"name": collection},
            None => Document::new(),
        };
        let database = self.database(client);
        let names = database.list_collection_names().filter(filter).await;
        let names = names.map_err(|error| self.failed(&error))?;
        if !names.is_empty() {
            return Ok(None);
        }
        let (database, address) = (&self.mapping.database, &self.address);
        let missing = match &self.mapping.collection {
            Some(collection) => format!("collection {collection} of database {database}"),
            None => format!("database {database}"),
        };
        let text = format!("{missing} is not on {address}; it is read once it is there");
        let error = SourceError::new(SourceErrorKind::NotFound, text);
        Ok(Some(error.with_reason(ReasonCode::ConfigNotValid)))
    }

    /// Opens the stream at a place.
    async fn begin(&self, client: &Client, place: &Place) -> Result<RawBatchCursor, SourceError> {
        let splits = self.splits.load(Ordering::Relaxed);
        let begun = match self.watch(client, place, splits).await {
            // An older server, or DocumentDB: only a try without tells.
            Err(refused) if splits && is_refusal(&refused) => {
                let without = self.watch(client, place, false).await;
                if without.is_ok() {
                    self.splits.store(false, Ordering::Relaxed);
                }
                without
            }
            begun => begun,
        };
        begun.map_err(|error| self.failed(&error))
    }

    async fn watch(
        &self,
        client: &Client,
        place: &Place,
        splits: bool,
    ) -> mongodb::error::Result<RawBatchCursor> {
        let mut options = place.options();
        if self.mapping.full_document == FullDocument::UpdateLookup {
            options.insert("fullDocument", "updateLookup");
        }
        let mut stages = vec![doc! {"$changeStream": options}];
        if splits {
            stages.push(doc! {"$changeStreamSplitLargeEvent": {}});
        }
        let database = self.database(client);
        let name = self.mapping.collection.as_deref();
        let collection = name.map(|name| database.collection::<Document>(name));
        let aggregate = match &collection {
            Some(collection) => collection.aggregate(stages),
            None => database.aggregate(stages),
        };
        let aggregate = aggregate.batch_size(PAGE.into()).max_await_time(WAIT);
        aggregate.batch().await
    }

    /// Returns the oldest entry of the server's log, if it may be read.
    async fn oldest_entry(&self, client: &Client) -> Option<Document> {
        let log = client.database("local").collection::<Document>("oplog.rs");
        let oldest = log.find_one(doc! {}).sort(doc! {"$natural": 1});
        oldest.await.ok().flatten()
    }

    /// Returns the oldest place that the server has: what its log says, or else the earliest at which it opens a stream,
    /// found to the minute.
    async fn horizon(&self, client: &Client) -> Result<Place, SourceError> {
        if let Some(oldest) = self.oldest_entry(client).await
            && let Ok(time) = oldest.get_timestamp("ts")
        {
            return Ok(Place::at(time));
        }
        let hello = self.hello(client).await?;
        let now = latest(&hello).time;
        let retention = u32::try_from(self.options.retention.as_secs()).unwrap_or(u32::MAX);
        let at = |time| Place::at(ClusterTime { time, increment: 1 });
        let (mut gone, mut there) = (now.time.saturating_sub(retention).max(1), now.time);
        match self.begin(client, &at(gone)).await {
            Ok(_) => return Ok(at(gone)),
            Err(error) if error.kind == SourceErrorKind::Trimmed => {}
            Err(error) => return Err(error),
        }
        while there.saturating_sub(gone) > 60 {
            let middle = gone + (there - gone) / 2;
            match self.begin(client, &at(middle)).await {
                Ok(_) => there = middle,
                Err(error) if error.kind == SourceErrorKind::Trimmed => gone = middle,
                Err(error) => return Err(error),
            }
        }
        Ok(at(there))
    }

    /// Returns the place of a time. Fails if changes since then are no longer there, as far as that can be seen.
    async fn since(&self, client: &Client, time: Timestamp) -> Result<Place, SourceError> {
        let place = Place::at_second(time);
        if let Some(oldest) = self.oldest_entry(client).await
            && let Ok(first) = oldest.get_timestamp("ts")
            && (first.time, first.increment) > (place.time.time, place.time.increment)
            && !is_first_ever(&oldest)
        {
            let (since, first) = (
                time.iso_seconds(),
                crate::change::arrival(first).iso_seconds(),
            );
            let text = format!(
                "changes since {since} are asked for, and the oldest that the server has is of {first}"
            );
            return Err(SourceError::new(SourceErrorKind::Trimmed, text));
        }
        Ok(place)
    }

    fn take_reading(&self, place: &Place) -> Option<Box<Reading>> {
        lock(&self.reading).take_if(|reading| reading.is_at(place))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the place after what the server had done when it said so.
fn latest(hello: &Document) -> Place {
    let done = hello.get_timestamp("operationTime");
    let done = done.unwrap_or_else(|_| {
        let millis = hello
            .get_datetime("localTime")
            .map_or(0, |time| time.timestamp_millis());
        Place::at_second(Timestamp(millis)).time
    });
    Place::at(ClusterTime {
        time: done.time,
        increment: done.increment.saturating_add(1),
    })
}

/// Tells whether an entry of a log is the one that every log begins with: nothing was before it.
fn is_first_ever(entry: &Document) -> bool {
    let message = entry
        .get_document("o")
        .and_then(|object| object.get_str("msg"));
    message.is_ok_and(|message| message == "initiating set")
}

fn check_shard(shard: &ShardId) -> Result<(), SourceError> {
    if shard.as_str() == SHARD {
        return Ok(());
    }
    let text = format!("a change stream has no shard {shard}");
    Err(SourceError::new(SourceErrorKind::NotFound, text))
}

#[async_trait]
impl StreamSource for ChangeStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        self.hold()?;
        let client = self.client().await?;
        let hello = self.hello(&client).await?;
        let problem = self.missing(&client).await?;
        let collection = self.mapping.collection.as_deref().unwrap_or("*");
        let facts = StreamFacts::new(format!("{}.{collection}", self.mapping.database))
            .with_fetch_limit(PAGE.into())
            .with_longest_wait(WAIT)
            .with_arrival_grain(Duration::from_secs(1));
        let time = hello.get_datetime("localTime").ok();
        let time = time.map(|time| Timestamp(time.timestamp_millis()));
        let shards = vec![Shard::new(ShardId::new(SHARD))];
        let listing = Listing::new(facts, shards).with_server_time(time);
        Ok(listing.with_problem(problem))
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        check_shard(shard)?;
        let place = match from {
            // Whether it is still there the first fetch tells.
            Start::After(place) => return Ok(Cursor(place.to_string())),
            Start::TrimHorizon => self.horizon(&self.client().await?).await?,
            Start::Timestamp(time) => self.since(&self.client().await?, *time).await?,
            Start::Latest => latest(&self.hello(&self.client().await?).await?),
            other => {
                let text = format!("a change stream cannot begin with {other}");
                return Err(SourceError::new(SourceErrorKind::Fatal, text));
            }
        };
        Ok(Cursor(place.to_string()))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        check_shard(&request.shard)?;
        let place = Place::parse(&request.cursor.0).ok_or_else(|| {
            let text = format!("{:?} is no place in a change stream", request.cursor.0);
            SourceError::new(SourceErrorKind::Fatal, text)
        })?;
        let client = self.client().await?;
        let deadline = Instant::now() + request.wait.max(AT_ONCE);
        let limit = request.limit.clamp(1, PAGE.into());
        let mut reading = match self.take_reading(&place) {
            Some(reading) => reading,
            None => Box::new(Reading::new(
                place.clone(),
                self.begin(&client, &place).await?,
            )),
        };
        let renew = self.options.renew_position;
        let page = reading.page(limit, deadline, renew).await;
        match page.inspect_err(|error| self.forget_client(error))? {
            Some(page) => {
                *lock(&self.reading) = Some(reading);
                Ok(page)
            }
            // The next fetch begins a stream anew, also one that ended for good: its collection may come back.
            None => Ok(Page::new(Vec::new(), Some(request.cursor))),
        }
    }
}

impl fmt::Debug for ChangeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeStream")
            .field("address", &self.address)
            .field("mapping", &self.mapping)
            .finish_non_exhaustive()
    }
}
