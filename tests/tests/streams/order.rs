//! Batches of one shard follow each other, as recorded from the service.

use std::time::Duration;

use lambda_esm_tests::streams::{Lab, Streams, pending, saying};
use serde_json::{Value, json};
use tokio::sync::watch;

fn numbers(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(|number| json!(number)).collect()
}

/// Recorded: two batches of ten, and a function that takes five seconds.
async fn a_batch_begins_after_the_one_before_it_has_ended(streams: Streams) {
    const TAKES: Duration = Duration::from_secs(5);
    let stream = streams.stream("turns", 1).await;
    stream.put_numbers(0..20).await;
    let lab = Lab::new(streams.engine());
    let slow = pending(|_| async {
        tokio::time::sleep(TAKES).await;
        Ok("null".into())
    });
    let row = lab.map(&stream, &json!({ "BatchSize": 10 }), slow).await;
    row.until_settled(20).await;
    lab.engine.shutdown().await;
    assert_eq!(row.batches(), [numbers(0..10), numbers(10..20)]);
    let calls = row.calls();
    assert!(calls[1].started >= calls[0].ended.unwrap(), "{calls:?}");
    assert!(calls[1].started - calls[0].started >= TAKES, "{calls:?}");
}

/// Recorded: twenty records that were there before, and ten later ones.
async fn twenty_records_that_wait_and_ten_later_ones_make_three_batches_in_order(streams: Streams) {
    let stream = streams.stream("three", 1).await;
    stream.put_numbers(0..20).await;
    let lab = Lab::new(streams.engine());
    // The later ones are put while the second batch is with the function: it reads them together.
    let (open, gate) = watch::channel(false);
    let second = json!(10);
    let script = pending(move |event| {
        let (mut gate, second) = (gate.clone(), second.clone());
        async move {
            if lambda_esm_tests::streams::values(&event)[0] == second {
                gate.wait_for(|open| *open).await.unwrap();
            }
            Ok("null".into())
        }
    });
    let row = lab.map(&stream, &json!({ "BatchSize": 10 }), script).await;
    row.until_calls(2).await;
    stream.put_numbers(20..30).await;
    stream.read(30).await;
    lambda_esm_tests::until("all is read", async || {
        (row.counts().polled_event_count >= 30).then_some(())
    })
    .await;
    open.send_replace(true);
    row.until_settled(30).await;
    lab.engine.shutdown().await;
    let expected = [numbers(0..10), numbers(10..20), numbers(20..30)];
    assert_eq!(row.batches(), expected);
}

/// Several mappings of one stream, one of which fails for ever and one of which is slow.
async fn mappings_of_one_stream_are_independent(streams: Streams) {
    let stream = streams.stream("shared", 1).await;
    let lab = Lab::new(streams.engine());
    let failing = lambda_esm_tests::streams::throwing();
    let (open, gate) = watch::channel(false);
    let stuck = pending(move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            Ok("null".into())
        }
    });
    let members = json!({ "BatchSize": 10 });
    let failing = lab.map(&stream, &members, failing).await;
    let stuck = lab.map(&stream, &members, stuck).await;
    let quick = lab.map(&stream, &members, saying("null")).await;
    stream.put_numbers(0..10).await;
    quick.until_settled(10).await;
    failing.until_calls(2).await;
    stuck.until_calls(1).await;
    stream.put_numbers(10..50).await;
    quick.until_settled(50).await;
    assert_eq!(quick.values(), numbers(0..50));
    let first = failing.batches()[0].clone();
    assert!(failing.batches().iter().all(|batch| *batch == first));
    assert_eq!(stuck.count(), 1);
    let failing_calls = failing.count();
    open.send_replace(true);
    stuck.until_settled(50).await;
    assert_eq!(stuck.values(), numbers(0..50));
    // One that goes takes nothing from the others.
    lab.engine.delete(quick.uuid).await.unwrap();
    failing.until_calls(failing_calls + 1).await;
    lab.engine.shutdown().await;
}

on_servers! {
    kinesis_local: a_batch_begins_after_the_one_before_it_has_ended, twenty_records_that_wait_and_ten_later_ones_make_three_batches_in_order, mappings_of_one_stream_are_independent;
    ministack_kinesis: a_batch_begins_after_the_one_before_it_has_ended, twenty_records_that_wait_and_ten_later_ones_make_three_batches_in_order, mappings_of_one_stream_are_independent;
    dynamodb_local: a_batch_begins_after_the_one_before_it_has_ended, twenty_records_that_wait_and_ten_later_ones_make_three_batches_in_order, mappings_of_one_stream_are_independent;
    ministack_dynamodb: a_batch_begins_after_the_one_before_it_has_ended, twenty_records_that_wait_and_ten_later_ones_make_three_batches_in_order, mappings_of_one_stream_are_independent;
}
