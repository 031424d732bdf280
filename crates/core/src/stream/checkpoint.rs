//! How far a mapping has come in a shard, as it is kept across restarts.
//!
//! A checkpoint is the settled prefix of its shard: nothing before it is open, nothing after it is lost. It is made
//! durable before a lane's next batch begins (`commits`), so that a crash repeats at most one batch of each lane.

pub(super) mod commits;
pub(super) mod settled_prefix;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::port::{ShardId, Start};
use crate::time::Timestamp;

/// How far a mapping has come in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where reading goes on: everything before it is settled, nothing after it is lost. `None` after the last
    /// record of a closed shard. Never [`Start::Latest`], which would be another place after each restart.
    #[serde(rename = "place", with = "kept_start")]
    pub start: Option<Start>,
    /// With several lanes: the last record of each lane that is settled, `None` if that lies before
    /// `start`. So a restart repeats no lane because another one was slower. Empty with one lane.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<Option<Arc<str>>>,
    /// The tumbling window that is open, with the function's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<KeptWindow>,
}

/// How far a mapping had come in a shard, as a store has kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// The stream that it belongs to ([`StreamFacts::identity`](super::StreamFacts::identity)).
    pub identity: String,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// What a store has kept of a mapping's checkpoints; empty for a new mapping.
pub type KeptCheckpoints = BTreeMap<ShardId, KeptCheckpoint>;

/// How a checkpoint's start is written.
mod kept_start {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Start, Timestamp};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kept {
        TrimHorizon,
        /// Milliseconds since the Unix epoch.
        Since(i64),
        After(Arc<str>),
        End,
    }

    pub(super) fn serialize<S: Serializer>(
        start: &Option<Start>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let kept = match start {
            Some(Start::TrimHorizon | Start::Latest) => Kept::TrimHorizon,
            Some(Start::Timestamp(time)) => Kept::Since(time.millis()),
            Some(Start::After(sequence)) => Kept::After(sequence.clone()),
            None => Kept::End,
        };
        kept.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Start>, D::Error> {
        Ok(match Kept::deserialize(deserializer)? {
            Kept::TrimHorizon => Some(Start::TrimHorizon),
            Kept::Since(millis) => Some(Start::Timestamp(Timestamp(millis))),
            Kept::After(sequence) => Some(Start::After(sequence)),
            Kept::End => None,
        })
    }
}

/// A tumbling window that is open, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptWindow {
    /// When it starts, in milliseconds since the Unix epoch.
    pub start: i64,
    /// When it ends, in milliseconds since the Unix epoch.
    pub end: i64,
    /// The JSON object that the function returned last.
    pub state: Arc<RawValue>,
}

impl PartialEq for KeptWindow {
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.end, self.state.get()) == (other.start, other.end, other.state.get())
    }
}

impl Eq for KeptWindow {}

impl Checkpoint {
    /// The end of a closed shard: there is nothing left to read.
    pub const END: Self = Self {
        start: None,
        lanes: Vec::new(),
        window: None,
    };

    /// Returns a checkpoint without lanes or window.
    #[must_use]
    pub const fn at(start: Start) -> Self {
        Self {
            start: Some(start),
            lanes: Vec::new(),
            window: None,
        }
    }

    /// Returns where reading goes on, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let start = self.start.as_ref();
        start.map_or_else(|| "the end".to_owned(), ToString::to_string)
    }

    /// Returns the checkpoint as text, for a store.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` if `text` is something else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Compares two sequence numbers of one shard: decimal digits of any length.
#[must_use]
pub fn compare_sequences(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let state = RawValue::from_string(r#"{"sum":12}"#.to_owned()).unwrap();
        let window = KeptWindow {
            start: 60_000,
            end: 120_000,
            state: state.into(),
        };
        let full = Checkpoint {
            lanes: vec![None, Some("4961".into())],
            window: Some(window),
            ..Checkpoint::at(Start::After("4959".into()))
        };
        let since = Start::Timestamp(Timestamp(1_700_000_000_123));
        let full_text = r#"{"place":{"after":"4959"},"lanes":[null,"4961"],"window":{"start":60000,"end":120000,"state":{"sum":12}}}"#;
        for (checkpoint, kept) in [
            (full, full_text),
            (
                Checkpoint::at(Start::TrimHorizon),
                r#"{"place":"trim_horizon"}"#,
            ),
            (
                Checkpoint::at(since),
                r#"{"place":{"since":1700000000123}}"#,
            ),
            (Checkpoint::END, r#"{"place":"end"}"#),
        ] {
            let text = checkpoint.to_text();
            assert_eq!(text, kept, "what older versions have kept is read too");
            assert_eq!(Checkpoint::from_text(&text), Some(checkpoint), "{text}");
        }
        assert_eq!(Checkpoint::from_text("4959"), None);
    }

    #[test]
    fn sequence_numbers_compare_as_numbers() {
        assert_eq!(compare_sequences("9", "10"), Ordering::Less);
        assert_eq!(compare_sequences("0010", "10"), Ordering::Equal);
        assert_eq!(
            compare_sequences(
                "49590338271490256608559692538361571095921575989136588898",
                "5"
            ),
            Ordering::Greater
        );
    }
}
