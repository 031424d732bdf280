//! A function that runs only so many invocations at a time serves all that call it alike, whether it tells
//! how many those are or only throttles what is beyond. On paused time.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod function;
mod queues;
mod shards;
