//! The engine: a registry of mappings, each with a supervisor of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use lambda_esm_core::fault::{InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::filter::{Dialect, Limits};
use lambda_esm_core::lifecycle::{LastProcessingResult, Lifecycle, State};
use lambda_esm_core::mapping::{
    ApiError, Context, CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration,
    Mapping, Source, UpdateEventSourceMapping, check_function_timeout, duplicate_error,
};
use lambda_esm_core::pacing::Pacing;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::builder::EngineBuilder;
use crate::clock::Clock;
use crate::events::{Event, Events};
use crate::metrics::Metrics;
use crate::ports::{InvokeBackend, QueueSource, SourceProvider};
use crate::status::{MappingStatus, Progress, StatusWatch};
use crate::supervisor::{Order, Supervisor, not_built};

/// Settings of an engine that hold for all of its mappings.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The Region that ARNs are made for.
    pub region: String,
    /// The account that ARNs are made for.
    pub account_id: String,
    /// How closely poll rates and scaling follow the service.
    pub pacing: Pacing,
    /// The pattern language of filters.
    pub dialect: Dialect,
    /// How many filters a mapping may have, and how long they may be.
    pub filter_limits: Limits,
    /// How long a mapping stays in each transitional state, such as `Creating`.
    pub transition: Duration,
    /// How long a mapping that stops may take to finish what is in flight.
    pub drain_limit: Duration,
    /// Whether decisions name the messages they are about.
    pub detail: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            pacing: Pacing::default(),
            dialect: Dialect::Lambda,
            filter_limits: Limits::default(),
            transition: Duration::from_millis(100),
            drain_limit: Duration::from_secs(30),
            detail: false,
        }
    }
}

/// What all mappings of an engine share.
pub(crate) struct Shared {
    pub(crate) options: EngineOptions,
    pub(crate) clock: Clock,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) providers: Vec<Arc<dyn SourceProvider>>,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
}

impl Shared {
    /// Returns the queue of a mapping, from the first provider that serves it.
    pub(crate) async fn queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn QueueSource>, SourceError> {
        for provider in &self.providers {
            if let Some(queue) = provider.queue(mapping).await? {
                return Ok(queue);
            }
        }
        match &mapping.source {
            Source::Sqs(sqs) => {
                let text = format!(
                    "no source is registered for queue {}, and this build has no SQS client; \
                     register one, or build with the feature \"sqs\"",
                    sqs.queue_arn.as_str()
                );
                Err(SourceError::new(SourceErrorKind::Fatal, text))
            }
            other => Err(not_built(other)),
        }
    }
}

struct Entry {
    mapping: Arc<Mapping>,
    lifecycle: Lifecycle,
    orders: mpsc::Sender<Order>,
    progress: watch::Receiver<Progress>,
}

impl Entry {
    fn state(&self) -> State {
        match self.lifecycle.state() {
            State::Deleting => State::Deleting,
            known => self.progress.borrow().state.unwrap_or(known),
        }
    }
}

/// Runs event source mappings. Cheap to clone; dropping the last clone stops everything at once,
/// [`shutdown`](Self::shutdown) stops it in order.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
}

struct Registry {
    entries: RwLock<BTreeMap<Uuid, Entry>>,
    tasks: TaskTracker,
    stopped: CancellationToken,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stopped.cancel();
    }
}

impl Registry {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a new mapping's function and source must exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existence {
    Required,
    /// What is missing now may come later; until then the mapping shows the problem.
    Awaited,
}

impl Engine {
    /// Returns a builder.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        let registry = Registry {
            entries: RwLock::default(),
            tasks: TaskTracker::new(),
            stopped: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
            registry: Arc::new(registry),
        }
    }

    /// Creates a mapping, as `CreateEventSourceMapping` does, and begins polling if it is enabled.
    ///
    /// # Errors
    /// Fails with the API's error if the request is not valid, the function or the source does not
    /// exist, or the same mapping exists already.
    pub async fn create(
        &self,
        request: CreateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.add(request, Existence::Required).await
    }

    /// Creates a mapping whose function or source may not exist yet: the mapping then shows the problem
    /// and tries again. For mappings that come from a configuration file.
    ///
    /// # Errors
    /// Fails if the request is not valid, or the same mapping exists already.
    pub async fn adopt(
        &self,
        request: CreateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.add(request, Existence::Awaited).await
    }

    async fn add(
        &self,
        request: CreateEventSourceMapping,
        existence: Existence,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let mapping = Mapping::create(request, &self.context(Uuid::new_v4()))?;
        if existence == Existence::Required {
            self.check_outside(&mapping).await?;
        }
        let options = &self.shared.options;
        let now = self.shared.clock.now();
        let lifecycle = Lifecycle::created(now, options.transition, mapping.enabled);
        let mapping = Arc::new(mapping);
        let mut entries = self.registry.write();
        let conflict = entries
            .values()
            .filter(|entry| entry.state() != State::Deleting)
            .find_map(|entry| duplicate_error(&entry.mapping, &mapping));
        if let Some(conflict) = conflict {
            return Err(conflict);
        }
        let entry = self.supervise(mapping.clone(), lifecycle);
        let configuration = self.configuration(&entry);
        entries.insert(mapping.uuid, entry);
        Ok(configuration)
    }

    fn supervise(&self, mapping: Arc<Mapping>, lifecycle: Lifecycle) -> Entry {
        let initial = Progress {
            state: Some(lifecycle.state()),
            ..Progress::default()
        };
        let (sender, progress) = watch::channel(initial);
        let (orders, receiver) = mpsc::channel(8);
        let supervisor = Supervisor::new(self.shared.clone(), mapping.clone(), lifecycle, sender);
        let stopped = self.registry.stopped.clone();
        let registry = Arc::downgrade(&self.registry);
        let uuid = mapping.uuid;
        let shared = self.shared.clone();
        let function = mapping.function.name().to_owned();
        self.registry.tasks.spawn(async move {
            if stopped
                .run_until_cancelled(supervisor.run(receiver))
                .await
                .is_none()
            {
                return;
            }
            if let Some(registry) = registry.upgrade() {
                registry.write().remove(&uuid);
            }
            shared.metrics.forget(uuid, &function);
        });
        Entry {
            mapping,
            lifecycle,
            orders,
            progress,
        }
    }

    /// Returns a mapping as `GetEventSourceMapping` does.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn get(&self, uuid: Uuid) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.registry
            .read()
            .get(&uuid)
            .map(|entry| self.configuration(entry))
            .ok_or_else(not_found)
    }

    /// Returns all mappings, ordered by UUID.
    #[must_use]
    pub fn list(&self) -> Vec<EventSourceMappingConfiguration> {
        self.registry
            .read()
            .values()
            .map(|entry| self.configuration(entry))
            .collect()
    }

    /// Changes a mapping, as `UpdateEventSourceMapping` does, while it runs.
    ///
    /// # Errors
    /// Fails if there is no such mapping, the request is not valid, or another change is under way.
    pub async fn update(
        &self,
        uuid: Uuid,
        request: UpdateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let current = self
            .registry
            .read()
            .get(&uuid)
            .map(|entry| entry.mapping.clone());
        let current = current.ok_or_else(not_found)?;
        let updated = current.update(request, &self.context(uuid))?;
        self.check_outside(&updated).await?;
        let updated = Arc::new(updated);
        let (order, orders, configuration) = {
            let mut entries = self.registry.write();
            let entry = entries.get_mut(&uuid).ok_or_else(not_found)?;
            if !Arc::ptr_eq(&entry.mapping, &current) {
                return Err(in_use());
            }
            let now = self.shared.clock.now();
            let mut lifecycle = entry.lifecycle;
            lifecycle.advance(now);
            let transition = self.shared.options.transition;
            let lifecycle = lifecycle
                .updated(now, transition, updated.enabled)
                .ok_or_else(in_use)?;
            let configuration = self.describe(&updated, lifecycle.state(), entry);
            (entry.mapping, entry.lifecycle) = (updated.clone(), lifecycle);
            let order = Order::Update {
                mapping: updated,
                lifecycle,
            };
            (order, entry.orders.clone(), configuration)
        };
        orders.send(order).await.map_err(|_| not_found())?;
        Ok(configuration)
    }

    /// Deletes a mapping, as `DeleteEventSourceMapping` does: it stops polling, finishes what is in
    /// flight within the engine's bound, and goes.
    ///
    /// # Errors
    /// Fails if there is no such mapping, or another change is under way.
    pub async fn delete(&self, uuid: Uuid) -> Result<EventSourceMappingConfiguration, ApiError> {
        let (orders, configuration) = {
            let mut entries = self.registry.write();
            let entry = entries.get_mut(&uuid).ok_or_else(not_found)?;
            let mut lifecycle = entry.lifecycle;
            lifecycle.advance(self.shared.clock.now());
            entry.lifecycle = lifecycle.deleted().ok_or_else(in_use)?;
            (entry.orders.clone(), self.configuration(entry))
        };
        orders.send(Order::Delete).await.map_err(|_| not_found())?;
        Ok(configuration)
    }

    /// Returns what every mapping is doing.
    #[must_use]
    pub fn status(&self) -> Vec<MappingStatus> {
        self.registry
            .read()
            .values()
            .map(|entry| self.status_of(entry))
            .collect()
    }

    /// Returns what one mapping is doing; `None` if there is no such mapping.
    #[must_use]
    pub fn mapping_status(&self, uuid: Uuid) -> Option<MappingStatus> {
        self.registry
            .read()
            .get(&uuid)
            .map(|entry| self.status_of(entry))
    }

    /// Returns a watch over one mapping's status; `None` if there is no such mapping.
    #[must_use]
    pub fn watch(&self, uuid: Uuid) -> Option<StatusWatch> {
        self.registry
            .read()
            .get(&uuid)
            .map(|entry| StatusWatch(entry.progress.clone()))
    }

    /// Returns a receiver of all decisions from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Returns the engine's metrics.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Returns the engine's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Stops polling, finishes what is in flight within the bound of
    /// [`EngineOptions::drain_limit`], and ends every mapping.
    pub async fn shutdown(&self) {
        self.registry.tasks.close();
        let orders: Vec<_> = self
            .registry
            .read()
            .values()
            .map(|entry| entry.orders.clone())
            .collect();
        for orders in orders {
            // A supervisor that is gone needs no order.
            drop(orders.send(Order::Delete).await);
        }
        self.registry.tasks.wait().await;
    }

    fn context(&self, uuid: Uuid) -> Context {
        let options = &self.shared.options;
        Context {
            region: options.region.clone(),
            account_id: options.account_id.clone(),
            uuid,
            now: self.shared.clock.now(),
            filter_limits: options.filter_limits,
            dialect: options.dialect,
        }
    }

    /// Checks what only the outside knows. What cannot be asked now is not held against the request.
    async fn check_outside(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let function = match self.shared.backend.describe(&mapping.function).await {
            Ok(facts) => facts,
            Err(error) if error.kind == InvokeErrorKind::NotFound => {
                let text = "Function does not exist";
                return Err(ApiError::invalid("FunctionName", text).hint(error.message));
            }
            Err(_) => return Ok(()),
        };
        let queue = match self.shared.queue(mapping).await {
            Ok(queue) => queue,
            Err(error) => return Err(ApiError::invalid("EventSourceArn", error.message)),
        };
        match queue.describe().await {
            Ok(queue) => match function.timeout {
                Some(timeout) => {
                    check_function_timeout(mapping, timeout, Some(queue.visibility_timeout))
                }
                None => Ok(()),
            },
            Err(error) if error.kind == SourceErrorKind::NotFound => {
                Err(ApiError::invalid("EventSourceArn", error.message))
            }
            Err(_) => Ok(()),
        }
    }

    fn configuration(&self, entry: &Entry) -> EventSourceMappingConfiguration {
        self.describe(&entry.mapping, entry.state(), entry)
    }

    fn describe(
        &self,
        mapping: &Mapping,
        state: State,
        entry: &Entry,
    ) -> EventSourceMappingConfiguration {
        let options = &self.shared.options;
        let last_result = entry.progress.borrow().last_result;
        let reason = mapping.user_reason();
        mapping.configuration(
            &options.region,
            &options.account_id,
            state,
            reason,
            last_result,
        )
    }

    fn status_of(&self, entry: &Entry) -> MappingStatus {
        let mapping = &entry.mapping;
        let progress = entry.progress.borrow();
        let problems = [
            &progress.start_problem,
            &progress.queue.source_problem,
            &progress.queue.function_problem,
        ];
        MappingStatus {
            uuid: mapping.uuid,
            source: mapping
                .source
                .arn()
                .map_or_else(String::new, |arn| arn.as_str().to_owned()),
            function: mapping.function.name().to_owned(),
            state: entry.state(),
            last_processing_result: progress
                .last_result
                .unwrap_or(LastProcessingResult::NoRecords),
            problem: problems.into_iter().flatten().next().cloned(),
            queue: progress.queue.clone(),
            counts: self
                .shared
                .metrics
                .mapping(mapping.uuid, mapping.function.name())
                .counts(),
        }
    }
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorCode::ResourceNotFound,
        "The resource you requested does not exist.",
    )
}

fn in_use() -> ApiError {
    ApiError::new(
        ErrorCode::ResourceInUse,
        "Cannot update the event source mapping because it is in use.",
    )
}
