//! How an engine begins: with what its store has kept, and what its configuration file says.

use std::collections::BTreeMap;

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::Lifecycle;
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, EventSourceMappingConfiguration, Mapping,
};
use uuid::Uuid;

use crate::engine::{Engine, not_kept};
use crate::registry::stored;
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
    /// Begins with what the store has kept and what a configuration file says; to be called once.
    ///
    /// A file mapping that was there before keeps its UUID and its positions, and takes on the file's
    /// settings. One that the file does not name any more is forgotten, unless another of the file was
    /// refused. Mappings made through the API
    /// are restored as they were. Functions and sources need not exist yet: a mapping that misses them
    /// shows the problem, and tries again.
    ///
    /// # Errors
    /// Fails if the store cannot be read or written.
    pub async fn start(&self, file: Vec<CreateEventSourceMapping>) -> Result<Started, StoreError> {
        let kept = self.shared.store.load().await?;
        let (from_file, from_api): (Vec<_>, Vec<_>) = kept
            .into_iter()
            .partition(|mapping| mapping.origin.is_some());
        let mut started = Started {
            file: Vec::new(),
            restored: Vec::new(),
            unusable: Vec::new(),
        };
        for kept in from_api {
            match self.restore(&kept) {
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
            started.file.push(self.take_over(request, &mut known).await);
        }
        // A file with a mistake in it does not say what is no longer wanted.
        if started.file.iter().all(Result::is_ok) {
            for forgotten in known.into_values() {
                self.shared.store.remove(forgotten.uuid).await?;
            }
        }
        Ok(started)
    }

    fn restore(&self, kept: &StoredMapping) -> Result<Mapping, ApiError> {
        let mut mapping = Mapping::create(kept.request.clone(), &self.shared.context(kept.uuid))?;
        mapping.created = Timestamp(kept.created);
        mapping.last_modified = Timestamp(kept.last_modified);
        Ok(mapping)
    }

    /// Begins a file mapping, as the one it was before if there is one.
    async fn take_over(
        &self,
        request: CreateEventSourceMapping,
        known: &mut BTreeMap<String, StoredMapping>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let mut mapping = Mapping::create(request, &self.shared.context(Uuid::new_v4()))?;
        let origin = origin(&mapping);
        let Some(before) = known.remove(&origin) else {
            return self.add(mapping, Some(origin)).await;
        };
        mapping.uuid = before.uuid;
        mapping.created = Timestamp(before.created);
        if mapping.to_request() == before.request {
            mapping.last_modified = Timestamp(before.last_modified);
        } else {
            let changed = stored(&mapping, Some(&origin));
            self.shared.store.put(changed).await.map_err(not_kept)?;
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
