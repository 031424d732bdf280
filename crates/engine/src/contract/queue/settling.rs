//! What settling does, and to what.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::Receipt;

use super::calls;
use super::shown::body;
use super::trial::Trial;
use crate::contract::promise::{equal, holds};
use crate::ports::SettleVerb::{Delete, Release};

const RELEASED: &str = "a released message is there at once, and no other";

/// The most deliveries that are settled at once, whatever a queue allows.
const MANY: usize = 100;

pub(super) async fn a_released_message_is_there_at_once(trial: &Trial<'_>) {
    let hidden = trial.delivery_of("stays in flight").await;
    for round in 1..=3 {
        let sent = format!("released in round {round}");
        let first = trial.delivery_of(&sent).await;
        trial.release(&[first]).await;
        let again = trial.expect(RELEASED, &[&sent]).await;
        trial.expect_none(RELEASED).await;
        trial.delete(&again).await;
    }
    trial.release(&[hidden]).await;
    let promise = "a released message is there at once, whatever became of others";
    let hidden = trial.expect(promise, &["stays in flight"]).await;
    trial.delete(&hidden).await;
}

pub(super) async fn nothing_can_be_settled(trial: &Trial<'_>) {
    let promise = "settling nothing succeeds, and gives no results";
    let results = calls::bounded(promise, Duration::ZERO, trial.source.settle(&[])).await;
    equal(promise, &results, &Ok(Vec::new()));
}

/// The results read differently from either end, and sorted by what is done.
pub(super) async fn results_come_in_the_order_of_the_settlements(trial: &Trial<'_>) {
    let mut messages = Vec::new();
    for sent in ["one", "two", "three", "four", "five"] {
        messages.push(trial.delivery_of(sent).await);
    }
    let [one, two, three, ..] = messages.as_slice() else {
        return;
    };
    let unknown = {
        let mut message = two.clone();
        message.receipt = unknown_receipt();
        message
    };
    let limit = trial.facts.settle_limit;
    let deeds = [
        (Delete, one),
        (Release, two),
        (Delete, &unknown),
        (Delete, three),
    ];
    let mut results = Vec::new();
    for deeds in deeds.chunks(limit) {
        results.extend(trial.settle(deeds).await);
    }
    let expected = [Ok(()), Ok(()), Err(SourceErrorKind::Expired), Ok(())];
    equal(
        "results come in the order of the settlements; only an unknown receipt fails, with Expired",
        &kinds(&results),
        &expected.to_vec(),
    );
    let left = trial.expect(RELEASED, &["two"]).await;
    trial.expect_none(RELEASED).await;
    trial.delete(&left).await;
    trial.release(&messages[3..]).await;
    let promise = "settling changes no other message";
    let left = trial.expect(promise, &["four", "five"]).await;
    trial.delete(&left).await;
}

pub(super) async fn an_unknown_receipt_fails_by_itself(trial: &Trial<'_>) {
    let promise = "an unknown receipt fails with Expired";
    for verb in [Delete, Release] {
        let settlement = calls::settlement(verb, &unknown_receipt());
        let results = calls::settle(trial.source, &[settlement]).await;
        equal(
            promise,
            &kinds(&results),
            &vec![Err(SourceErrorKind::Expired)],
        );
    }
}

/// As is done when the outcome is unknown.
pub(super) async fn a_delivery_may_be_settled_again(trial: &Trial<'_>) {
    let message = trial.delivery_of("settled again").await;
    let other = trial.delivery_of("not settled again").await;
    trial.delete(std::slice::from_ref(&message)).await;
    for verb in [Delete, Release] {
        let results = trial.settle(&[(verb, &message)]).await;
        done_or_expired(&results);
    }
    let promise = "a message that was deleted does not come back";
    trial.expect_none(promise).await;
    trial.release(&[other]).await;
    let promise = "settling changes no other message";
    let other = trial.expect(promise, &["not settled again"]).await;
    trial.delete(&other).await;
}

pub(super) async fn as_many_as_the_limit_are_settled_at_once(trial: &Trial<'_>) {
    let limit = trial.facts.settle_limit.min(MANY);
    let mut messages = Vec::new();
    for number in 0..limit {
        let sent = format!("one of as many as the limit: {number}");
        messages.push(trial.delivery_of(&sent).await);
    }
    trial.release(&messages).await;
    let bodies: Vec<_> = messages.iter().map(body).collect();
    let promise = "as many as settle_limit are released in one call";
    let messages = trial.expect(promise, &bodies).await;
    trial.delete(&messages).await;
}

/// Checks the results of settling what was settled before, or by the receipt of an earlier delivery.
pub(super) fn done_or_expired(results: &[Result<(), SourceError>]) {
    let fine =
        |each: &Result<(), SourceErrorKind>| matches!(each, Ok(()) | Err(SourceErrorKind::Expired));
    let kinds = kinds(results);
    holds(
        "settling again, or by the receipt of an earlier delivery, succeeds or fails with Expired",
        kinds.iter().all(fine),
        "Ok or Expired",
        &results,
    );
}

fn kinds(results: &[Result<(), SourceError>]) -> Vec<Result<(), SourceErrorKind>> {
    let kind = |each: &Result<(), SourceError>| each.clone().map_err(|error| error.kind);
    results.iter().map(kind).collect()
}

fn unknown_receipt() -> Receipt {
    Receipt("no-such-receipt".to_owned())
}
