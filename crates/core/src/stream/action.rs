//! What goes into a stream machine and what comes out of it.

use bytes::Bytes;

use super::checkpoint::{Checkpoint, KeptCheckpoint};
use super::config::StreamConfig;
use super::port::{Cursor, FetchRequest, Listing, Page, ShardId, Start};
use crate::decision::{BatchId, Decision};
use crate::fault::{DeliveryError, InvokeError, SourceError};
use crate::on_failure_record::FailureRecord;
use crate::response::InvokeAnswer;

/// Names one call to the outside. Answers to calls that the machine no longer waits for are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// How far a shard is settled, as it is to be made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardCheckpoint {
    /// The shard.
    pub shard: ShardId,
    /// Under which the process owns the shard: 0 where it owns all. A store refuses what is older than it has.
    pub epoch: u64,
    /// How far it is settled.
    pub checkpoint: Checkpoint,
}

/// A fact from outside.
#[derive(Debug)]
pub enum Input {
    /// The process owns a shard from now on, where shards are [assigned](StreamConfig::assigned). Ignored unless its
    /// epoch is above all that were told of the shard before.
    Acquired {
        /// The shard. It need not be listed yet.
        shard: ShardId,
        /// Grows with each change of the owner.
        epoch: u64,
        /// How far its former owners have settled it, durably; `None` if it is to begin where the mapping says.
        checkpoint: Option<KeptCheckpoint>,
    },
    /// The process owns a shard no more: at once, nothing of it is settled, told to a destination or committed any
    /// more, and late answers change nothing. Ignored if the epoch is not the one under which it is owned.
    Lost {
        /// The shard.
        shard: ShardId,
        /// Under which it was acquired.
        epoch: u64,
    },
    /// The shards were listed.
    Listed {
        /// The call.
        id: CallId,
        /// The shards, or why they are not known.
        result: Result<Listing, SourceError>,
    },
    /// A shard was opened.
    Opened {
        /// The call.
        id: CallId,
        /// Where to fetch, or why that is not known.
        result: Result<Cursor, SourceError>,
    },
    /// A fetch ended.
    Fetched {
        /// The call.
        id: CallId,
        /// The records, or why there are none.
        result: Result<Page, SourceError>,
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
    /// Checkpoints were kept.
    Committed {
        /// The call.
        id: CallId,
        /// Whether they are durable; the error in words otherwise.
        result: Result<(), String>,
    },
    /// Positions were forgotten.
    Forgotten {
        /// The call.
        id: CallId,
        /// Whether they are gone; the error in words otherwise.
        result: Result<(), String>,
    },
    /// The settings changed. They hold for whatever is decided from now on.
    Reconfigure(Box<StreamConfig>),
    /// The mapping stops: read no more, start no new batch, settle what is in flight.
    Drain,
    /// Time has passed.
    Tick,
}

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// List the shards, and answer with [`Input::Listed`].
    List {
        /// The call.
        id: CallId,
    },
    /// Find where to read a shard, and answer with [`Input::Opened`].
    Open {
        /// The call.
        id: CallId,
        /// The shard.
        shard: ShardId,
        /// Where reading begins.
        from: Start,
    },
    /// Read a shard, and answer with [`Input::Fetched`].
    Fetch {
        /// The call.
        id: CallId,
        /// What to read.
        request: FetchRequest,
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
        /// The event.
        payload: Bytes,
        /// How many bytes of it are counted and [not written](crate::event::EventDetail).
        unwritten: usize,
    },
    /// Hand the record of a discarded batch to the on-failure destination, and answer with
    /// [`Input::Delivered`].
    Deliver {
        /// The call.
        id: CallId,
        /// What to deliver.
        record: FailureRecord,
    },
    /// Keep checkpoints, all or none, and answer with [`Input::Committed`] once they are durable.
    Commit {
        /// The call.
        id: CallId,
        /// The stream that they belong to.
        identity: String,
        /// How far each shard is settled.
        checkpoints: Vec<ShardCheckpoint>,
    },
    /// Forget the positions of shards that the stream has no more, and answer with [`Input::Forgotten`].
    Forget {
        /// The call.
        id: CallId,
        /// The shards.
        shards: Vec<ShardId>,
    },
    /// Tell whoever listens.
    Report(Decision),
}
