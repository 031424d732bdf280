//! The states of a mapping, and how it moves between them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The state of a mapping (Lambda API reference, `EventSourceMappingConfiguration`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
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
#[non_exhaustive]
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
    /// When a transitional state ends at the earliest.
    until: Option<Timestamp>,
    /// Whether the source has not answered since the mapping was enabled: until it does, the mapping is on
    /// its way to `Enabled`. Lambda documents no such rule, but a mapping said to be enabled reads its source.
    awaits_source: bool,
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
                awaits_source: true,
            }
        } else {
            Self::restored(false)
        }
    }

    /// A mapping that was there before a restart: enabled as soon as its source answers.
    #[must_use]
    pub const fn restored(enabled: bool) -> Self {
        let state = if enabled {
            State::Enabling
        } else {
            State::Disabled
        };
        Self {
            state,
            enabled,
            until: None,
            awaits_source: enabled,
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
        let stops = matches!(
            self.state,
            State::Disabling | State::Disabled | State::Deleting
        );
        self.enabled && !stops
    }

    /// Tells whether only the source keeps the mapping in its state: no change is under way.
    const fn awaits_only_source(self) -> bool {
        self.awaits_source && self.until.is_none()
    }

    /// Settings change, and perhaps `enabled` with them. Refused (`None`) while another change is under
    /// way (Lambda API reference, `ResourceInUseException`); a source that does not answer is no change.
    #[must_use]
    pub fn updated(self, now: Timestamp, pace: Duration, enabled: bool) -> Option<Self> {
        let lasting = if self.awaits_only_source() {
            State::Enabled
        } else {
            self.state
        };
        let state = match (lasting, enabled) {
            (State::Enabled, true) | (State::Disabled, false) => State::Updating,
            (State::Enabled, false) => State::Disabling,
            (State::Disabled, true) => State::Enabling,
            _ => return None,
        };
        Some(Self {
            state,
            enabled,
            until: Some(now + pace),
            awaits_source: enabled && (self.awaits_source || state == State::Enabling),
        })
    }

    /// The mapping disables itself, whatever change is under way; `None` if it goes or does not poll anyway.
    #[must_use]
    pub fn halted(self, now: Timestamp) -> Option<Self> {
        self.polls().then_some(Self {
            state: State::Disabling,
            enabled: false,
            until: Some(now),
            awaits_source: false,
        })
    }

    /// The mapping goes. Refused (`None`) while another change is under way.
    #[must_use]
    pub fn deleted(self) -> Option<Self> {
        match self.state {
            State::Deleting => None,
            State::Updating if !self.awaits_only_source() => None,
            _ => Some(Self {
                state: State::Deleting,
                enabled: false,
                until: None,
                awaits_source: false,
            }),
        }
    }

    /// Ends a transitional state whose time has come, unless the source is awaited. Returns whether
    /// anything changed.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        if self.until.is_none_or(|until| until > now) {
            return false;
        }
        self.until = None;
        self.settle();
        true
    }

    /// The source has answered. Returns whether that was awaited.
    pub fn source_answered(&mut self) -> bool {
        let awaited = self.awaits_source;
        self.awaits_source = false;
        if awaited && self.until.is_none() {
            self.settle();
        }
        awaited
    }

    const fn settle(&mut self) {
        if let Some(settled) = self.state.settled(self.enabled)
            && !self.awaits_source
        {
            self.state = settled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_millis(100);

    fn settled(mut life: Lifecycle) -> Lifecycle {
        life.source_answered();
        life.advance(Timestamp(i64::MAX));
        life
    }

    #[test]
    fn a_new_mapping_is_enabled_once_its_time_has_come_and_its_source_has_answered() {
        let created = Lifecycle::created(Timestamp(0), PACE, true);
        assert_eq!((created.state(), created.polls()), (State::Creating, true));

        let mut life = created;
        assert!(life.source_answered() && !life.source_answered());
        assert!(!life.advance(Timestamp(99)));
        assert!(life.advance(Timestamp(100)));
        assert_eq!((life.state(), life.next_deadline()), (State::Enabled, None));

        let mut life = created;
        assert!(life.advance(Timestamp(100)));
        let waits = (State::Creating, None);
        assert_eq!((life.state(), life.next_deadline()), waits);
        assert!(life.source_answered());
        assert_eq!(life.state(), State::Enabled);
    }

    #[test]
    fn a_mapping_created_disabled_is_disabled_at_once() {
        let created = Lifecycle::created(Timestamp(0), PACE, false);
        assert_eq!((created.state(), created.polls()), (State::Disabled, false));
    }

    #[test]
    fn a_restored_mapping_is_enabled_when_its_source_answers() {
        let mut life = Lifecycle::restored(true);
        assert_eq!((life.state(), life.polls()), (State::Enabling, true));
        life.source_answered();
        assert_eq!(life.state(), State::Enabled);
        assert_eq!(Lifecycle::restored(false).state(), State::Disabled);
    }

    #[test]
    fn every_change_passes_through_its_own_state() {
        let enabled = settled(Lifecycle::restored(true));
        let disabled = Lifecycle::restored(false);
        for (from, to, via, end) in [
            (enabled, true, State::Updating, State::Enabled),
            (enabled, false, State::Disabling, State::Disabled),
            (disabled, true, State::Enabling, State::Enabled),
            (disabled, false, State::Updating, State::Disabled),
        ] {
            let life = from.updated(Timestamp(0), PACE, to).unwrap();
            assert_eq!(life.state(), via);
            assert_eq!(settled(life).state(), end);
        }
    }

    #[test]
    fn new_settings_of_a_mapping_that_reads_do_not_wait_for_its_source() {
        let enabled = settled(Lifecycle::restored(true));
        let mut life = enabled.updated(Timestamp(0), PACE, true).unwrap();
        life.advance(Timestamp(100));
        assert_eq!(life.state(), State::Enabled);
    }

    #[test]
    fn a_mapping_whose_source_does_not_answer_can_be_changed_disabled_and_deleted() {
        let mut waiting = Lifecycle::created(Timestamp(0), PACE, true);
        waiting.advance(Timestamp(100));
        let mut changed = waiting.updated(Timestamp(200), PACE, true).unwrap();
        assert_eq!((changed.state(), changed.polls()), (State::Updating, true));
        assert_eq!(changed.updated(Timestamp(201), PACE, true), None);
        assert_eq!(changed.deleted(), None);
        changed.advance(Timestamp(300));
        assert_eq!(changed.state(), State::Updating, "nothing has answered yet");
        for from in [waiting, changed, Lifecycle::restored(true)] {
            assert_eq!(from.deleted().unwrap().state(), State::Deleting);
            let mut disabled = from.updated(Timestamp(400), PACE, false).unwrap();
            assert_eq!(disabled.state(), State::Disabling);
            disabled.advance(Timestamp(500));
            assert_eq!(disabled.state(), State::Disabled);
        }
    }

    #[test]
    fn a_mapping_disables_itself_whatever_is_under_way_unless_it_goes() {
        let creating = Lifecycle::created(Timestamp(0), PACE, true);
        let enabled = settled(creating);
        let updating = enabled.updated(Timestamp(1), PACE, true).unwrap();
        for from in [creating, enabled, updating, Lifecycle::restored(true)] {
            let mut halted = from.halted(Timestamp(2)).unwrap();
            assert_eq!((halted.state(), halted.polls()), (State::Disabling, false));
            assert!(halted.advance(Timestamp(2)));
            assert_eq!(halted.state(), State::Disabled);
            let again = halted.updated(Timestamp(3), PACE, true).unwrap();
            assert_eq!((again.state(), again.polls()), (State::Enabling, true));
        }
        let disabling = enabled.updated(Timestamp(1), PACE, false).unwrap();
        for from in [
            disabling,
            Lifecycle::restored(false),
            enabled.deleted().unwrap(),
        ] {
            assert_eq!(from.halted(Timestamp(2)), None);
        }
    }

    #[test]
    fn a_second_change_is_refused_while_one_is_under_way() {
        let creating = Lifecycle::created(Timestamp(0), PACE, true);
        assert_eq!(creating.updated(Timestamp(1), PACE, false), None);
        let deleting = creating.deleted().unwrap();
        assert_eq!(deleting.deleted(), None);
        assert_eq!(deleting.updated(Timestamp(1), PACE, true), None);
        let enabled = settled(creating);
        let updating = enabled.updated(Timestamp(1), PACE, true).unwrap();
        assert_eq!(updating.updated(Timestamp(2), PACE, true), None);
        assert_eq!(updating.deleted(), None);
    }
}
