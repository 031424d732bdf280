//! The states of a mapping, and how it moves between them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The state of a mapping (Lambda API reference, `EventSourceMappingConfiguration`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Accepted, not yet polling.
    Creating,
    /// About to poll again.
    Enabling,
    /// Polling.
    Enabled,
    /// About to stop polling.
    Disabling,
    /// Not polling; positions are kept.
    Disabled,
    /// New settings are being applied.
    Updating,
    /// Finishing what is in flight, then gone.
    Deleting,
}

impl State {
    /// Returns the lasting state that this one leads to; `None` for [`State::Deleting`].
    #[must_use]
    pub const fn settled(self, enabled: bool) -> Option<Self> {
        match self {
            Self::Creating | Self::Enabling | Self::Updating if enabled => Some(Self::Enabled),
            Self::Creating | Self::Enabling | Self::Updating | Self::Disabling => {
                Some(Self::Disabled)
            }
            Self::Enabled | Self::Disabled => Some(self),
            Self::Deleting => None,
        }
    }
}

/// What the last batch of a mapping came to (`LastProcessingResult`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LastProcessingResult {
    /// Nothing was processed yet.
    #[default]
    #[serde(rename = "No records processed")]
    NoRecords,
    /// The last batch was processed.
    #[serde(rename = "OK")]
    Ok,
    /// The function failed, or could not be called.
    #[serde(rename = "PROBLEM: Function call failed")]
    FunctionCallFailed,
}

impl LastProcessingResult {
    /// Returns the text the API shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRecords => "No records processed",
            Self::Ok => "OK",
            Self::FunctionCallFailed => "PROBLEM: Function call failed",
        }
    }
}

/// A mapping on its way from one lasting state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    state: State,
    enabled: bool,
    /// When a transitional state ends.
    until: Option<Timestamp>,
}

impl Lifecycle {
    /// A new mapping: `Creating` if it is to be enabled, else `Disabled` at once (recorded).
    #[must_use]
    pub fn created(now: Timestamp, pace: Duration, enabled: bool) -> Self {
        if enabled {
            Self {
                state: State::Creating,
                enabled,
                until: Some(now + pace),
            }
        } else {
            Self {
                state: State::Disabled,
                enabled,
                until: None,
            }
        }
    }

    /// A mapping that was there before a restart: in its lasting state at once.
    #[must_use]
    pub const fn restored(enabled: bool) -> Self {
        let state = if enabled {
            State::Enabled
        } else {
            State::Disabled
        };
        Self {
            state,
            enabled,
            until: None,
        }
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(self) -> State {
        self.state
    }

    /// Returns when [`advance`](Self::advance) has something to do.
    #[must_use]
    pub const fn next_deadline(self) -> Option<Timestamp> {
        self.until
    }

    /// Tells whether the mapping reads its source: new settings neither stop nor wake it.
    #[must_use]
    pub const fn polls(self) -> bool {
        matches!(self.state, State::Enabled | State::Updating) && self.enabled
    }

    /// Settings change, and perhaps `enabled` with them. Refused (`None`) while another change is under
    /// way (Lambda API reference, `ResourceInUseException`).
    #[must_use]
    pub fn updated(self, now: Timestamp, pace: Duration, enabled: bool) -> Option<Self> {
        let state = match (self.state, enabled) {
            (State::Enabled, true) | (State::Disabled, false) => State::Updating,
            (State::Enabled, false) => State::Disabling,
            (State::Disabled, true) => State::Enabling,
            _ => return None,
        };
        Some(Self {
            state,
            enabled,
            until: Some(now + pace),
        })
    }

    /// The mapping goes. Refused (`None`) while another change is under way.
    #[must_use]
    pub fn deleted(self) -> Option<Self> {
        match self.state {
            State::Updating | State::Deleting => None,
            _ => Some(Self {
                state: State::Deleting,
                enabled: false,
                until: None,
            }),
        }
    }

    /// Ends a transitional state whose time has come. Returns whether the state changed.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        if self.until.is_none_or(|until| until > now) {
            return false;
        }
        self.until = None;
        if let Some(settled) = self.state.settled(self.enabled) {
            self.state = settled;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_millis(100);

    #[test]
    fn a_new_mapping_is_creating_then_enabled() {
        let mut life = Lifecycle::created(Timestamp(0), PACE, true);
        assert_eq!(life.state(), State::Creating);
        assert!(!life.advance(Timestamp(99)));
        assert!(life.advance(Timestamp(100)));
        assert_eq!((life.state(), life.next_deadline()), (State::Enabled, None));
    }

    #[test]
    fn a_mapping_created_disabled_is_disabled_at_once() {
        assert_eq!(
            Lifecycle::created(Timestamp(0), PACE, false).state(),
            State::Disabled
        );
    }

    #[test]
    fn every_change_passes_through_its_own_state() {
        let enabled = Lifecycle {
            state: State::Enabled,
            enabled: true,
            until: None,
        };
        let disabled = Lifecycle {
            state: State::Disabled,
            enabled: false,
            until: None,
        };
        for (from, to, via, end) in [
            (enabled, true, State::Updating, State::Enabled),
            (enabled, false, State::Disabling, State::Disabled),
            (disabled, true, State::Enabling, State::Enabled),
            (disabled, false, State::Updating, State::Disabled),
        ] {
            let mut life = from.updated(Timestamp(0), PACE, to).unwrap();
            assert_eq!(life.state(), via);
            life.advance(Timestamp(100));
            assert_eq!(life.state(), end);
        }
    }

    #[test]
    fn a_second_change_is_refused_while_one_is_under_way() {
        let creating = Lifecycle::created(Timestamp(0), PACE, true);
        assert_eq!(creating.updated(Timestamp(1), PACE, false), None);
        let deleting = creating.deleted().unwrap();
        assert_eq!(deleting.deleted(), None);
        assert_eq!(deleting.updated(Timestamp(1), PACE, true), None);
    }
}
