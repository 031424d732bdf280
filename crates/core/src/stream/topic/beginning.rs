//! Where reading begins in a partition that was assigned (Lambda developer guide, "Customizable consumer group ID").

use crate::mapping::StartingPosition;
use crate::time::Timestamp;

/// Where a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At the offset that the group has committed.
    Committed(i64),
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At the first record that is not older.
    AtTimestamp(Timestamp),
}

impl Beginning {
    /// Tells whether it would be another place after a restart: then it is committed, as the offset that it is, before
    /// any record is delivered.
    #[must_use]
    pub const fn must_be_kept(self) -> bool {
        matches!(self, Self::Latest | Self::AtTimestamp(_))
    }
}

/// Returns where a partition begins of which the group has committed `committed`.
///
/// What the group has committed wins over the mapping's starting position, which is for a group that has committed
/// nothing in any partition of the topic (`group_is_new`): that group begins so in all partitions that there are, and
/// commits where that is, whoever owns them. A partition that lacks a committed offset later was added to the topic
/// since, and begins with its oldest record; nothing of it is older than the mapping.
#[must_use]
pub fn beginning(start: StartingPosition, group_is_new: bool, committed: Option<i64>) -> Beginning {
    match (committed, start) {
        (Some(offset), _) => Beginning::Committed(offset),
        (None, StartingPosition::Latest) if group_is_new => Beginning::Latest,
        (None, StartingPosition::AtTimestamp(time)) if group_is_new => Beginning::AtTimestamp(time),
        (None, _) => Beginning::Earliest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starting_position_is_for_new_groups_and_committed_offsets_win() {
        use StartingPosition::{AtTimestamp, Latest, TrimHorizon};
        let time = Timestamp(1_700_000_000_000);
        for (start, new, committed, begins) in [
            (Latest, true, None, Beginning::Latest),
            (Latest, false, None, Beginning::Earliest),
            (Latest, false, Some(7), Beginning::Committed(7)),
            (TrimHorizon, true, None, Beginning::Earliest),
            (TrimHorizon, false, Some(0), Beginning::Committed(0)),
            (AtTimestamp(time), true, None, Beginning::AtTimestamp(time)),
            (AtTimestamp(time), false, None, Beginning::Earliest),
            (AtTimestamp(time), false, Some(3), Beginning::Committed(3)),
        ] {
            assert_eq!(
                beginning(start, new, committed),
                begins,
                "{start:?} {new} {committed:?}"
            );
        }
        assert!(Beginning::Latest.must_be_kept() && Beginning::AtTimestamp(time).must_be_kept());
        assert!(!Beginning::Earliest.must_be_kept() && !Beginning::Committed(3).must_be_kept());
    }
}
