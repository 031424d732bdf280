//! A daemon that is killed again and again in the middle of its batches loses nothing.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::sleep;

use super::function::{Reply, numbers, pending};
use super::stage::Stage;

/// How many daemons are killed side by side, each with a topic of its own, and how often each.
const DAEMONS: usize = 4;
const KILLS: usize = 5;
const PARTITIONS: i32 = 3;
const BATCH: usize = 10;

/// Kills a daemon, and returns how many records were given to its function more than once.
async fn kill_again_and_again(seed: u64) -> Option<usize> {
    let slow = pending(async |_| {
        sleep(Duration::from_millis(100)).await;
        Reply::done()
    });
    let mut random = fastrand::Rng::with_seed(seed);
    let mut stage = Stage::start([("killed", slow)]).await?;
    let topic = stage
        .kafka
        .topic("killed", TopicOptions::partitions(PARTITIONS))
        .await;
    let uuid = stage
        .create(&topic, "killed", &json!({ "BatchSize": BATCH }))
        .await;
    let mut put = 0;
    for _ in 0..KILLS {
        let before = stage.functions.calls("killed").len();
        topic.fill(put, 600).await;
        put += 600;
        until(
            "the function is called after the daemon began",
            async || (stage.functions.calls("killed").len() > before).then_some(()),
        )
        .await;
        sleep(Duration::from_millis(random.u64(0..700))).await;
        stage.kill().await;
        // What was sent is given to the function, though nobody waits for its answer.
        stage.run().await;
    }
    stage.until_committed(uuid, &topic).await;
    let mut times = HashMap::new();
    for call in stage.functions.calls("killed") {
        for number in numbers(&call) {
            *times.entry(number).or_insert(0) += 1;
        }
    }
    let lost: Vec<usize> = (0..put)
        .filter(|number| !times.contains_key(number))
        .collect();
    assert_eq!(lost, [0; 0], "lost with seed {seed}");
    Some(times.values().map(|times| times - 1).sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_repeat_a_batch_of_each_partition_at_most() {
    let outcomes = join_all((0..DAEMONS as u64).map(kill_again_and_again)).await;
    for repeated in outcomes.into_iter().flatten() {
        println!("{repeated} records again after {KILLS} kills");
        let most = KILLS * usize::try_from(PARTITIONS).unwrap() * BATCH;
        assert!(
            repeated <= most,
            "{repeated} records again, more than {most}"
        );
    }
}
