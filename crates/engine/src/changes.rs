//! Changes of mappings: made one at a time, and run to their end.

use std::collections::BTreeMap;
use std::sync::Arc;

use lambda_esm_core::lifecycle::{Lifecycle, State};
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration, Mapping,
    UpdateEventSourceMapping, check_tags, duplicate_error,
};
use tokio::sync::MutexGuard;
use uuid::Uuid;

use crate::engine::Engine;
use crate::polling;
use crate::registry::{Entry, not_found};
use crate::store::StoreError;
use crate::stored::write_mapping;
use crate::supervisor::Order;

/// The right to change mappings: what was checked under it still holds when it is made durable.
pub(crate) type Change<'a> = MutexGuard<'a, ()>;

/// Cancel safe: a change that was begun goes on to its end though nobody waits for it any more.
impl Engine {
    /// Creates a mapping, as `CreateEventSourceMapping` does, and begins polling if it is enabled.
    ///
    /// # Errors
    /// Fails with the API's error if the request is not valid, the function or the source does not
    /// exist, the same mapping exists already (also while it is being deleted), or the store cannot keep it.
    pub async fn create(
        &self,
        request: CreateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.to_its_end(|engine| async move {
            let draft =
                Mapping::draft(request, &engine.shared.context(engine.shared.fresh.uuid()))?;
            engine.check_duplicate(draft.mapping())?;
            let mapping = engine.shared.compiling.compile_soon(draft).await?;
            polling::check(&engine.shared, &mapping).await?;
            let change = engine.registry.changes.lock().await;
            engine.add(&change, mapping, None).await
        })
        .await
    }

    /// Adds a mapping that is valid: checks for duplicates, keeps it, and lets it begin.
    pub(crate) async fn add(
        &self,
        _change: &Change<'_>,
        mapping: Mapping,
        origin: Option<String>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        if self.registry.tasks.is_closed() {
            return Err(service("The engine is shutting down."));
        }
        self.check_duplicate(&mapping)?;
        self.keep(&mapping, origin.as_ref()).await?;
        let now = self.shared.clock.now();
        let transition = self.shared.options.transition;
        let lifecycle = Lifecycle::created(now, transition, mapping.enabled);
        Ok(self.begin(mapping, origin, lifecycle))
    }

    /// Checks that no other mapping reads the same source for the same function.
    pub(crate) fn check_duplicate(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let entries = self.registry.read();
        let mut others = entries
            .values()
            .filter(|entry| entry.mapping.uuid != mapping.uuid);
        match others.find_map(|entry| duplicate_error(&entry.mapping, mapping)) {
            Some(conflict) => Err(conflict),
            None => Ok(()),
        }
    }

    pub(crate) async fn keep(
        &self,
        mapping: &Mapping,
        origin: Option<&String>,
    ) -> Result<(), ApiError> {
        let kept = self.shared.store.put(write_mapping(mapping, origin)).await;
        kept.map_err(not_kept)
    }

    /// Changes a mapping, as `UpdateEventSourceMapping` does, while it runs.
    ///
    /// # Errors
    /// Fails if there is no such mapping, the request is not valid, another mapping reads the same source for
    /// the function it names, another change is under way, or the store cannot keep it.
    pub async fn update(
        &self,
        uuid: Uuid,
        request: UpdateEventSourceMapping,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.to_its_end(move |engine| async move {
            let current = engine.registry.mapping(uuid)?;
            let draft = current.revised(request, &engine.shared.context(uuid))?;
            engine.check_update(&current, draft.mapping())?;
            let updated = engine.shared.compiling.compile_soon(draft).await?;
            polling::check(&engine.shared, &updated).await?;
            let _change = engine.registry.changes.lock().await;
            engine.check_update(&current, &updated)?;
            engine.replace(Arc::new(updated)).await
        })
        .await
    }

    /// Checks that a mapping is still the one that an update began with, that nothing else changes it, and that
    /// it will not be the same as another.
    fn check_update(&self, current: &Arc<Mapping>, updated: &Mapping) -> Result<(), ApiError> {
        let entries = self.registry.read();
        let entry = entries.get(&current.uuid).ok_or_else(not_found)?;
        if !Arc::ptr_eq(&entry.mapping, current) {
            return Err(in_use("update"));
        }
        self.on_its_way(entry, updated)?;
        drop(entries);
        if updated.function == current.function {
            return Ok(());
        }
        self.check_duplicate(updated)
    }

    /// Puts a changed mapping into the place of the one with its UUID.
    async fn replace(
        &self,
        updated: Arc<Mapping>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let uuid = updated.uuid;
        let (orders, origin) = {
            let entries = self.registry.read();
            let entry = entries.get(&uuid).ok_or_else(not_found)?;
            self.on_its_way(entry, &updated)?;
            (entry.orders.clone(), entry.origin.clone())
        };
        // Reserved first: a supervisor that is gone must not be found out after the change is durable.
        let order = orders.reserve().await.map_err(|_| not_found())?;
        self.keep(&updated, origin.as_ref()).await?;
        let mut entries = self.registry.write();
        let entry = entries.get_mut(&uuid).ok_or_else(not_found)?;
        entry.set_lifecycle(self.on_its_way(entry, &updated)?);
        entry.mapping = updated.clone();
        // The function may be another one.
        self.shared.metrics.of(&updated);
        order.send(Order::Update(updated));
        Ok(entry.configuration(&self.shared.options))
    }

    /// Disables a mapping that cannot go on, and keeps why: before that is durable nothing of it changes. Returns the
    /// mapping as it is then. One that a user disables at the same time has the reason too.
    pub(crate) async fn disable_itself(
        &self,
        uuid: Uuid,
        because: String,
    ) -> Result<Arc<Mapping>, ApiError> {
        let _change = self.registry.changes.lock().await;
        let (mut mapping, origin) = {
            let entries = self.registry.read();
            let entry = entries.get(&uuid).ok_or_else(not_found)?;
            if entry.lifecycle().state() == State::Deleting {
                return Ok(entry.mapping.clone());
            }
            (Mapping::clone(&entry.mapping), entry.origin.clone())
        };
        let now = self.shared.clock.now();
        mapping.enabled = false;
        mapping.last_modified = now;
        mapping.disabled_because = Some(because);
        self.keep(&mapping, origin.as_ref()).await?;
        let mapping = Arc::new(mapping);
        let mut entries = self.registry.write();
        let entry = entries.get_mut(&uuid).ok_or_else(not_found)?;
        entry.mapping = mapping.clone();
        if let Some(halted) = entry.lifecycle().halted(now) {
            entry.set_lifecycle(halted);
        }
        Ok(mapping)
    }

    fn on_its_way(&self, entry: &Entry, updated: &Mapping) -> Result<Lifecycle, ApiError> {
        let (now, transition) = (self.shared.clock.now(), self.shared.options.transition);
        let lifecycle = entry.lifecycle();
        lifecycle
            .updated(now, transition, updated.enabled)
            .ok_or_else(|| in_use("update"))
    }

    /// Deletes a mapping, as `DeleteEventSourceMapping` does: it stops polling, finishes what is in
    /// flight within the engine's bound, and goes.
    ///
    /// # Errors
    /// Fails if there is no such mapping, another change is under way, or the store cannot forget it.
    pub async fn delete(&self, uuid: Uuid) -> Result<EventSourceMappingConfiguration, ApiError> {
        self.to_its_end(move |engine| async move {
            let _change = engine.registry.changes.lock().await;
            let (orders, deleted) = {
                let entries = engine.registry.read();
                let entry = entries.get(&uuid).ok_or_else(not_found)?;
                let deleted = entry.lifecycle().deleted();
                (
                    entry.orders.clone(),
                    deleted.ok_or_else(|| in_use("delete"))?,
                )
            };
            let order = orders.reserve().await.map_err(|_| not_found())?;
            let forgotten = engine.shared.store.remove(uuid).await;
            forgotten.map_err(not_kept)?;
            let entries = engine.registry.read();
            let entry = entries.get(&uuid).ok_or_else(not_found)?;
            entry.set_lifecycle(deleted);
            order.send(Order::Delete);
            Ok(entry.configuration(&engine.shared.options))
        })
        .await
    }

    /// Adds tags to a mapping, in place of those with the same keys.
    ///
    /// # Errors
    /// Fails if there is no such mapping, it would have more than [`MOST_TAGS`](lambda_esm_core::mapping::MOST_TAGS), or the store cannot keep it.
    pub async fn tag(&self, uuid: Uuid, tags: BTreeMap<String, String>) -> Result<(), ApiError> {
        self.retag(uuid, |current| {
            current.extend(tags);
            check_tags(current)
        })
        .await
    }

    /// Removes tags from a mapping; keys that it does not have are no error.
    ///
    /// # Errors
    /// Fails if there is no such mapping, or the store cannot keep it.
    pub async fn untag(&self, uuid: Uuid, keys: &[String]) -> Result<(), ApiError> {
        let keys = keys.to_vec();
        self.retag(uuid, move |current| {
            current.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await
    }

    async fn retag(
        &self,
        uuid: Uuid,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError> {
        self.to_its_end(move |engine| async move {
            let _change = engine.registry.changes.lock().await;
            let mut mapping = Mapping::clone(&*engine.registry.mapping(uuid)?);
            change(&mut mapping.tags)?;
            let origin = {
                let entries = engine.registry.read();
                entries.get(&uuid).and_then(|entry| entry.origin.clone())
            };
            engine.keep(&mapping, origin.as_ref()).await?;
            let mut entries = engine.registry.write();
            entries.get_mut(&uuid).ok_or_else(not_found)?.mapping = Arc::new(mapping);
            Ok(())
        })
        .await
    }

    /// Makes a change as a task of its own, on the runtime that the mappings run on.
    pub(crate) async fn to_its_end<T: Send + 'static, R>(
        &self,
        change: impl FnOnce(Self) -> R,
    ) -> Result<T, ApiError>
    where
        R: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let done = self.spawned(change(self.clone())).await;
        done.unwrap_or_else(|text| Err(service(text)))
    }

    /// Waits for what runs on though this future is dropped. Fails, and says why, if there is no result.
    pub(crate) async fn spawned<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, &'static str> {
        let Some(runtime) = self.shared.runtime() else {
            return Err("The engine needs a tokio runtime.");
        };
        runtime.spawn(work).await.map_err(|error| {
            tracing::error!(%error, "a change of mappings ended without a result");
            if error.is_cancelled() {
                "The tokio runtime that the engine lives on has ended."
            } else {
                "The change ended without a result."
            }
        })
    }
}

pub(crate) fn in_use(change: &str) -> ApiError {
    let text = format!("Cannot {change} the event source mapping because it is in use.");
    ApiError::new(ErrorCode::ResourceInUse, text)
}

fn service(text: &str) -> ApiError {
    ApiError::new(ErrorCode::Service, text)
}

pub(crate) fn not_kept(error: StoreError) -> ApiError {
    service(&format!("the mapping could not be kept: {error}"))
}
