//! How an engine is put together.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::compiling::Compiling;
use crate::engine::Engine;
use crate::events::{Event, EventSender, Observer};
use crate::fresh::Fresh;
use crate::function_concurrency::Limiters;
use crate::functions::Functions;
use crate::memory::MemoryStore;
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::panic_isolation::Guarded;
use crate::ports::{
    DestinationProvider, FailureDestination, InvokeBackend, PushQueueSource, QueueSource,
    SourceProvider, StreamSource, TopicSource,
};
use crate::registered::Registered;
use crate::shared::Shared;
use crate::store::Store;

/// Builds an [`Engine`]. Its mappings run as tasks of the tokio runtime within which it is built, or of the
/// first one that makes a mapping.
#[derive(Default)]
pub struct EngineBuilder {
    options: EngineOptions,
    clock: Option<Clock>,
    functions: Functions,
    named: Registered,
    providers: Vec<Arc<dyn SourceProvider>>,
    through: Option<Through>,
    destinations: Vec<Arc<dyn DestinationProvider>>,
    store: Option<Arc<dyn Store>>,
    observer: Option<Observer>,
}

/// What every provider of sources is replaced by.
type Through = Box<dyn Fn(Arc<dyn SourceProvider>) -> Arc<dyn SourceProvider>>;

impl Engine {
    /// Returns a builder.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }
}

impl EngineBuilder {
    /// Sets what holds for all mappings.
    #[must_use]
    pub fn options(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the clock; the system's time otherwise.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Serves mappings whose source ARN is `name`, or ends in `:name` or `/name`, from `source`.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>, source: impl QueueSource) -> Self {
        self.named.queues.insert(name.into(), Arc::new(source));
        self
    }

    /// Serves mappings whose source ARN is `name`, or names `name`, from the stream `source`. The name of a
    /// Kinesis stream, of its consumer, or of a DynamoDB stream's table will do.
    #[must_use]
    pub fn stream(mut self, name: impl Into<String>, source: impl StreamSource) -> Self {
        self.named.streams.insert(name.into(), Arc::new(source));
        self
    }

    /// Serves Kafka mappings of the topic `name`, of whatever cluster, from `source`.
    #[must_use]
    pub fn topic(mut self, name: impl Into<String>, source: impl TopicSource) -> Self {
        self.named.topics.insert(name.into(), Arc::new(source));
        self
    }

    /// Serves Kafka mappings of the topic `name` in Queue mode, of whatever cluster, from the share group `source`.
    #[must_use]
    pub fn share_group(mut self, name: impl Into<String>, source: impl QueueSource) -> Self {
        self.named
            .share_groups
            .insert(name.into(), Arc::new(source));
        self
    }

    /// Serves mappings of the queue `name`, of whatever broker of Amazon MQ, from `source`.
    #[must_use]
    pub fn push_queue(mut self, name: impl Into<String>, source: impl PushQueueSource) -> Self {
        self.named.push_queues.insert(name.into(), Arc::new(source));
        self
    }

    /// Tells `destination` of the discarded records of mappings whose on-failure ARN is `name`, or ends in
    /// `:name`.
    #[must_use]
    pub fn destination(
        mut self,
        name: impl Into<String>,
        destination: impl FailureDestination,
    ) -> Self {
        let destination = Arc::new(destination);
        self.named.destinations.insert(name.into(), destination);
        self
    }

    /// Adds a provider of on-failure destinations; it is asked after those registered by name and the
    /// providers before it.
    #[must_use]
    pub fn destinations(mut self, provider: impl DestinationProvider) -> Self {
        self.destinations.push(Arc::new(provider));
        self
    }

    /// Adds a provider; it is asked after the sources registered by name and the providers before it.
    #[must_use]
    pub fn provider(mut self, provider: impl SourceProvider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Replaces each provider of sources, and the sources registered by name, by what `wrap` makes of it: for whoever
    /// looks at all that sources deliver.
    #[must_use]
    pub fn through(
        mut self,
        wrap: impl Fn(Arc<dyn SourceProvider>) -> Arc<dyn SourceProvider> + 'static,
    ) -> Self {
        self.through = Some(Box::new(wrap));
        self
    }

    /// Runs every function that has no backend of its own with `backend`.
    #[must_use]
    pub fn invoke(self, backend: impl InvokeBackend) -> Self {
        self.function("*", backend)
    }

    /// Runs the function `name` with `backend`.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>, backend: impl InvokeBackend) -> Self {
        self.functions.insert(name, Arc::new(backend));
        self
    }

    /// Sets where mappings and checkpoints are kept; in memory otherwise. Call [`Engine::start`] to begin
    /// with what it has kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Tells `observer` of every decision, those of one mapping in their order.
    /// [`Engine::events`] may miss some; this does not, and a mapping waits for it: it must be quick, and decide nothing
    /// itself.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Returns the engine, without mappings.
    #[must_use]
    pub fn build(self) -> Engine {
        let named = Arc::new(self.named);
        let mut providers: Vec<Arc<dyn SourceProvider>> = vec![named.clone()];
        providers.extend(self.providers);
        if let Some(wrap) = self.through {
            providers = providers.into_iter().map(wrap).collect();
        }
        let mut destinations: Vec<Arc<dyn DestinationProvider>> = vec![named];
        destinations.extend(self.destinations);
        let backend: Arc<dyn InvokeBackend> = Arc::new(self.functions);
        let store = self.store;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let clock = self.clock.unwrap_or_else(Clock::system);
        Engine::new(Shared {
            fresh: Fresh::new(self.options.seed),
            options: self.options,
            clock,
            limiters: Limiters::new(clock),
            compiling: Compiling::new(),
            backend: Arc::new(Guarded::new(backend)),
            providers: providers.into_iter().map(Guarded::new).collect(),
            destinations: destinations.into_iter().map(Guarded::new).collect(),
            events: EventSender::new(self.observer),
            metrics: Metrics::new(),
            receives: TaskTracker::new(),
            store: Arc::new(Guarded::new(store)),
            runtime: Handle::try_current().map_or_else(|_| OnceLock::new(), OnceLock::from),
        })
    }
}
