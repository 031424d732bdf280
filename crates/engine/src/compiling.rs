//! Compiles filters where nobody waits for it but those who asked.

use lambda_esm_core::mapping::{ApiError, Draft, ErrorCode, Mapping};
use tokio::sync::Semaphore;

/// How many mappings have their filters compiled at a time. One may keep a core busy: with two, a change with
/// costly filters does not hold up every other one, and messages still have the rest of the machine.
const AT_A_TIME: usize = 2;

/// Compiles filters on threads of their own. Mappings and requests go on meanwhile.
pub(crate) struct Compiling(Semaphore);

impl Compiling {
    pub(crate) const fn new() -> Self {
        Self(Semaphore::const_new(AT_A_TIME))
    }

    /// Makes a mapping of a draft, and warns of filters that Lambda takes though they can never match.
    pub(crate) async fn compile(&self, draft: Draft) -> Result<Mapping, ApiError> {
        if !draft.has_filters() {
            return draft.compile();
        }
        // The semaphore is never closed.
        let _permit = self.0.acquire().await;
        let compiled = tokio::task::spawn_blocking(|| {
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
