//! What goes into a topic's machine and what comes out of it.

use bytes::Bytes;

use super::config::TopicConfig;
use super::port::{GroupEvent, OwnedPartition, PartitionOffset, TopicFetch, TopicPage, Watermarks};
use crate::decision::{BatchId, Decision};
use crate::fault::{DeliveryError, InvokeError, SourceError};
use crate::on_failure_record::FailureRecord;
use crate::response::InvokeAnswer;
use crate::stream::CallId;

/// A fact from outside.
#[derive(Debug)]
pub enum Input {
    /// Something happened to the consumer group.
    Group(GroupEvent),
    /// A fetch ended.
    Fetched {
        /// The call.
        id: CallId,
        /// The records, or why there are none.
        result: Result<TopicPage, SourceError>,
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
    /// A delivery to the on-failure destination ended.
    Delivered {
        /// The call.
        id: CallId,
        /// Whether the destination has the record.
        result: Result<(), DeliveryError>,
    },
    /// Offsets were committed.
    Committed {
        /// The call.
        id: CallId,
        /// Whether they are durable.
        result: Result<(), SourceError>,
    },
    /// A partition that the group had asked for was let go of.
    LetGo {
        /// The partition.
        owned: OwnedPartition,
        /// Whether its offset was committed before.
        result: Result<(), SourceError>,
    },
    /// The logs were measured.
    Measured {
        /// What they hold, or why that is not known.
        result: Result<Vec<Watermarks>, SourceError>,
    },
    /// The settings changed. They hold for whatever is decided from now on.
    Reconfigure(Box<TopicConfig>),
    /// The mapping stops: read no more, start no new batch, settle what is in flight.
    Drain,
    /// Time has passed.
    Tick,
}

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read a partition, and answer with [`Input::Fetched`].
    Fetch {
        /// The call.
        id: CallId,
        /// What to read.
        request: TopicFetch,
    },
    /// Commit offsets, and answer with [`Input::Committed`].
    Commit {
        /// The call.
        id: CallId,
        /// How far each partition is settled.
        offsets: Vec<PartitionOffset>,
    },
    /// Let go of a partition that the group has asked for, and answer with [`Input::LetGo`].
    LetGo {
        /// The partition.
        owned: OwnedPartition,
        /// What is to be committed before; `None` if nothing new is settled.
        offset: Option<PartitionOffset>,
    },
    /// Measure the logs, and answer with [`Input::Measured`].
    Measure,
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
    /// Hand the record of discarded records to the on-failure destination, and answer with [`Input::Delivered`].
    Deliver {
        /// The call.
        id: CallId,
        /// What to deliver.
        record: FailureRecord,
    },
    /// Tell whoever listens.
    Report(Decision),
}
