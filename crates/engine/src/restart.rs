//! How an engine begins: with what its store has kept, and what its configuration file says.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::Lifecycle;
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration, Mapping,
};
use uuid::Uuid;

use crate::builder::EngineBuilder;
use crate::changes::{Change, in_use, not_kept};
use crate::engine::Engine;
use crate::store::StoreError;
use crate::stored::{KeptMapping, read_mapping};

/// How an engine began.
#[derive(Debug)]
#[non_exhaustive]
pub struct Started {
    /// What became of each file mapping, in their order.
    pub file: Vec<Result<EventSourceMappingConfiguration, ApiError>>,
    /// Mappings that the store had kept and the file does not name: made through the API.
    pub restored: Vec<EventSourceMappingConfiguration>,
    /// Kept mappings that cannot be used any more, or cannot be forgotten, and why. They stay in the store, until
    /// [`Engine::forget`].
    pub unusable: Vec<(Uuid, ApiError)>,
}

/// Why an engine has not begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What the store has kept cannot be read. Nothing was changed, and the start can be made again.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// It has begun already.
    #[error("the engine was started already; it can be started once")]
    Again,
    /// There is no tokio runtime for its mappings to live on, or it has ended.
    #[error("{0}")]
    Runtime(String),
}

impl EngineBuilder {
    /// Builds the engine and [starts](Engine::start) it with what its store has kept and what a configuration file
    /// says: the list may be empty.
    ///
    /// # Errors
    /// Fails as [`Engine::start`] does.
    pub async fn start(
        self,
        file: Vec<CreateEventSourceMapping>,
    ) -> Result<(Engine, Started), StartError> {
        let engine = self.build();
        let started = engine.start(file).await?;
        Ok((engine, started))
    }
}

impl Engine {
    /// Begins with what the store has kept and what a configuration file says. An engine begins once.
    ///
    /// A file mapping that was there before keeps its UUID and its checkpoints, and takes on the file's
    /// settings. One that the file does not name any more is forgotten, unless another of the file was
    /// refused. Mappings made through the API
    /// are restored as they were. A mapping that has disabled itself stays so, until the API enables it, or the file has
    /// had it disabled at a start. Functions and sources need not exist yet: a mapping that misses them
    /// shows the problem, and tries again.
    ///
    /// Mappings that are there already, since they were made before, go on as they are; one of the file or of the
    /// store that reads the same source for the same function is refused. Cancel safe, like a change of a mapping.
    ///
    /// # Errors
    /// Fails if the store cannot be read, or the engine was started before.
    pub async fn start(&self, file: Vec<CreateEventSourceMapping>) -> Result<Started, StartError> {
        let engine = self.clone();
        let started = self.spawned(async move { engine.begin_with(file).await });
        let no_runtime = |text: &str| StartError::Runtime(text.to_owned());
        started.await.map_err(no_runtime)?
    }

    /// Forgets a mapping that the store has kept and that [could not be used](Started::unusable). No error if there is
    /// none.
    ///
    /// # Errors
    /// Fails if the mapping is in use: then it can be deleted. Fails if the store cannot forget it.
    pub async fn forget(&self, uuid: Uuid) -> Result<(), ApiError> {
        self.to_its_end(move |engine| async move {
            let _change = engine.registry.changes.lock().await;
            if engine.registry.mapping(uuid).is_ok() {
                return Err(in_use("forget"));
            }
            engine.shared.store.remove(uuid).await.map_err(not_kept)
        })
        .await
    }

    async fn begin_with(&self, file: Vec<CreateEventSourceMapping>) -> Result<Started, StartError> {
        let change = self.registry.changes.lock().await;
        if self.registry.started.load(Ordering::Acquire) {
            return Err(StartError::Again);
        }
        let stored = self.shared.store.load().await?;
        self.registry.started.store(true, Ordering::Release);
        let mut started = Started {
            file: Vec::new(),
            restored: Vec::new(),
            unusable: Vec::new(),
        };
        let (mut of_file, mut of_api) = (BTreeMap::new(), Vec::new());
        for stored in stored {
            let uuid = stored.uuid;
            if self.registry.mapping(uuid).is_ok() {
                continue;
            }
            match read_mapping(&stored) {
                Ok(kept) => match kept.origin.clone() {
                    Some(origin) => drop(of_file.insert(origin, (uuid, kept))),
                    None => of_api.push((uuid, kept)),
                },
                Err(error) => started.unusable.push((uuid, error)),
            }
        }
        // Of several of one source and function, which only those make who create before they start, the one made
        // last is the one that was meant.
        of_api.sort_by_key(|(uuid, kept)| (Reverse(kept.created), *uuid));
        for (uuid, kept) in of_api {
            match self.restore(uuid, kept).await {
                Ok(mapping) => {
                    let lifecycle = Lifecycle::restored(mapping.enabled);
                    started.restored.push(self.begin(mapping, None, lifecycle));
                }
                Err(error) => started.unusable.push((uuid, error)),
            }
        }
        for request in file {
            let begun = self.take_over(&change, request, &mut of_file).await;
            started.file.push(begun);
        }
        // A file with a mistake in it does not say what is no longer wanted.
        if started.file.iter().all(Result::is_ok) {
            for (uuid, _) in of_file.into_values() {
                if let Err(error) = self.shared.store.remove(uuid).await {
                    let text = format!("The mapping cannot be forgotten: {error}");
                    let error = ApiError::new(ErrorCode::Service, text);
                    started.unusable.push((uuid, error));
                }
            }
        }
        Ok(started)
    }

    async fn restore(&self, uuid: Uuid, kept: KeptMapping) -> Result<Mapping, ApiError> {
        let mut request = kept.request.without_empty_destination();
        // Parallel requests could once give a mapping more tags than it may have.
        let tags = request.tags.take().unwrap_or_default();
        let draft = Mapping::draft(request, &self.shared.context(uuid))?;
        self.check_duplicate(draft.mapping())?;
        let mut mapping = self.shared.compiling.compile(draft).await?;
        mapping.tags = tags;
        mapping.created = Timestamp(kept.created);
        mapping.last_modified = Timestamp(kept.last_modified);
        mapping.disabled_because = kept.disabled_because;
        Ok(mapping)
    }

    /// Begins a file mapping, as the one it was before if there is one.
    async fn take_over(
        &self,
        change: &Change<'_>,
        request: CreateEventSourceMapping,
        known: &mut BTreeMap<String, (Uuid, KeptMapping)>,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let draft = Mapping::draft(request, &self.shared.context(self.shared.fresh.uuid()))?;
        self.check_duplicate(draft.mapping())?;
        let mut mapping = self.shared.compiling.compile(draft).await?;
        let origin = origin(&mapping);
        let Some((uuid, before)) = known.remove(&origin) else {
            return self.add(change, mapping, Some(origin)).await;
        };
        mapping.uuid = uuid;
        mapping.created = Timestamp(before.created);
        if before.disabled_because.is_some() && mapping.enabled {
            // The file says what it said when the mapping disabled itself: nobody has looked at why.
            mapping.enabled = false;
            mapping.disabled_because = before.disabled_because.clone();
        }
        let is_known = mapping.disabled_because == before.disabled_because;
        if is_known && mapping.to_request() == before.request {
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
