//! How deliveries end.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::Receipt;

use super::trial::{SharedRecordToPut, Trial, shared};
use crate::contract::promise::equal;
use crate::ports::SettleVerb::{Delete, Reject, Release, Renew};

/// Accepted and rejected are the two ways to be done with.
pub(super) async fn what_is_accepted_or_rejected_does_not_come_again(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    for verb in [Delete, Reject] {
        put(SharedRecordToPut::new("once")).await;
        let promise = "a record that is put is delivered";
        let message = trial.one(promise, trial.source).await;
        trial.settle_ok(trial.source, verb, &message).await;
        let promise = "a record that was accepted or rejected does not come again";
        trial.expect_none(promise, trial.source).await;
        trial.expect_none(promise, trial.other).await;
        for again in [Release, Reject, Delete] {
            let results = trial.settle(trial.source, &[(again, &message)]).await;
            let promise = "a delivery that is over cannot be settled: it fails with Expired";
            equal(promise, &results, &vec![Err(SourceErrorKind::Expired)]);
        }
        trial.expect_none(promise, trial.other).await;
    }
}

/// A release is heard by all members, and the old receipt is worth nothing then.
pub(super) async fn what_is_released_is_there_at_once(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    put(SharedRecordToPut::new("kept")).await;
    let kept = trial
        .one("a record that is put is delivered", trial.source)
        .await;
    put(SharedRecordToPut::new("released")).await;
    let first = trial
        .one("a record that is put is delivered", trial.source)
        .await;
    trial.settle_ok(trial.source, Release, &first).await;
    let promise = "a released record is there at once, for every member, and no other changes";
    let again = trial.one(promise, trial.other).await;
    equal(promise, &again.id, &first.id);
    trial.expect_none(promise, trial.other).await;
    let promise = "the receipt of an earlier delivery fails with Expired, and changes nothing";
    for verb in [Delete, Reject, Release] {
        let results = trial.settle(trial.source, &[(verb, &first)]).await;
        equal(promise, &results, &vec![Err(SourceErrorKind::Expired)]);
    }
    trial.settle_ok(trial.other, Delete, &again).await;
    trial.settle_ok(trial.source, Delete, &kept).await;
}

/// The group counts deliveries, and archives at its limit whatever is released.
pub(super) async fn a_record_is_delivered_as_often_as_the_limit_says(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    put(SharedRecordToPut::new("poison")).await;
    for delivery in 1..=trial.limit {
        let promise = "a released record comes again until it was delivered delivery_limit times";
        let message = trial.one(promise, trial.source).await;
        equal(promise, &shared(&message).delivery_count, &delivery);
        trial.settle_ok(trial.source, Release, &message).await;
    }
    let promise = "a record that is released at its last delivery is archived";
    trial.expect_none(promise, trial.source).await;
    trial.expect_none(promise, trial.other).await;
}

/// One receipt that makes no sense spoils no other.
pub(super) async fn results_come_in_the_order_of_the_settlements(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    for value in ["one", "two", "three"] {
        put(SharedRecordToPut::new(value)).await;
    }
    let promise = "a record that is put is delivered";
    let messages = trial.expect(promise, trial.source, 3).await;
    let [one, two, three] = messages.as_slice() else {
        return;
    };
    let mut unknown = two.clone();
    unknown.receipt = Receipt("not a receipt of any delivery".to_owned());
    // The results read differently from either end.
    let mut deeds = vec![
        (Reject, &unknown),
        (Delete, one),
        (Release, two),
        (Reject, three),
    ];
    let mut expected = vec![Err(SourceErrorKind::Expired), Ok(()), Ok(()), Ok(())];
    if trial.facts.can_renew {
        deeds.insert(1, (Renew, one));
        expected.insert(1, Ok(()));
    }
    let mut results = Vec::new();
    for some in deeds.chunks(trial.facts.settle_limit.max(1)) {
        results.extend(trial.settle(trial.source, some).await);
    }
    let promise =
        "results come in the order of the settlements; only an unknown receipt fails, with Expired";
    equal(promise, &results, &expected);
    let promise = "of several that are settled at once, each ends in its own way";
    let again = trial.one(promise, trial.other).await;
    equal(promise, &again.id, &two.id);
    trial.settle_ok(trial.other, Delete, &again).await;
    trial.expect_none(promise, trial.source).await;
}
