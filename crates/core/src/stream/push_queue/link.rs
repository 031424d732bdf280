//! The one session with the broker, or the wait for it.

use crate::stream::CallId;
use crate::time::Timestamp;

/// Where the connection to the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// A session is begun at this time.
    Waiting(Timestamp),
    /// A session is being begun.
    Connecting(CallId),
    /// The queue is consumed.
    Open(Session),
    /// The session is being ended. The next one begins only then: what the broker takes back comes before later messages.
    Closing(CallId),
    /// None is begun any more.
    Over,
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) id: CallId,
    pub(super) since: Timestamp,
    /// Whether messages are waited for.
    pub(super) reading: bool,
    pub(super) stop: Stop,
}

/// Whether the broker delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It does.
    No,
    /// It was asked not to.
    Asked(CallId),
    /// It does no more.
    Done,
}

impl Link {
    /// Returns the session, if the queue is consumed.
    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        match self {
            Self::Open(session) => Some(session),
            _ => None,
        }
    }

    /// Returns the session of this name, if it is the one that is open.
    pub(super) fn session_named(&mut self, id: CallId) -> Option<&mut Session> {
        self.session().filter(|session| session.id == id)
    }
}
