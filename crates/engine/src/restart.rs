//! How an engine begins: with what its store has kept, and what its configuration file says.

use std::collections::BTreeMap;

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::Lifecycle;
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, EventSourceMappingConfiguration, Mapping,
};
use uuid::Uuid;

use crate::changes::Change;
use crate::engine::Engine;
use crate::store::{StoreError, StoredMapping};

/// How an engine began.
#[derive(Debug)]
pub struct Started {
    /// What became of each file mapping, in their order.
    pub file: Vec<Result<EventSourceMappingConfiguration, ApiError>>,
    /// Mappings that the store had kept and the file does not name: made through the API.
    pub restored: Vec<EventSourceMappingConfiguration>,
    /// Kept mappings that cannot be used any more, and why. They stay in the store.
    pub unusable: Vec<(Uuid, ApiError)>,
}

impl Engine {
    /// Begins with what the store has kept and what a configuration file says.
    ///
    /// A file mapping that was there before keeps its UUID and its positions, and takes on the file's
    /// settings. One that the file does not name any more is forgotten, unless another of the file was
    /// refused. Mappings made through the API
    /// are restored as they were. Functions and sources need not exist yet: a mapping that misses them
    /// shows the problem, and tries again.
    ///
    /// Mappings that are there already, since they were made before or by an earlier start, go on as they are;
    /// one of the file that is the same as one of them is refused. Cancel safe, like a change of a mapping.
    ///
    /// # Errors
    /// Fails if the store cannot be read or written.
    pub async fn start(&self, file: Vec<CreateEventSourceMapping>) -> Result<Started, StoreError> {
        let engine = self.clone();
        let started = self.spawned(async move { engine.begin_with(file).await });
        let failed = |text: &str| StoreError::Io(text.to_owned());
        started.await.map_err(failed)?
    }

    async fn begin_with(&self, file: Vec<CreateEventSourceMapping>) -> Result<Started, StoreError> {
        let change = self.registry.changes.lock().await;
        let mut kept = self.shared.store.load().await?;
        kept.retain(|mapping| self.registry.mapping(mapping.uuid).is_err());
        let (from_file, from_api): (Vec<_>, Vec<_>) = kept
            .into_iter()
            .partition(|mapping| mapping.origin.is_some());
        let mut started = Started {
            file: Vec::new(),
            restored: Vec::new(),
            unusable: Vec::new(),
        };
        for kept in from_api {
            match self.restore(&kept).await {
                Ok(mapping) => {
                    let lifecycle = Lifecycle::restored(mapping.enabled);
                    started.restored.push(self.begin(mapping, None, lifecycle));
                }
                Err(error) => started.unusable.push((kept.uuid, error)),
            }
        }
        let mut known: BTreeMap<String, StoredMapping> = from_file
            .into_iter()
            .filter_map(|mapping| Some((mapping.origin.clone()?, mapping)))
            .collect();
        for request in file {
            let begun = self.take_over(&change, request, &mut known).await;
            started.file.push(begun);
        }
        // A file with a mistake in it does not say what is no longer wanted.
        if started.file.iter().all(Result::is_ok) {
            for forgotten in known.into_values() {
                self.shared.store.remove(forgotten.uuid).await?;
            }
        }
        Ok(started)
    }

    async fn restore(&self, kept: &StoredMapping) -> Result<Mapping, ApiError> {
        let mut request = kept.request.clone().without_empty_destination();
        // Parallel requests could once give a mapping more tags than it may have.
        let tags = request.tags.take().unwrap_or_default();
        let draft = Mapping::draft(request, &self.shared.context(kept.uuid))?;
        let mut mapping = self.shared.compiling.compile(draft).await?;
        mapping.tags = tags;
        mapping.created = Timestamp(kept.created);
        mapping.last_modified = Timestamp(kept.last_modified);
        Ok(mapping)
    }

    /// Begins a file mapping, as the one it was before if there is one.
    async fn take_over(
        &self,
        change: &Change<'_>,
        request: CreateEventSourceMapping,
        known: &mut BTreeMap<String, StoredMapping>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let draft = Mapping::draft(request, &self.shared.context(Uuid::new_v4()))?;
        self.check_duplicate(draft.mapping())?;
        let mut mapping = self.shared.compiling.compile(draft).await?;
        let origin = origin(&mapping);
        let Some(before) = known.remove(&origin) else {
            return self.add(change, mapping, Some(origin)).await;
        };
        mapping.uuid = before.uuid;
        mapping.created = Timestamp(before.created);
        if mapping.to_request() == before.request {
            mapping.last_modified = Timestamp(before.last_modified);
        } else {
            self.keep(&mapping, Some(&origin)).await?;
        }
        let lifecycle = Lifecycle::restored(mapping.enabled);
        Ok(self.begin(mapping, Some(origin), lifecycle))
    }
}

/// Returns what makes a file mapping the same one at the next start: what it reads, and its function.
fn origin(mapping: &Mapping) -> String {
    let request = mapping.to_request();
    serde_json::json!([
        request.event_source_arn,
        request.self_managed_event_source,
        request.topics,
        request.queues,
        request.document_db_event_source_config,
        request.function_name,
    ])
    .to_string()
}
