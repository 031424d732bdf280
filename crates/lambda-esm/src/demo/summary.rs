//! How the demo ended.

use serde::Serialize;

use super::orders::OrdersSummary;
use super::readings::ReadingsSummary;

/// How the demo ended: the queue, and below `stream` the stream.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    pub(super) queue: OrdersSummary,
    pub(super) stream: ReadingsSummary,
}
