//! How many files may be open: each connection, shard and process of a function takes some.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a system takes as the most that may be open if it does not say: `OPEN_MAX` of macOS.
const MOST_UNLESS_TOLD: u64 = 10_240;

/// The limit of open files, before and after it was raised; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFiles {
    pub(crate) before: Option<u64>,
    pub(super) now: Option<u64>,
}

/// Raises the soft limit to the hard one. It is low for the sake of old programs that use `select`, which this
/// one does not; functions get the one from before.
pub(crate) fn raise() -> OpenFiles {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    for wanted in [maximum, maximum.or(Some(MOST_UNLESS_TOLD))] {
        let raised = Rlimit {
            current: wanted,
            maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => {
                tracing::debug!(from = ?current, to = ?wanted, "raised the limit of open files");
                return OpenFiles {
                    before: current,
                    now: wanted,
                };
            }
            Err(error) => {
                tracing::debug!(to = ?wanted, %error, "cannot raise the limit of open files")
            }
        }
    }
    OpenFiles {
        before: current,
        now: current,
    }
}
