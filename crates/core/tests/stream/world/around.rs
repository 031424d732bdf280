//! Everything outside the machine that has a mind of its own, and what it gets to see.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{DeliveryError, InvokeError, SourceError};
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::{Checkpoint, ShardId, Start};

use super::call::{Call, Discard};
use super::log::Stream;

/// How the function answers a call.
pub(crate) struct Answer {
    /// How long it takes; `None` if it never answers.
    pub(crate) after: Option<Duration>,
    pub(crate) result: Result<InvokeAnswer, InvokeError>,
    /// How many records, from the first one on, it processed.
    pub(crate) processed: usize,
    /// How the call ended, in a word; empty for success.
    pub(crate) outcome: String,
}

/// A call to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading<'a> {
    List,
    Open(&'a ShardId),
    Fetch(&'a ShardId),
}

/// Whether checkpoints are kept, and what the store says of it. It may err.
pub(crate) struct Keeping {
    pub(crate) after: Duration,
    pub(crate) kept: bool,
    pub(crate) result: Result<(), String>,
}

/// What happens, for those who follow it.
#[derive(Debug)]
pub(crate) enum Watched<'a> {
    Called(&'a Call),
    Answered(&'a Call),
    /// A failure record is on its way.
    Delivering(&'a Discard),
    /// The destination took a failure record.
    Delivered(&'a Discard),
    /// A shard's checkpoint, and whether it is kept.
    Committed(&'a ShardId, &'a Checkpoint, bool),
    Decided(&'a Decision),
    /// The shards were listed.
    Listed,
    /// A shard is open.
    Opened(&'a ShardId, &'a Start),
    /// The process died.
    Died,
}

/// Everything outside the machine that has a mind of its own. Each answer comes with how long it takes.
pub(crate) trait Surroundings {
    fn invoke(&mut self, call: &Call) -> Answer;
    fn deliver(&mut self, now: Timestamp) -> (Duration, Result<(), DeliveryError>);
    fn commit(&mut self, now: Timestamp) -> Keeping;
    fn read(&mut self, now: Timestamp, reading: Reading<'_>)
    -> (Duration, Result<(), SourceError>);

    fn watch(&mut self, _now: Timestamp, _stream: &Stream, _watched: &Watched<'_>) {}
}

/// What happened, for timelines.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    List,
    Open(ShardId, Start),
    Fetch(ShardId, usize),
    /// The index of the call.
    Invoke(usize),
    Deliver(Box<Discard>, bool),
    Commit(ShardId, Checkpoint),
    Decided(Box<Decision>),
}
