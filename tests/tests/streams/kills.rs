//! Positions survive `kill -9` of the daemon: what is repeated is what was in flight, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lambda_esm_tests::streams::{Deliveries, Streams};
use lambda_esm_tests::{Python, until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::killing::Killed;

const KILLS: usize = 10;
const SEED: u64 = 5;

/// Ten lanes, each with a position of its own.
async fn each_lane_repeats_no_more_than_its_batch_in_flight(streams: Streams) {
    const RECORDS: usize = 6_000;
    const KEYS: usize = 500;
    const FACTOR: usize = 10;
    const BATCH: usize = 10;
    let Some(python) = Python::find() else { return };
    let stream = streams.stream("killed-lanes", 1).await;
    let value = |number: usize| (format!("key-{}", number % KEYS), json!(number));
    let values: Vec<(String, Value)> = (0..RECORDS).map(value).collect();
    stream.put_in_order(&values).await;
    let members = json!({ "BatchSize": BATCH, "ParallelizationFactor": FACTOR });
    let longest = Duration::from_millis(500);
    let mut killed = Killed::new(&streams, &python, stream.arn(), &members, SEED, longest);
    let (kills, daemon) = killed.run(|kills| kills < KILLS).await;
    until("every record is delivered", async || {
        (Deliveries::of(&killed.recording).values().len() >= RECORDS).then_some(())
    })
    .await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    let deliveries = Deliveries::of(&killed.recording);
    let repeated = deliveries.repeated();
    println!(
        "{}: {RECORDS} records, {kills} kills, {} delivered again, at most {} after one kill",
        streams.what, repeated.records, repeated.most
    );
    assert!(deliveries.values().into_iter().eq(0..RECORDS));
    deliveries.check_order();
    assert!(repeated.most <= FACTOR * BATCH, "{repeated:?}");
    assert!(repeated.records > 0, "no kill hit a batch in flight");
}

/// The function's state is kept together with the position, so that no record counts twice.
async fn the_sum_of_each_window_is_exact(streams: Streams) {
    const PUTTING: Duration = Duration::from_secs(15);
    let Some(python) = Python::find() else { return };
    let stream = streams.stream("killed-windows", 1).await;
    let members = json!({ "TumblingWindowInSeconds": 2 });
    let longest = Duration::from_millis(1_500);
    let mut killed = Killed::new(&streams, &python, stream.arn(), &members, SEED, longest);
    // With the service's pacing a window without a later record lasts two minutes.
    killed.configuration["pacing"] = json!("eager");
    let (killed_times, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let putting = async {
        let end = Instant::now() + PUTTING;
        let mut number = 0;
        // A daemon and its functions may take their time to begin.
        while Instant::now() < end || killed_times.load(Ordering::Relaxed) < 2 {
            stream.put_numbers([number]).await;
            number += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        over.store(true, Ordering::Relaxed);
        number
    };
    let killing = killed.run(|kills| {
        killed_times.store(kills, Ordering::Relaxed);
        !over.load(Ordering::Relaxed)
    });
    let (records, (kills, daemon)) = tokio::join!(putting, killing);
    let counted = |deliveries: &Deliveries| -> BTreeMap<String, BTreeSet<usize>> {
        let mut windows: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for delivery in deliveries.0.iter().filter(|delivery| delivery.is_final) {
            let window = delivery.window.clone().unwrap();
            windows.entry(window).or_default().insert(delivery.before);
        }
        windows
    };
    let deliveries = until("all windows have ended", async || {
        let deliveries = Deliveries::of(&killed.recording);
        let counted: usize = counted(&deliveries).into_values().flatten().sum();
        (counted >= records).then_some(deliveries)
    })
    .await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    let repeated = deliveries.repeated();
    println!(
        "{}: {records} records, {kills} kills, {} delivered again",
        streams.what, repeated.records
    );
    let mut members: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for delivery in &deliveries.0 {
        let window = members.entry(delivery.window.clone().unwrap()).or_default();
        window.extend(delivery.records.iter().map(|record| record.value));
    }
    // A final invocation that is repeated is handed the same state.
    let expected: BTreeMap<_, _> = members
        .into_iter()
        .map(|(window, records)| (window, BTreeSet::from([records.len()])))
        .collect();
    assert_eq!(counted(&deliveries), expected);
    assert!(deliveries.values().into_iter().eq(0..records));
}

on_servers! {
    ministack_kinesis: each_lane_repeats_no_more_than_its_batch_in_flight, the_sum_of_each_window_is_exact;
    dynamodb_local: each_lane_repeats_no_more_than_its_batch_in_flight;
    ministack_dynamodb: each_lane_repeats_no_more_than_its_batch_in_flight, the_sum_of_each_window_is_exact;
}
