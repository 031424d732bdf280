//! Locks, and what members leave behind.

use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;

use super::trial::{A_WHILE, NOTICE, SharedRecordToPut, Trial, shared};
use crate::clock::Clock;
use crate::contract::promise::{equal, holds, succeeds};
use crate::ports::SettleVerb::{Delete, Reject, Release, Renew};

/// Waits until so much time of the group's clock has passed.
async fn pass(clock: Clock, time: Duration) {
    clock.sleep_until(clock.now() + time).await;
}

/// A lock holds for its time, and no longer.
pub(super) async fn a_lock_holds_for_its_time(
    trial: &Trial<'_>,
    clock: Clock,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    let lock = trial.facts.visibility_timeout;
    put(SharedRecordToPut::new("locked")).await;
    let first = trial
        .one("a record that is put is delivered", trial.source)
        .await;
    let began = clock.now();
    let promise = "nobody gets a record whose lock holds";
    trial.expect_none_for(promise, trial.other, lock / 2).await;
    let rest = lock.saturating_sub(clock.now().since(began));
    let promise = "a record whose lock has ended comes again, one delivery more";
    let within = rest + NOTICE + A_WHILE;
    let again = trial
        .expect_within(promise, trial.other, 1, within)
        .await
        .remove(0);
    let held = clock.now().since(began);
    let early = lock.saturating_sub(NOTICE);
    holds(
        "nobody gets a record whose lock holds",
        held >= early,
        format!("{early:?}"),
        &held,
    );
    equal(promise, &shared(&again).delivery_count, &2);
    let promise = "a delivery whose lock is lost fails with Expired, whatever is done with it";
    let mut verbs = vec![Delete, Reject, Release];
    verbs.extend(trial.facts.can_renew.then_some(Renew));
    for verb in verbs {
        let results = trial.settle(trial.source, &[(verb, &first)]).await;
        equal(promise, &results, &vec![Err(SourceErrorKind::Expired)]);
    }
    trial.settle_ok(trial.other, Delete, &again).await;
}

/// A renewal begins the lock anew.
pub(super) async fn a_renewed_lock_holds_on(
    trial: &Trial<'_>,
    clock: Clock,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    let lock = trial.facts.visibility_timeout;
    put(SharedRecordToPut::new("renewed")).await;
    let message = trial
        .one("a record that is put is delivered", trial.source)
        .await;
    for _ in 0..3 {
        pass(clock, lock / 2).await;
        trial.settle_ok(trial.source, Renew, &message).await;
    }
    let promise = "a lock that is renewed in time holds on, and its receipt stays good";
    trial.expect_none_for(promise, trial.other, lock / 4).await;
    trial.settle_ok(trial.source, Delete, &message).await;
    trial.expect_none(promise, trial.other).await;
}

/// What a member had goes to others when it is closed.
pub(super) async fn a_member_that_is_closed_gives_back_what_it_has(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    put(SharedRecordToPut::new("theirs")).await;
    let theirs = trial
        .one("a record that is put is delivered", trial.source)
        .await;
    put(SharedRecordToPut::new("left behind")).await;
    let first = trial
        .one("a record that is put is delivered", trial.other)
        .await;
    crate::contract::bound::ends("close", trial.other.close()).await;
    let promise =
        "what a member has that is closed goes to others at once, and nothing else changes";
    let within = trial.facts.visibility_timeout / 2;
    let again = trial
        .expect_within(promise, trial.source, 1, within)
        .await
        .remove(0);
    equal(promise, &again.id, &first.id);
    trial.settle_ok(trial.source, Delete, &again).await;
    trial.settle_ok(trial.source, Delete, &theirs).await;
}

/// The lag counts what the group has not done with, where it is told.
pub(super) async fn the_lag_is_what_is_not_done_with(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    let promise = "the lag is how many records the group has not done with, if it is told at all";
    if lag(trial).await.is_none() {
        return;
    }
    for value in ["one", "two", "three"] {
        put(SharedRecordToPut::new(value)).await;
    }
    let messages = trial.expect(promise, trial.source, 3).await;
    becomes(trial, promise, 3).await;
    for message in &messages {
        trial.settle_ok(trial.source, Delete, message).await;
    }
    becomes(trial, promise, 0).await;
}

async fn becomes(trial: &Trial<'_>, promise: &str, expected: u64) {
    let begun = tokio::time::Instant::now();
    let mut seen = lag(trial).await;
    while seen != Some(expected) && begun.elapsed() < A_WHILE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        seen = lag(trial).await;
    }
    equal(promise, &seen, &Some(expected));
}

async fn lag(trial: &Trial<'_>) -> Option<u64> {
    let lags = crate::contract::bound::ends("lags", trial.source.lags()).await;
    let lags = succeeds("a group can be asked for its lag", lags);
    (!lags.is_empty()).then(|| lags.iter().sum())
}
