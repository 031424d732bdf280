//! The mappings of an engine, by UUID.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lambda_esm_core::lifecycle::{LastProcessingResult, Lifecycle};
use lambda_esm_core::mapping::{
    ApiError, ErrorCode, EventSourceMappingConfiguration, Mapping, Source,
};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::options::EngineOptions;
use crate::reporter::Reporter;
use crate::status::MappingStatus;
use crate::supervisor::Order;

/// One mapping, and the way to its supervisor.
pub(crate) struct Entry {
    pub(crate) mapping: Arc<Mapping>,
    /// Its stable identity in a configuration file; `None` if it was made through the API.
    pub(crate) origin: Option<String>,
    pub(crate) orders: mpsc::Sender<Order>,
    /// Tells the supervisor that source or function may have changed.
    pub(crate) facts_changed: Arc<Notify>,
    pub(crate) reporter: Reporter,
}

impl Entry {
    pub(crate) fn lifecycle(&self) -> Lifecycle {
        self.reporter.progress.borrow().lifecycle
    }

    /// Sets the mapping on its way; the supervisor brings it to its end.
    pub(crate) fn set_lifecycle(&self, lifecycle: Lifecycle) {
        self.reporter
            .progress
            .send_modify(|progress| progress.lifecycle = lifecycle);
    }

    /// Returns the mapping as the API shows it.
    pub(crate) fn configuration(&self, options: &EngineOptions) -> EventSourceMappingConfiguration {
        let progress = self.reporter.progress.borrow();
        let mut configuration = self.mapping.configuration(
            &options.region,
            &options.account_id,
            progress.lifecycle.state(),
            self.mapping.transition_reason(),
            progress.last_result,
        );
        // What stands between a mapping and its broker is shown in place of what the last batch came to (Lambda
        // developer guide, "Troubleshooting Kafka event source mapping"), and why the state is what it is by a code (the
        // same, and "Troubleshooting Amazon MQ event source mapping errors").
        if let Source::Kafka(_) | Source::Mq(_) | Source::DocumentDb(_) = self.mapping.source
            && let Some(problem) = progress.source_problem()
        {
            configuration.last_processing_result = Some(problem.clone());
            if let Some(reason) = progress.source_reason() {
                reason
                    .as_str()
                    .clone_into(&mut configuration.state_transition_reason);
            }
        }
        if let Some(problem) = self.mapping.disabling_problem() {
            configuration.last_processing_result = Some(problem.to_owned());
        }
        configuration
    }

    /// Says why the mapping has disabled itself, and how it goes on; `None` if it has not.
    fn disabled_because(&self) -> Option<String> {
        let because = self.mapping.disabled_because.as_ref()?;
        Some(match self.origin {
            Some(_) => format!(
                "{because}; the configuration file enables it only once it has had it disabled at a start, the API at any time"
            ),
            None => because.clone(),
        })
    }

    pub(crate) fn status(&self) -> MappingStatus {
        let mapping = &self.mapping;
        let progress = self.reporter.progress.borrow();
        let problem = progress.source_problem();
        let activity = &progress.activity;
        let problem = problem.or(activity.halted.as_ref());
        let problem = problem.or(activity.function_problem.as_ref()).cloned();
        MappingStatus {
            uuid: mapping.uuid,
            source: mapping.source.name(),
            function: mapping.function.name().to_owned(),
            state: progress.lifecycle.state(),
            last_processing_result: progress
                .last_result
                .unwrap_or(LastProcessingResult::NoRecords),
            problem: problem.or_else(|| self.disabled_because()),
            activity: progress.activity.clone(),
            counts: progress.counts,
        }
    }
}

/// All mappings. Readers never wait for a change that is being made durable.
pub(crate) struct Registry {
    entries: RwLock<BTreeMap<Uuid, Entry>>,
    /// Held from the check of a change until it is durable and visible: changes happen one at a time.
    pub(crate) changes: Mutex<()>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopped: CancellationToken,
    /// Whether the engine has begun with what its store had kept.
    pub(crate) started: AtomicBool,
    /// Told when a mapping was added.
    pub(crate) added: watch::Sender<()>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            entries: RwLock::default(),
            changes: Mutex::default(),
            tasks: TaskTracker::new(),
            stopped: CancellationToken::new(),
            started: AtomicBool::new(false),
            added: watch::Sender::new(()),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mapping(&self, uuid: Uuid) -> Result<Arc<Mapping>, ApiError> {
        let entries = self.read();
        let entry = entries.get(&uuid).ok_or_else(not_found)?;
        Ok(entry.mapping.clone())
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stopped.cancel();
    }
}

pub(crate) fn not_found() -> ApiError {
    ApiError::new(
        ErrorCode::ResourceNotFound,
        "The resource you requested does not exist.",
    )
}
