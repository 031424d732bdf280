//! The engine: makes, changes and ends mappings, and keeps what it was told.

use std::collections::BTreeMap;
use std::sync::Arc;

use lambda_esm_core::lifecycle::{Lifecycle, State};
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration, Mapping,
    UpdateEventSourceMapping, duplicate_error,
};
use tokio::sync::{broadcast, mpsc, watch};
use uuid::Uuid;

use crate::builder::EngineBuilder;
use crate::clock::Clock;
use crate::events::{Event, History};
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::registry::{Entry, Registry, stored};
use crate::shared::Shared;
use crate::status::{MappingStatus, Progress, StatusWatch};
use crate::store::StoreError;
use crate::supervisor::{Order, Supervisor};

/// Runs event source mappings. Cheap to clone; dropping the last clone stops everything at once, but for
/// receives that are open, whose messages are released; [`shutdown`](Self::shutdown) stops it in order.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
}

impl Engine {
    /// Returns a builder.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            registry: Arc::new(Registry::new()),
        }
    }

    /// Creates a mapping, as `CreateEventSourceMapping` does, and begins polling if it is enabled.
    ///
    /// # Errors
    /// Fails with the API's error if the request is not valid, the function or the source does not
    /// exist, the same mapping exists already, or the store cannot keep it.
    pub async fn create(
        &self,
        request: CreateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let mapping = Mapping::create(request, &self.shared.context(Uuid::new_v4()))?;
        self.shared.check_outside(&mapping).await?;
        self.add(mapping, None).await
    }

    /// Adds a mapping that is valid: checks for duplicates, keeps it, and lets it begin.
    pub(crate) async fn add(
        &self,
        mapping: Mapping,
        origin: Option<String>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let _change = self.registry.changes.lock().await;
        if self.registry.tasks.is_closed() {
            let text = "The engine is shutting down.";
            return Err(ApiError::new(ErrorCode::Service, text));
        }
        self.check_duplicate(&mapping)?;
        self.shared
            .store
            .put(stored(&mapping, origin.as_ref()))
            .await
            .map_err(not_kept)?;
        let now = self.shared.clock.now();
        let transition = self.shared.options.transition;
        let lifecycle = Lifecycle::created(now, transition, mapping.enabled);
        Ok(self.begin(mapping, origin, lifecycle))
    }

    fn check_duplicate(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let entries = self.registry.read();
        let mut alive = entries
            .values()
            .filter(|entry| entry.lifecycle().state() != State::Deleting);
        match alive.find_map(|entry| duplicate_error(&entry.mapping, mapping)) {
            Some(conflict) => Err(conflict),
            None => Ok(()),
        }
    }

    /// Starts the supervisor of a mapping, and puts it into the registry.
    pub(crate) fn begin(
        &self,
        mapping: Mapping,
        origin: Option<String>,
        lifecycle: Lifecycle,
    ) -> EventSourceMappingConfiguration {
        let mapping = Arc::new(mapping);
        let uuid = mapping.uuid;
        let progress = watch::Sender::new(Progress::new(lifecycle));
        let (orders, receiver) = mpsc::channel(8);
        let history = Arc::new(History::new(uuid, self.shared.events.clone()));
        let metrics = self.shared.metrics.mapping(uuid);
        let supervisor = Supervisor::new(
            self.shared.clone(),
            mapping.clone(),
            progress.clone(),
            history.clone(),
            metrics.clone(),
        );
        let entry = Entry {
            mapping,
            origin,
            orders,
            progress,
            history,
            metrics,
        };
        let configuration = entry.configuration(&self.shared.options);
        self.registry.write().insert(uuid, entry);
        self.registry.added.send_replace(());
        self.supervise(uuid, supervisor, receiver);
        configuration
    }

    fn supervise(&self, uuid: Uuid, supervisor: Supervisor, orders: mpsc::Receiver<Order>) {
        let stopped = self.registry.stopped.clone();
        let registry = Arc::downgrade(&self.registry);
        let shared = self.shared.clone();
        self.registry.tasks.spawn(async move {
            let ended = stopped.run_until_cancelled(supervisor.run(orders)).await;
            let (Some(()), Some(registry)) = (ended, registry.upgrade()) else {
                return;
            };
            let entry = registry.write().remove(&uuid);
            shared.metrics.forget(uuid);
            let deleted = |entry: Entry| entry.lifecycle().state() == State::Deleting;
            if entry.is_some_and(deleted)
                && let Err(error) = shared.store.remove(uuid).await
            {
                // What its last batches have left there does no harm.
                tracing::warn!(mapping = %uuid, %error, "positions of a deleted mapping are left");
            }
        });
    }

    /// Changes a mapping, as `UpdateEventSourceMapping` does, while it runs.
    ///
    /// # Errors
    /// Fails if there is no such mapping, the request is not valid, another change is under way, or the
    /// store cannot keep it.
    pub async fn update(
        &self,
        uuid: Uuid,
        request: UpdateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let current = self.mapping(uuid)?;
        let updated = current.update(request, &self.shared.context(uuid))?;
        self.shared.check_outside(&updated).await?;
        let _change = self.registry.changes.lock().await;
        if !Arc::ptr_eq(&self.mapping(uuid)?, &current) {
            return Err(in_use());
        }
        self.change(Arc::new(updated)).await
    }

    /// Puts a changed mapping into the place of the one with its UUID, while changes are locked.
    async fn change(
        &self,
        updated: Arc<Mapping>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let uuid = updated.uuid;
        let (orders, kept) = {
            let entries = self.registry.read();
            let entry = entries.get(&uuid).ok_or_else(not_found)?;
            self.updated(entry, &updated)?;
            (
                entry.orders.clone(),
                stored(&updated, entry.origin.as_ref()),
            )
        };
        // Asked for first, so that a caller who gives up while waiting leaves no change half made.
        let order = orders.reserve().await.map_err(|_| not_found())?;
        self.shared.store.put(kept).await.map_err(not_kept)?;
        let mut entries = self.registry.write();
        let entry = entries.get_mut(&uuid).ok_or_else(not_found)?;
        entry.set_lifecycle(self.updated(entry, &updated)?);
        entry.mapping = updated.clone();
        order.send(Order::Update(updated));
        Ok(entry.configuration(&self.shared.options))
    }

    fn updated(&self, entry: &Entry, updated: &Mapping) -> Result<Lifecycle, ApiError> {
        let (now, transition) = (self.shared.clock.now(), self.shared.options.transition);
        let lifecycle = entry.lifecycle();
        lifecycle
            .updated(now, transition, updated.enabled)
            .ok_or_else(in_use)
    }

    /// Deletes a mapping, as `DeleteEventSourceMapping` does: it stops polling, finishes what is in
    /// flight within the engine's bound, and goes.
    ///
    /// # Errors
    /// Fails if there is no such mapping, another change is under way, or the store cannot forget it.
    pub async fn delete(&self, uuid: Uuid) -> Result<EventSourceMappingConfiguration, ApiError> {
        let _change = self.registry.changes.lock().await;
        let (orders, deleted) = {
            let entries = self.registry.read();
            let entry = entries.get(&uuid).ok_or_else(not_found)?;
            let deleted = entry.lifecycle().deleted().ok_or_else(in_use)?;
            (entry.orders.clone(), deleted)
        };
        let order = orders.reserve().await.map_err(|_| not_found())?;
        self.shared.store.remove(uuid).await.map_err(not_kept)?;
        let entries = self.registry.read();
        let entry = entries.get(&uuid).ok_or_else(not_found)?;
        entry.set_lifecycle(deleted);
        order.send(Order::Delete);
        Ok(entry.configuration(&self.shared.options))
    }

    /// Returns the tags of a mapping.
    ///
    /// # Errors
    /// Fails if there is no such mapping.
    pub fn tags(&self, uuid: Uuid) -> Result<BTreeMap<String, String>, ApiError> {
        Ok(self.mapping(uuid)?.tags.clone())
    }

    /// Adds tags to a mapping, in place of those with the same keys.
    ///
    /// # Errors
    /// Fails if there is no such mapping, or the store cannot keep it.
    pub async fn tag(&self, uuid: Uuid, tags: BTreeMap<String, String>) -> Result<(), ApiError> {
        self.retag(uuid, |current| current.extend(tags)).await
    }

    /// Removes tags from a mapping; keys that it does not have are no error.
    ///
    /// # Errors
    /// Fails if there is no such mapping, or the store cannot keep it.
    pub async fn untag(&self, uuid: Uuid, keys: &[String]) -> Result<(), ApiError> {
        self.retag(uuid, |current| current.retain(|key, _| !keys.contains(key)))
            .await
    }

    async fn retag(
        &self,
        uuid: Uuid,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), ApiError> {
        let _change = self.registry.changes.lock().await;
        let mut mapping = Mapping::clone(&*self.mapping(uuid)?);
        change(&mut mapping.tags);
        let origin = self
            .registry
            .read()
            .get(&uuid)
            .and_then(|entry| entry.origin.clone());
        self.shared
            .store
            .put(stored(&mapping, origin.as_ref()))
            .await
            .map_err(not_kept)?;
        let mut entries = self.registry.write();
        entries.get_mut(&uuid).ok_or_else(not_found)?.mapping = Arc::new(mapping);
        Ok(())
    }

    fn mapping(&self, uuid: Uuid) -> Result<Arc<Mapping>, ApiError> {
        let entries = self.registry.read();
        entries
            .get(&uuid)
            .map(|entry| entry.mapping.clone())
            .ok_or_else(not_found)
    }

    /// Returns a mapping as `GetEventSourceMapping` does.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn get(&self, uuid: Uuid) -> Result<EventSourceMappingConfiguration, ApiError> {
        let entries = self.registry.read();
        let entry = entries.get(&uuid).ok_or_else(not_found)?;
        Ok(entry.configuration(&self.shared.options))
    }

    /// Returns all mappings, ordered by UUID.
    #[must_use]
    pub fn list(&self) -> Vec<EventSourceMappingConfiguration> {
        let entries = self.registry.read();
        entries
            .values()
            .map(|entry| entry.configuration(&self.shared.options))
            .collect()
    }

    /// Returns what every mapping is doing.
    #[must_use]
    pub fn status(&self) -> Vec<MappingStatus> {
        self.registry.read().values().map(Entry::status).collect()
    }

    /// Returns what one mapping is doing; `None` if there is no such mapping.
    #[must_use]
    pub fn mapping_status(&self, uuid: Uuid) -> Option<MappingStatus> {
        self.registry.read().get(&uuid).map(Entry::status)
    }

    /// Returns a watch over one mapping's status; `None` if there is no such mapping.
    #[must_use]
    pub fn watch(&self, uuid: Uuid) -> Option<StatusWatch> {
        self.registry
            .read()
            .get(&uuid)
            .map(|entry| StatusWatch(entry.progress.subscribe()))
    }

    /// Returns a receiver that is told whenever a mapping was added, by whatever way.
    #[must_use]
    pub fn added(&self) -> watch::Receiver<()> {
        self.registry.added.subscribe()
    }

    /// Returns the last decisions of a mapping, the oldest first; `None` if there is no such mapping.
    #[must_use]
    pub fn recent(&self, uuid: Uuid) -> Option<Vec<Event>> {
        let history = self.registry.read().get(&uuid)?.history.clone();
        Some(history.recent())
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

    /// Returns what holds for all mappings.
    #[must_use]
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// Stops polling, finishes what is in flight within the bound of
    /// [`EngineOptions::drain_limit`], and ends every mapping. The store keeps them.
    ///
    /// A queue's open receives are waited for, for up to
    /// [`QueueFacts::longest_wait`](crate::ports::QueueFacts::longest_wait), and what they bring is
    /// processed. What found no slot in nine tenths of the bound is made visible again.
    pub async fn shutdown(&self) {
        let change = self.registry.changes.lock().await;
        self.registry.tasks.close();
        drop(change);
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

    /// Stops everything at once, and waits only for receives that are open, which release what they still
    /// bring. Other messages in flight return after their visibility timeout. The store keeps the mappings.
    pub async fn halt(&self) {
        self.registry.tasks.close();
        self.registry.stopped.cancel();
        self.registry.tasks.wait().await;
        self.shared.receives.close();
        self.shared.receives.wait().await;
    }
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorCode::ResourceNotFound,
        "The resource you requested does not exist.",
    )
}

fn in_use() -> ApiError {
    let text = "Cannot update the event source mapping because it is in use.";
    ApiError::new(ErrorCode::ResourceInUse, text)
}

pub(crate) fn not_kept(error: StoreError) -> ApiError {
    ApiError::new(
        ErrorCode::Service,
        format!("the mapping could not be kept: {error}"),
    )
}
