//! What a shard shows of itself.

use super::{Shard, Stage};
use crate::fault::SourceError;
use crate::stream::lane::Lane;
use crate::stream::totals::Share;

impl Shard {
    /// Returns what is wrong with it, in the order of [`Share::problems`].
    pub(in crate::stream) fn problems(&self) -> [Option<&String>; 4] {
        [
            self.reader.problem().map(|error| &error.message),
            self.commits.problem(),
            self.lanes.iter().find_map(Lane::problem),
            self.reader.halted(),
        ]
    }

    /// Returns why it cannot be read, while that is so.
    pub(in crate::stream) const fn source_problem(&self) -> Option<&SourceError> {
        self.reader.problem()
    }

    /// Returns what it adds to the totals of its machine.
    pub(in crate::stream) fn share(&self) -> Share {
        let busy = usize::from(!self.is_idle());
        if self.stage != Stage::Running {
            return Share {
                busy,
                ..Share::default()
            };
        }
        let lanes = || self.lanes.iter();
        let waits = lanes().filter_map(Lane::waits_until);
        let unsettled = self.prefix.unsettled();
        Share {
            runs: 1,
            unopened: usize::from(!self.reader.is_open()),
            receives: usize::from(self.reader.is_fetching()),
            running: lanes().filter(|lane| lane.is_working()).count(),
            waiting: lanes().map(Lane::waiting).sum(),
            unsettled,
            bytes: self.prefix.bytes(),
            backing_off_until: waits.chain(self.reader.backing_off_until()).min(),
            iterator_age_ms: self.iterator_age_ms.filter(|_| unsettled > 0),
            problems: self.problems().map(|problem| problem.is_some()),
            busy,
        }
    }
}
