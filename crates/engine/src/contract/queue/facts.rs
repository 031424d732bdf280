//! What a queue says of itself.

use std::time::Duration;

use super::calls::describe;
use super::trial::Trial;
use crate::contract::promise::{equal, holds};
use crate::ports::{QueueFacts, QueueSource};

/// Returns the facts, if the contract can do with them.
pub(super) async fn facts_are_sane(source: &dyn QueueSource) -> QueueFacts {
    let facts = describe(source).await;
    holds(
        "a receive returns at least one message: receive_limit",
        facts.receive_limit >= 1,
        "at least 1",
        &facts,
    );
    holds(
        "a settle takes at least one settlement: settle_limit",
        facts.settle_limit >= 1,
        "at least 1",
        &facts,
    );
    holds(
        "waits are counted in steps no longer than the longest wait",
        facts.wait_step <= facts.longest_wait,
        "wait_step <= longest_wait",
        &facts,
    );
    holds(
        "the contract is given a queue that hides messages long enough to be tested",
        facts.visibility_timeout >= Duration::from_secs(10),
        "a visibility_timeout of at least 10 s",
        &facts,
    );
    holds(
        "the contract is given a queue that lets messages be received often enough to be tested",
        facts.max_receive_count.is_none_or(|most| most >= 5),
        "no max_receive_count, or at least 5",
        &facts,
    );
    facts
}

pub(super) async fn facts_stay_as_they_are(trial: &Trial<'_>) {
    let promise = "describe tells the same facts each time, whatever is in the queue";
    equal(promise, &describe(trial.source).await, &trial.facts);
}
