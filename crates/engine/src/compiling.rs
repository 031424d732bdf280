//! Compiles filters where nobody waits for it but those who asked.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::mapping::{ApiError, ErrorCode, Mapping, UncompiledMapping};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many mappings have their filters compiled at a time. One may keep a core busy: with two, a change with
/// costly filters does not hold up every other one, and messages still have the rest of the machine.
const AT_A_TIME: usize = 2;

/// How long a change waits for its filters, so that whoever asked for it is still there to be told. Those that are
/// legal take milliseconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Compiles filters on threads of their own. Mappings and requests go on meanwhile.
pub(crate) struct Compiling(Arc<Semaphore>);

impl Compiling {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }

    /// Makes a mapping of a draft within [`PATIENCE`], or not at all.
    pub(crate) async fn compile_soon(&self, draft: UncompiledMapping) -> Result<Mapping, ApiError> {
        let compiled = timeout(PATIENCE, self.compile(draft)).await;
        compiled.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(ApiError::new(
                ErrorCode::Service,
                format!("The filters were not compiled in {seconds} s; nothing was changed."),
            ))
        })
    }

    /// Makes a mapping of a draft, and warns of filters that Lambda takes though they can never match.
    pub(crate) async fn compile(&self, draft: UncompiledMapping) -> Result<Mapping, ApiError> {
        if !draft.has_filters() {
            return draft.compile();
        }
        // The semaphore is never closed.
        let permit = self.0.clone().acquire_owned().await;
        let compiled = tokio::task::spawn_blocking(|| {
            // Until the end, also if nobody waits for it any more.
            let _permit = permit;
            let mapping = draft.compile()?;
            for doubt in mapping.unmatchable_filters() {
                tracing::warn!(mapping = %mapping.uuid, "{doubt}");
            }
            Ok(mapping)
        });
        compiled.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the compilation of filters ended without a result");
            let text = "The compilation of the filters ended without a result.";
            Err(ApiError::new(ErrorCode::Service, text))
        })
    }
}
