//! How an engine is put together.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::Mapping;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::events::Events;
use crate::functions::Functions;
use crate::memory::MemoryStore;
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::ports::{InvokeBackend, QueueSource, SourceProvider};
use crate::shared::Shared;
use crate::store::Store;

/// Builds an [`Engine`]. Must be built within a tokio runtime, since mappings run as its tasks.
#[derive(Default)]
pub struct EngineBuilder {
    options: EngineOptions,
    clock: Option<Clock>,
    functions: Functions,
    named: Named,
    providers: Vec<Arc<dyn SourceProvider>>,
    store: Option<Arc<dyn Store>>,
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
        self.named.0.insert(name.into(), Arc::new(source));
        self
    }

    /// Adds a provider; it is asked after the sources registered by name and the providers before it.
    #[must_use]
    pub fn provider(mut self, provider: impl SourceProvider) -> Self {
        self.providers.push(Arc::new(provider));
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

    /// Sets where mappings and positions are kept; in memory otherwise. Call [`Engine::start`] to begin
    /// with what it has kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Returns the engine, without mappings.
    #[must_use]
    pub fn build(self) -> Engine {
        let mut providers: Vec<Arc<dyn SourceProvider>> = vec![Arc::new(self.named)];
        providers.extend(self.providers);
        Engine::new(Shared {
            options: self.options,
            clock: self.clock.unwrap_or_else(Clock::system),
            backend: Arc::new(self.functions),
            providers,
            events: Events::new(),
            metrics: Metrics::new(),
            store: self
                .store
                .unwrap_or_else(|| Arc::new(MemoryStore::default())),
        })
    }
}

/// Sources registered by name.
#[derive(Default)]
struct Named(BTreeMap<String, Arc<dyn QueueSource>>);

#[async_trait]
impl SourceProvider for Named {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let Some(arn) = mapping.source.arn() else {
            return Ok(None);
        };
        let arn = arn.as_str();
        let name = arn.rsplit([':', '/']).next().unwrap_or(arn);
        Ok(self.0.get(arn).or_else(|| self.0.get(name)).cloned())
    }
}
