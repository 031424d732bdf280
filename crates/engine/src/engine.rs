//! The engine: begins and ends mappings, and shows them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use lambda_esm_core::lifecycle::{Lifecycle, State};
use lambda_esm_core::mapping::{ApiError, EventSourceMappingConfiguration, Mapping};
use tokio::sync::{Notify, mpsc, watch};
use uuid::Uuid;

use crate::clock::Clock;
use crate::events::{Event, Events, History};
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::registry::{Entry, Registry, not_found};
use crate::reporter::Reporter;
use crate::shared::Shared;
use crate::status::{MappingStatus, Progress, StatusWatch};
use crate::supervisor::{Disabling, Order, Supervisor};

/// Runs event source mappings. Cheap to clone; dropping the last clone stops everything at once, but for
/// receives that are open, whose messages are released; [`shutdown`](Self::shutdown) stops it in order.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
}

impl Engine {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            registry: Arc::new(Registry::new()),
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
        let (orders, receiver) = mpsc::channel(8);
        let reporter = Reporter {
            progress: watch::Sender::new(Progress::new(lifecycle)),
            halts: Arc::default(),
            history: Arc::new(History::new(uuid, self.shared.events.clone())),
            metrics: self.shared.metrics.of(&mapping),
        };
        let facts_changed = Arc::new(Notify::new());
        let supervisor = Supervisor::new(
            self.shared.clone(),
            mapping.clone(),
            reporter.clone(),
            facts_changed.clone(),
            self.disabling(uuid),
        );
        let entry = Entry {
            mapping,
            origin,
            orders,
            facts_changed,
            reporter,
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
            let life = supervisor.live(orders);
            let ended = stopped.run_until_cancelled(life).await;
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
                tracing::warn!(mapping = %uuid, %error, "checkpoints of a deleted mapping are left");
            }
        });
    }

    /// Returns what a mapping disables itself with. It keeps no engine alive.
    fn disabling(&self, uuid: Uuid) -> Disabling {
        let (shared, registry) = (self.shared.clone(), Arc::downgrade(&self.registry));
        Box::new(move |because| {
            let (shared, registry) = (shared.clone(), registry.clone());
            Box::pin(async move {
                let registry = registry.upgrade().ok_or_else(not_found)?;
                let engine = Self { shared, registry };
                engine.disable_itself(uuid, because).await
            })
        })
    }

    /// Returns the tags of a mapping.
    ///
    /// # Errors
    /// Fails if there is no such mapping.
    pub fn tags(&self, uuid: Uuid) -> Result<BTreeMap<String, String>, ApiError> {
        Ok(self.registry.mapping(uuid)?.tags.clone())
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

    /// Returns those that are `wanted` of the mappings whose UUIDs come after `after`, ordered by UUID and at most
    /// `most`, and tells whether there are more.
    #[must_use]
    pub fn page(
        &self,
        after: Option<Uuid>,
        most: usize,
        wanted: impl Fn(&Mapping) -> bool,
    ) -> (Vec<EventSourceMappingConfiguration>, bool) {
        let entries = self.registry.read();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = entries
            .range((after, Bound::Unbounded))
            .map(|(_, entry)| entry)
            .filter(|entry| wanted(&entry.mapping));
        let page = rest
            .by_ref()
            .take(most)
            .map(|entry| entry.configuration(&self.shared.options))
            .collect();
        (page, rest.next().is_some())
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
            .map(|entry| StatusWatch(entry.reporter.progress.subscribe()))
    }

    /// Returns a receiver that is told whenever a mapping was added, by whatever way.
    #[must_use]
    pub fn added(&self) -> watch::Receiver<()> {
        self.registry.added.subscribe()
    }

    /// Returns the last decisions of a mapping, the oldest first; `None` if there is no such mapping.
    #[must_use]
    pub fn recent(&self, uuid: Uuid) -> Option<Vec<Event>> {
        let history = self.registry.read().get(&uuid)?.reporter.history.clone();
        Some(history.recent())
    }

    /// Returns all decisions from now on.
    #[must_use]
    pub fn events(&self) -> Events {
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
    ///
    /// The store stays open as long as there is a clone of the engine, also in a server's state.
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
