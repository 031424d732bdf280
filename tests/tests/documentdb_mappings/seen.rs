//! What the functions of the tests see of a change stream.

use lambda_esm_tests::scripted::{self, SeenRecord};
use serde_json::Value;

pub(crate) type Script = scripted::Script<Change>;

/// One change, as a function saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change(pub(crate) Value);

impl Change {
    /// Returns what was done, where, and to which document.
    pub(crate) fn summary(&self) -> (String, String, i64) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = self.0["documentKey"]["_id"].as_i64();
        (
            text(&self.0["operationType"]),
            text(&self.0["ns"]["coll"]),
            id.unwrap_or(-1),
        )
    }
}

impl SeenRecord for Change {
    fn read(event: &[u8]) -> Vec<Self> {
        let mut event: Value = serde_json::from_slice(event).unwrap();
        assert_eq!(event["eventSource"], "aws:docdb");
        let events = event["events"].as_array_mut().unwrap();
        let changes = events.iter_mut().map(|each| Self(each["event"].take()));
        changes.collect()
    }
}
