//! Queues of ActiveMQ, whose messages a client of JMS has sent: whole ones, shared ones, those whose broker dies, and
//! messages that nobody can process.

use std::collections::HashMap;

use futures::future::join_all;
use lambda_esm_tests::activemq::{Broker, Jms};
use lambda_esm_tests::scripted::{Reply, Stage, fine, pending};
use lambda_esm_tests::{until, variable};
use serde_json::json;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use super::seen::{Seen, numbers};
use super::stage::{as_admin, map, stage_at};

/// How often a message is tried in all: once, and as often as ActiveMQ's default redelivery policy allows.
const TRIES: usize = 7;

/// Returns how a daemon reaches the broker that all tests share, and the client of JMS.
fn shared() -> Option<(String, Jms)> {
    let address = format!("activemq://{}", variable("LAMBDA_ESM_TEST_ACTIVEMQ")?);
    Some((address, Jms::shared()?))
}

fn queue(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

/// Returns how often each message was given to the function.
fn times(stage: &Stage<Seen>) -> HashMap<usize, usize> {
    let mut times = HashMap::new();
    for number in numbers(&stage.functions.calls("f")) {
        *times.entry(number).or_insert(0) += 1;
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_messages_are_handled_once_and_acknowledged() {
    const MESSAGES: usize = 20_000;
    let Some((address, jms)) = shared() else {
        return;
    };
    let mut stage = stage_at(&address, [("f", fine())]).await;
    let queue = queue("whole");
    map(&stage, &queue, "f", &as_admin(&json!({ "BatchSize": 500 }))).await;
    jms.fill(&queue, MESSAGES).await;
    until("every message arrived", async || {
        (stage.functions.records("f") >= MESSAGES).then_some(())
    })
    .await;
    stage.stop().await;
    assert_eq!(jms.read(&queue).await.len(), 0, "messages are left");
    let times = times(&stage);
    assert_eq!(times.len(), MESSAGES);
    assert!(times.values().all(|times| *times == 1), "some came again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_share_a_queue_of_activemq() {
    const MESSAGES: usize = 3_000;
    let Some((address, jms)) = shared() else {
        return;
    };
    let queue = queue("shared");
    let stages = join_all((0..3).map(|_| {
        let slow = pending(async |_| {
            sleep(Duration::from_millis(50)).await;
            Reply::done()
        });
        stage_at(&address, [("f", slow)])
    }))
    .await;
    for stage in &stages {
        map(stage, &queue, "f", &as_admin(&json!({ "BatchSize": 10 }))).await;
    }
    jms.fill(&queue, MESSAGES).await;
    until("every message arrived", async || {
        let all = stages.iter().map(|stage| stage.functions.records("f"));
        (all.sum::<usize>() >= MESSAGES).then_some(())
    })
    .await;
    let mut all = Vec::new();
    for mut stage in stages {
        stage.stop().await;
        let own = numbers(&stage.functions.calls("f"));
        assert!(own.len() >= MESSAGES / 10, "no fair share: {}", own.len());
        all.extend(own);
    }
    all.sort_unstable();
    assert!(
        all.iter().copied().eq(0..MESSAGES),
        "{} messages",
        all.len()
    );
    assert_eq!(jms.read(&queue).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_nothing_and_repeats_a_prefetch_at_most() {
    const MESSAGES: usize = 4_000;
    const BATCH: usize = 20;
    const KILLS: usize = 3;
    let Some(mut broker) = Broker::start().await else {
        return;
    };
    let address = broker.amqp().replace("amqp://", "activemq://");
    let slow = pending(async |_| {
        sleep(Duration::from_millis(50)).await;
        Reply::done()
    });
    let mut stage = stage_at(&address, [("f", slow)]).await;
    broker.jms().fill("breaks", MESSAGES).await;
    map(
        &stage,
        "breaks",
        "f",
        &as_admin(&json!({ "BatchSize": BATCH })),
    )
    .await;
    for _ in 0..KILLS {
        let had = stage.functions.records("f");
        until("300 more messages", async || {
            (stage.functions.records("f") >= had + 300).then_some(())
        })
        .await;
        broker.kill().await;
        broker.restart().await;
    }
    until("every message arrived", async || {
        (times(&stage).len() == MESSAGES).then_some(())
    })
    .await;
    stage.stop().await;
    assert_eq!(
        broker.jms().read("breaks").await.len(),
        0,
        "messages are left"
    );
    let again: usize = times(&stage).values().map(|times| times - 1).sum();
    let most = KILLS * 2 * BATCH * 5;
    println!("{again} of {MESSAGES} messages again, at most {most}");
    assert!(again <= most, "{again} messages again, more than {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_fails_seven_times_is_a_dead_letter_and_stops_no_other() {
    const MESSAGES: usize = 6;
    let Some(broker) = Broker::start().await else {
        return;
    };
    let address = broker.amqp().replace("amqp://", "activemq://");
    let script =
        pending(
            async |records: Vec<Seen>| match records.iter().any(|seen| seen.number() == 3) {
                true => Reply::Fails,
                false => Reply::done(),
            },
        );
    let mut stage = stage_at(&address, [("f", script)]).await;
    map(&stage, "poison", "f", &as_admin(&json!({ "BatchSize": 1 }))).await;
    broker.jms().fill("poison", MESSAGES).await;
    until("the poison was tried as often as it is", async || {
        let times = times(&stage);
        (times.len() == MESSAGES && times[&3] >= TRIES).then_some(())
    })
    .await;
    stage.stop().await;
    let letters = broker.jms().read("ActiveMQ.DLQ").await;
    let texts: Vec<&str> = letters.iter().map(|letter| letter.text.as_str()).collect();
    assert_eq!(texts, ["3"]);
    assert_eq!(broker.jms().read("poison").await.len(), 0);
    for (number, times) in times(&stage) {
        let expected = if number == 3 { TRIES } else { 1 };
        assert_eq!(times, expected, "message {number}");
    }
}
