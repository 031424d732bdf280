//! Decisions that timelines tell.

use lambda_esm_core::decision::Decision;

use super::run::Played;

/// Returns the line of a decision; `None` for those that say what another line says already.
pub(crate) fn text(_played: &Played, _decision: &Decision) -> Option<String> {
    None
}

/// Returns the records that such a line names.
pub(crate) fn records(_played: &Played, text: &str) -> Vec<String> {
    super::text::names(text)
}
