//! What is read of the answers of Kinesis (Kinesis API reference).

use serde::Deserialize;

/// Of `DescribeStreamSummary`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub(super) stream_description_summary: Option<Summary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    /// In seconds.
    pub(super) stream_creation_timestamp: Option<f64>,
    pub(super) retention_period_hours: Option<u64>,
}
