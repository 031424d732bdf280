//! How far a mapping has come in a shard, as it is kept across restarts.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::port::Start;
use crate::time::Timestamp;

/// A place in a shard: everything before it is settled, nothing after it is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Before the oldest record.
    TrimHorizon,
    /// Before the first record that arrived at this time, in milliseconds since the Unix epoch, or later.
    Since(i64),
    /// After the record with this sequence number.
    After(Arc<str>),
    /// After the last record of a closed shard.
    End,
}

impl Place {
    /// Returns where to begin reading; `None` if there is nothing left to read.
    #[must_use]
    pub fn start_at(&self) -> Option<Start> {
        match self {
            Self::TrimHorizon => Some(Start::TrimHorizon),
            Self::Since(millis) => Some(Start::Timestamp(Timestamp(*millis))),
            Self::After(sequence) => Some(Start::After(sequence.clone())),
            Self::End => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => out.write_str("the oldest record"),
            Self::Since(millis) => {
                let time = Timestamp(*millis).iso_millis();
                write!(out, "the first record since {time}")
            }
            Self::After(sequence) => write!(out, "after {sequence}"),
            Self::End => out.write_str("the end"),
        }
    }
}

/// How far a mapping has come in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The end of the settled prefix.
    pub place: Place,
    /// With several lanes: the last record of each lane that is settled, `None` if that lies before
    /// `place`. So a restart repeats no lane because another one was slower. Empty with one lane.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<Option<Arc<str>>>,
    /// The tumbling window that is open, with the function's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<KeptWindow>,
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
    /// Returns a checkpoint without lanes or window.
    #[must_use]
    pub const fn at(place: Place) -> Self {
        Self {
            place,
            lanes: Vec::new(),
            window: None,
        }
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
            place: Place::After("4959".into()),
            lanes: vec![None, Some("4961".into())],
            window: Some(window),
        };
        for checkpoint in [
            full,
            Checkpoint::at(Place::TrimHorizon),
            Checkpoint::at(Place::Since(1_700_000_000_123)),
            Checkpoint::at(Place::End),
        ] {
            let text = checkpoint.to_text();
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
