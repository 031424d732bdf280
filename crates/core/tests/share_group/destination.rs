//! Giving up: the destination is told first, then the record is rejected.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::{KafkaDestination, RetryPolicy};
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::queue::{SettleVerb, ShareGroupConfig};
use lambda_esm_core::record::{DecodeFailure, KafkaRecord, Schemas};

use super::world::{Fate, State, World, config, share_group};

fn discarded(world: &World) -> Vec<(Condition, usize)> {
    world.decisions_of(|one| match one {
        Decision::Discarded {
            condition, records, ..
        } => Some((*condition, *records)),
        _ => None,
    })
}

#[test]
fn the_destination_is_told_as_of_a_consumer_group_and_the_record_rejected_then() {
    let mut config = config(share_group());
    config.limits.count = 10;
    let mut world = World::new(config, |_, _| Fate::error(10));
    let now = world.now;
    for partition in [0, 1, 1] {
        world.group.put_value(now, partition, "{}");
    }
    world.run_to_the_end(60);
    let documents = world.documents();
    assert_eq!(documents.len(), 1);
    let info = &documents[0]["KafkaBatchInfo"];
    assert_eq!(info["batchSize"], 3);
    assert_eq!(info["bootstrapServers"], "b:9092");
    assert!(info.get("eventSourceArn").is_none());
    assert_eq!(info["recordsInfo"]["orders-eu-0"]["lastRecordOffset"], "0");
    assert_eq!(info["recordsInfo"]["orders-eu-1"]["firstRecordOffset"], "0");
    assert_eq!(info["recordsInfo"]["orders-eu-1"]["lastRecordOffset"], "1");
    let response = &documents[0]["responseContext"];
    assert_eq!(response["functionError"], "Unhandled");
    assert_eq!(world.group.in_state(State::Rejected).len(), 3);
    let rejected = world.decisions_of(|one| match one {
        Decision::Rejected { messages, .. } => Some(*messages),
        _ => None,
    });
    assert_eq!(rejected, [3]);
}

#[test]
fn a_topic_gets_one_message_for_each_record_with_its_key() {
    let group = ShareGroupConfig {
        on_failure: Some(KafkaDestination::Topic("failed".to_owned())),
        ..share_group()
    };
    let mut config = config(group);
    config.limits.count = 10;
    let mut world = World::new(config, |_, _| Fate::error(10));
    for offset in 0..2 {
        let key = Bytes::from(format!("k{offset}"));
        let record = KafkaRecord::new(offset, world.now, None).with_key(Some(key));
        world.group.put(0, record);
    }
    world.run_to_the_end(60);
    let keys: Vec<_> = world.told.iter().map(|(_, one)| one.key.clone()).collect();
    assert_eq!(keys, [Some("k0".into()), Some("k1".into())]);
    assert_eq!(world.group.in_state(State::Rejected).len(), 2);
}

#[test]
fn without_a_destination_what_has_failed_for_good_is_rejected() {
    let group = ShareGroupConfig {
        on_failure: None,
        ..share_group()
    };
    let mut world = World::new(config(group), |_, _| Fate::error(10));
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.seen.len(), 5);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
    assert_eq!(discarded(&world), [(Condition::RetryAttemptsExhausted, 1)]);
}

#[test]
fn a_destination_that_is_away_for_a_while_is_told_while_the_lock_is_renewed() {
    let mut config = config(share_group());
    config.facts.visibility_timeout = Duration::from_secs(1);
    let mut world = World::new(config, |_, _| Fate::error(10));
    let tries = Rc::new(Cell::new(0));
    let count = tries.clone();
    world.destination_fails = Box::new(move || {
        count.set(count.get() + 1);
        count.get() < 5
    });
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!((tries.get(), world.told.len()), (5, 1));
    assert!(world.group.renewals > 0);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
}

#[test]
fn a_destination_that_stays_away_has_the_record_released_and_the_loss_told() {
    let mut world = World::new(config(share_group()), |_, _| Fate::error(10));
    world.destination_fails = Box::new(|| true);
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.ends_of((0, 0)), [SettleVerb::Release; 5]);
    assert_eq!(world.group.in_state(State::Archived), [(0, 0)]);
    let dropped = world.decisions_of(|one| match one {
        Decision::DeliveryFailed { records, .. } => Some(*records),
        _ => None,
    });
    assert_eq!(dropped, [1]);
}

#[test]
fn what_is_too_old_is_given_up_without_an_invocation_and_between_tries() {
    let mut retry = RetryPolicy::default();
    retry.maximum_record_age = Some(Duration::from_secs(60));
    retry.maximum_retries = Some(10_000);
    let group = ShareGroupConfig {
        retry,
        ..share_group()
    };
    let mut world = World::new(config(group), |_, _| Fate::error(10));
    let old = lambda_esm_core::Timestamp(world.now.millis() - 61_000);
    let old = world.group.put_value(old, 0, "{}");
    world.run_for(1);
    assert_eq!(world.invocations_of(old), 0);
    assert_eq!(world.group.in_state(State::Rejected), [old]);
    let now = world.now;
    let young = world.group.put_value(now, 1, "{}");
    world.run_to_the_end(100);
    // The curve of streams makes seven invocations in a minute.
    assert_eq!(world.invocations_of(young), 7);
    assert_eq!(world.group.records[&young].count, 1);
    let conditions: Vec<_> = world
        .documents()
        .iter()
        .map(|one| one["requestContext"]["condition"].clone())
        .collect();
    assert_eq!(conditions, ["RecordAgeExceeded", "RecordAgeExceeded"]);
    let given_up = world.told[1].0.since(now);
    assert!(given_up >= Duration::from_secs(60), "{given_up:?}");
}

#[test]
fn what_is_in_no_form_to_be_delivered_is_given_up_without_an_invocation() {
    let mut world = World::new(config(share_group()), |_, _| Fate::success(10));
    let now = world.now;
    let large = Bytes::from(vec![b'x'; 5_000_000]);
    world.group.put(0, KafkaRecord::new(0, now, Some(large)));
    let failure = DecodeFailure {
        condition: Condition::SchemaNotFound,
        because: "no schema 7".to_owned(),
    };
    let schemas = Schemas::default().with_failure(Some(failure));
    let record = KafkaRecord::new(0, now, None).with_schemas(Some(Box::new(schemas)));
    world.group.put(1, record);
    world.run_to_the_end(60);
    assert!(world.seen.is_empty());
    assert_eq!(
        discarded(&world),
        [
            (Condition::MaximumPayloadSizeExceeded, 1),
            (Condition::SchemaNotFound, 1),
        ]
    );
    assert_eq!(world.told.len(), 2);
    assert_eq!(world.group.in_state(State::Rejected).len(), 2);
}

#[test]
fn a_new_destination_holds_for_what_is_given_up_from_then_on() {
    let mut world = World::new(config(share_group()), |_, _| Fate::error(10));
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.told.len(), 1);
    let group = ShareGroupConfig {
        on_failure: None,
        ..share_group()
    };
    let mut changed = config(share_group());
    changed.share_group = Some(Arc::new(group));
    world.reconfigure(changed);
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.told.len(), 1);
    assert_eq!(world.group.in_state(State::Rejected).len(), 2);
}
