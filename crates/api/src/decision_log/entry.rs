//! A decision as the log tells it: with the same in plain words beside it.

use lambda_esm_engine::Event;
use serde::{Serialize, Serializer};

/// A decision as the log tells it: beside its members stands `text`, the same in plain words.
#[derive(Debug)]
pub(super) struct Entry(pub(super) Event);

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithText<'a> {
            #[serde(flatten)]
            event: &'a Event,
            text: String,
        }
        let event = &self.0;
        let text = event.decision.to_string();
        WithText { event, text }.serialize(serializer)
    }
}
