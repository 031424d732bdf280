//! How large an event may be.

use bytes::Bytes;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::record::KafkaRecord;
use lambda_esm_core::topic::TopicPage;
use serde_json::json;

use crate::mapping::{QUEUE, provisioned};
use crate::world::World;

/// Base64 writes three bytes as four: a value of this size leaves the rest of the event for `rest` bytes.
fn value(rest: usize) -> Bytes {
    Bytes::from(vec![b'x'; (MAX_PAYLOAD_BYTES - rest) / 4 * 3])
}

/// A key does not change its length in steps of less than four, the name of a header does.
fn padded(world: &World, value: Bytes, pad: usize) -> KafkaRecord {
    KafkaRecord::new(0, world.now, Some(value))
        .with_headers(vec![("h".repeat(pad).into(), Some(Bytes::new()))])
}

fn world() -> World {
    let mut world = World::new(&provisioned(json!({
        "MaximumBatchingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    })));
    for partition in [0, 1, 1_000] {
        world.assign(partition, 1, 0);
    }
    world.holds_turns = true;
    world
}

/// Sends small records of two partitions and a large one of a third, with this much padding, and returns how large the
/// first event is and how many records it has.
fn sent(pad: usize) -> (usize, usize) {
    let mut world = world();
    world.page(0, 0..2);
    world.page(1_000, 0..1);
    let record = padded(&world, value(1_300), pad);
    world.fetched(1, Ok(TopicPage::new(vec![record], None)));
    world.release_turns();
    let sizes = world.calls.iter().map(|call| call.payload.len());
    assert!(sizes.max().unwrap() <= MAX_PAYLOAD_BYTES);
    (world.calls[0].payload.len(), world.places(0).len())
}

#[test]
fn an_event_of_several_partitions_is_as_large_as_may_be_and_no_larger() {
    let (size, records) = sent(1);
    assert_eq!(records, 4);
    let fits = 1 + MAX_PAYLOAD_BYTES - size;
    assert_eq!(sent(fits), (MAX_PAYLOAD_BYTES, 4));
    assert_eq!(sent(fits + 1).1, 3);
}

#[test]
fn a_record_that_just_fits_alone_goes_out_and_a_larger_one_is_given_up() {
    let alone = |pad: usize| {
        let mut world = world();
        let record = padded(&world, value(600), pad);
        world.fetched(1, Ok(TopicPage::new(vec![record], None)));
        world.release_turns();
        world
    };
    let size = alone(1).calls[0].payload.len();
    let fits = 1 + MAX_PAYLOAD_BYTES - size;
    assert_eq!(alone(fits).calls[0].payload.len(), MAX_PAYLOAD_BYTES);
    let mut world = alone(fits + 1);
    assert!(world.calls.is_empty());
    let told = world.deliver(Ok(()));
    let told: serde_json::Value = serde_json::from_slice(&told.body).unwrap();
    let condition = &told["requestContext"]["condition"];
    assert_eq!(condition, "MaximumPayloadSizeExceeded");
    assert_eq!(told["responseContext"], serde_json::Value::Null);
    assert_eq!(world.commit(), [(1, 1)]);
}

#[test]
fn a_record_that_just_fits_alone_goes_out_after_those_of_other_partitions() {
    let size = {
        let mut world = world();
        let record = padded(&world, value(600), 1);
        world.fetched(1, Ok(TopicPage::new(vec![record], None)));
        world.release_turns();
        world.calls[0].payload.len()
    };
    let mut world = world();
    world.page(0, 0..2);
    let record = padded(&world, value(600), 1 + MAX_PAYLOAD_BYTES - size);
    world.fetched(1, Ok(TopicPage::new(vec![record], None)));
    world.release_turns();
    assert_eq!(world.places(0), [(0, 0), (0, 1)]);
    world.succeed(0);
    world.commit();
    assert_eq!(world.calls[1].payload.len(), MAX_PAYLOAD_BYTES);
    assert!(world.deliveries.is_empty());
}
