//! Schemas that were looked up lately.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};
use lambda_esm_core::setters;
use tokio::time::Instant;

use crate::compiled::CompiledSchema;
use crate::lookup::{LookupError, SchemaLookup};
use crate::schema::SchemaId;

/// How much is kept of what a registry answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheLimits {
    /// The most schemas: 1,000 unless set, and at least one. Those that were not used for longest go first.
    pub entries: usize,
    /// The most bytes of their texts: 32 MiB unless set. A single longer one is kept nevertheless.
    pub bytes: usize,
    /// For how long the answer that there is no such schema is taken to hold: 5 seconds unless set. A schema that
    /// is there never changes.
    pub not_found: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            entries: 1_000,
            bytes: 32 << 20,
            not_found: Duration::from_secs(5),
        }
    }
}

setters!(CacheLimits {
    with_entries sets entries: usize,
    with_bytes sets bytes: usize,
    with_not_found sets not_found: Duration,
});

/// What is known of a schema.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// It decodes records.
    Compiled(Arc<CompiledSchema>, Arc<str>),
    /// It is not a schema that we can read; in words.
    Unusable(Arc<str>),
    /// The registry does not have it; in words.
    Missing(Arc<str>),
}

/// The answer to a request that several may wait for: what is known, or why nothing is, in words.
type Answer = Result<Known, Arc<str>>;
type Request = BoxFuture<'static, Answer>;

/// A registry, and what it answered lately.
#[derive(Clone)]
pub(crate) struct SchemaCache(Arc<Inner>);

struct Inner {
    lookup: Arc<dyn SchemaLookup>,
    limits: CacheLimits,
    entries: RwLock<HashMap<SchemaId, Entry>>,
    requests: Mutex<HashMap<SchemaId, WeakShared<Request>>>,
    /// Counts uses, to tell which was later.
    uses: AtomicU64,
}

struct Entry {
    known: Known,
    bytes: usize,
    until: Option<Instant>,
    used: AtomicU64,
}

impl SchemaCache {
    pub(crate) fn new(lookup: Arc<dyn SchemaLookup>, limits: CacheLimits) -> Self {
        Self(Arc::new(Inner {
            lookup,
            limits,
            entries: RwLock::default(),
            requests: Mutex::default(),
            uses: AtomicU64::default(),
        }))
    }

    /// Returns what is known without asking.
    pub(crate) fn known(&self, id: SchemaId) -> Option<Known> {
        let entries = self.0.entries.read();
        let entries = entries.unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&id)?;
        if entry.until.is_some_and(|until| until <= Instant::now()) {
            return None;
        }
        let use_number = self.0.uses.fetch_add(1, Ordering::Relaxed);
        entry.used.store(use_number, Ordering::Relaxed);
        Some(entry.known.clone())
    }

    /// Asks the registry, or waits for the answer to another who is asking.
    pub(crate) async fn ask(&self, id: SchemaId) -> Answer {
        let request = {
            let requests = self.0.requests.lock();
            let mut requests = requests.unwrap_or_else(PoisonError::into_inner);
            match requests.get(&id).and_then(WeakShared::upgrade) {
                Some(request) => request,
                None => {
                    // Nobody waits any more for those that are gone.
                    requests.retain(|_, request| request.upgrade().is_some());
                    let request: Shared<Request> = self.0.clone().request(id).boxed().shared();
                    requests.extend(request.downgrade().map(|request| (id, request)));
                    request
                }
            }
        };
        request.await
    }
}

impl Inner {
    async fn request(self: Arc<Self>, id: SchemaId) -> Answer {
        let answer = self.lookup.schema(id).await;
        let answer = match answer {
            Ok(schema) => {
                let known = match CompiledSchema::new(&schema) {
                    Ok(compiled) => Known::Compiled(Arc::new(compiled), id.to_string().into()),
                    Err(error) => Known::Unusable(error.into()),
                };
                Ok(self.keep(id, known, schema.bytes()))
            }
            Err(LookupError::NotFound(text)) => {
                let bytes = text.len();
                Ok(self.keep(id, Known::Missing(text.into()), bytes))
            }
            Err(LookupError::Unavailable(text)) => Err(text.into()),
        };
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).remove(&id);
        answer
    }

    fn keep(&self, id: SchemaId, known: Known, bytes: usize) -> Known {
        let until = match &known {
            Known::Missing(_) => Some(Instant::now() + self.limits.not_found),
            Known::Compiled(..) | Known::Unusable(_) => None,
        };
        let entry = Entry {
            known: known.clone(),
            bytes,
            until,
            used: self.uses.fetch_add(1, Ordering::Relaxed).into(),
        };
        let entries = self.entries.write();
        let mut entries = entries.unwrap_or_else(PoisonError::into_inner);
        entries.insert(id, entry);
        let mut total: usize = entries.values().map(|entry| entry.bytes).sum();
        while entries.len() > 1
            && (entries.len() > self.limits.entries || total > self.limits.bytes)
        {
            let oldest = entries
                .iter()
                .min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            total -= entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
        known
    }
}
