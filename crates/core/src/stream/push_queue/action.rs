//! What goes into a push queue's machine and what comes out of it.

use bytes::Bytes;

use super::config::PushQueueConfig;
use super::port::{ConsumeRequest, DeliveryOutcome};
use crate::decision::{BatchId, Decision};
use crate::fault::{InvokeError, SourceError};
use crate::record::PushedMessage;
use crate::response::InvokeAnswer;
use crate::stream::CallId;

/// A fact from outside. A session has the name of the call that began it.
#[derive(Debug)]
pub enum Input {
    /// A session has begun, or could not.
    Connected {
        /// The call, which names the session.
        id: CallId,
        /// Whether the queue is consumed.
        result: Result<(), SourceError>,
    },
    /// A read ended.
    Received {
        /// The session.
        session: CallId,
        /// The messages, or why the session is over.
        result: Result<Vec<PushedMessage>, SourceError>,
    },
    /// Deliveries were settled.
    Settled {
        /// The call.
        id: CallId,
        /// Whether they were; if not, the session is over.
        result: Result<(), SourceError>,
    },
    /// The broker delivers no more.
    Stopped {
        /// The call.
        id: CallId,
        /// Whether that is so; if not, the session is over.
        result: Result<(), SourceError>,
    },
    /// A session has ended.
    Closed {
        /// The call.
        id: CallId,
    },
    /// It is the mapping's turn to call the function, as asked for with [`Action::Reserve`].
    Reserved {
        /// The turn.
        turn: CallId,
    },
    /// An invocation ended.
    Invoked {
        /// The batch.
        batch: BatchId,
        /// The try that ended; answers to others are ignored.
        attempt: u32,
        /// The function's answer, or why there is none.
        result: Result<InvokeAnswer, InvokeError>,
    },
    /// The settings changed. They hold for whatever is decided from now on.
    Reconfigure(Box<PushQueueConfig>),
    /// The mapping stops: consume no more, start no new batch, settle what is in flight.
    Drain,
    /// Time has passed.
    Tick,
}

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin a session, and answer with [`Input::Connected`].
    Connect {
        /// The call, which names the session.
        id: CallId,
        /// How to consume.
        request: ConsumeRequest,
    },
    /// Wait for messages, once, and answer with [`Input::Received`].
    Read {
        /// The session.
        session: CallId,
    },
    /// Settle deliveries, and answer with [`Input::Settled`].
    Settle {
        /// The call.
        id: CallId,
        /// The session.
        session: CallId,
        /// What becomes of each.
        outcomes: Vec<DeliveryOutcome>,
    },
    /// Have the broker deliver no more, and answer with [`Input::Stopped`].
    Stop {
        /// The call.
        id: CallId,
        /// The session.
        session: CallId,
    },
    /// End a session, and answer with [`Input::Closed`].
    Close {
        /// The call.
        id: CallId,
        /// The session.
        session: CallId,
    },
    /// Line up for a turn to call the function, and answer with [`Input::Reserved`] when it has come.
    Reserve {
        /// The turn.
        turn: CallId,
    },
    /// Leave the line, or give the turn back: it is not needed any more.
    Forgo {
        /// The turn.
        turn: CallId,
    },
    /// Call the function, and answer with [`Input::Invoked`]. The turn ends with the invocation.
    Invoke {
        /// The turn.
        turn: CallId,
        /// The batch.
        batch: BatchId,
        /// The try.
        attempt: u32,
        /// The complete event.
        payload: Bytes,
    },
    /// Tell whoever listens.
    Report(Decision),
}
