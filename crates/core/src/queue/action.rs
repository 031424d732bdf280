//! What goes into a queue machine and what comes out of it.

use bytes::Bytes;

use super::config::QueueConfig;
use super::port::{ReceiveRequest, Received, Settlement};
use super::share_group::DeliveryId;
use crate::decision::{BatchId, Decision};
use crate::fault::{DeliveryError, InvokeError, SourceError};
use crate::on_failure_record::FailureRecord;
use crate::response::InvokeAnswer;
use crate::time::Timestamp;

/// Names one receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiveId(pub u64);

/// Names one settle call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettleId(pub u64);

/// A fact from outside.
#[derive(Debug)]
pub enum Input {
    /// A receive ended.
    Received {
        /// The receive.
        id: ReceiveId,
        /// What it brought, or why that is nothing.
        result: Result<Received, SourceError>,
    },
    /// It is the batch's turn, as asked for with [`Action::Reserve`].
    Reserved {
        /// The batch.
        batch: BatchId,
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
    /// A settle call ended, with one result for each settlement in order.
    Settled {
        /// The call.
        id: SettleId,
        /// The outer error means that nothing is known of any settlement.
        result: Result<Vec<Result<(), SourceError>>, SourceError>,
    },
    /// The on-failure destination was told of records of a share group, or could not be.
    Delivered {
        /// The record.
        id: DeliveryId,
        /// Whether it was told.
        result: Result<(), DeliveryError>,
    },
    /// A share group has said how many records of each partition it has not yet done with; nothing if it does not say.
    Measured {
        /// The lags.
        result: Result<Vec<u64>, SourceError>,
    },
    /// The settings changed. They hold for whatever happens from now on: the next receive, the next
    /// record of the open batch, the next answer of the function.
    Reconfigure(Box<QueueConfig>),
    /// The mapping stops: read no more, but wait for what open receives still bring; send out what was
    /// gathered, and settle what is in flight.
    Drain {
        /// What has no slot by then is made visible again.
        until: Timestamp,
    },
    /// Time has passed.
    Tick,
}

/// Something for the driver to do.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Read messages, and answer with [`Input::Received`].
    Receive {
        /// The receive.
        id: ReceiveId,
        /// What to ask.
        request: ReceiveRequest,
    },
    /// Line up for a turn to call the function, and answer with [`Input::Reserved`] when it has come.
    Reserve {
        /// The batch.
        batch: BatchId,
    },
    /// Leave the line, or give the turn back: the batch needs it no more.
    Forgo {
        /// The batch.
        batch: BatchId,
    },
    /// Call the function, and answer with [`Input::Invoked`]. The batch's turn ends with the invocation.
    Invoke {
        /// The batch.
        batch: BatchId,
        /// The try.
        attempt: u32,
        /// The complete event.
        payload: Bytes,
    },
    /// Settle deliveries in one call, and answer with [`Input::Settled`].
    Settle {
        /// The call.
        id: SettleId,
        /// What to do with each.
        settlements: Vec<Settlement>,
    },
    /// Tell the on-failure destination of records of a share group, and answer with [`Input::Delivered`].
    Deliver {
        /// The record.
        id: DeliveryId,
        /// What to tell.
        record: FailureRecord,
    },
    /// Ask a share group for its lag, and answer with [`Input::Measured`].
    Measure,
    /// Tell whoever listens.
    Report(Decision),
}
