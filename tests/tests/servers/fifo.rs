//! Order within a group, and independence between groups.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lambda_esm_tests::{
    Invocation, Message, Python, QueueOptions, Recording, Sqs, most_at_once, until,
};
use serde_json::json;

const GROUPS: usize = 50;
const EACH: usize = 40;
const POISONED: &str = "group-17";
/// How long the poisoned group waits for its next try, and so how long the others have.
const VISIBILITY: Duration = Duration::from_secs(25);

/// Takes turns between the groups; each body is the message's number within its group.
fn messages() -> impl Iterator<Item = Message> {
    (0..EACH).flat_map(|number| {
        (0..GROUPS).map(move |group| Message {
            body: number.to_string(),
            group: Some(format!("group-{group}")),
        })
    })
}

fn groups_of(invocation: &Invocation) -> BTreeSet<&str> {
    invocation
        .messages
        .iter()
        .map(|message| message.group.as_str())
        .collect()
}

/// Checks that two invocations that overlap in time have no group in common, so that there are never
/// more of them than groups that have messages.
fn check_no_group_runs_twice_at_once(invocations: &[Invocation]) {
    for (at, one) in invocations.iter().enumerate() {
        for other in &invocations[at + 1..] {
            if one.started < other.ended && other.started < one.ended {
                let (one, other) = (groups_of(one), groups_of(other));
                let shared: Vec<_> = one.intersection(&other).collect();
                assert!(shared.is_empty(), "run twice at once: {shared:?}");
            }
        }
    }
}

/// Returns the numbers of a group's messages that had this outcome, in the order of handling.
fn numbers(invocations: &[Invocation], group: &str, outcome: &str) -> Vec<usize> {
    let messages = invocations
        .iter()
        .flat_map(|invocation| &invocation.messages);
    messages
        .filter(|message| message.group == group && message.outcome == outcome)
        .map(|message| message.body.parse().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_group_keeps_its_order_and_delays_no_other_group() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let options = QueueOptions {
        visibility_timeout: VISIBILITY,
        fifo: true,
        ..Default::default()
    };
    let (queue, recording) = (sqs.queue("groups", options).await, Recording::default());
    queue.send(messages()).await;
    let env = [("POISON_GROUP", POISONED), ("SLEEP_MS", "2")];
    let mut config = python.config("fifo.handler", &recording, &env);
    config.concurrency = 4;
    let backend = lambda_esm::runtime::process::ProcessBackend::new(config).unwrap();
    let engine = sqs.engine().invoke(backend).build();
    let members = json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] });
    engine
        .create(queue.mapping("function", members))
        .await
        .unwrap();
    until(
        "the others are done and the poisoned group was tried again",
        async || {
            let seen = recording.invocations();
            let done: usize = (0..GROUPS)
                .map(|group| numbers(&seen, &format!("group-{group}"), "done").len())
                .sum();
            let tries = numbers(&seen, POISONED, "failed").len();
            (done >= (GROUPS - 1) * EACH && tries >= 2).then_some(())
        },
    )
    .await;
    engine.shutdown().await;

    let mut invocations = recording.invocations();
    invocations.sort_by(|a, b| a.started.total_cmp(&b.started));
    check_no_group_runs_twice_at_once(&invocations);
    assert!(
        (2..=4).contains(&most_at_once(&invocations)),
        "{}",
        most_at_once(&invocations)
    );
    let in_order: Vec<usize> = (0..EACH).collect();
    for group in (0..GROUPS).map(|group| format!("group-{group}")) {
        let expected = if group == POISONED {
            Vec::new()
        } else {
            in_order.clone()
        };
        assert_eq!(numbers(&invocations, &group, "done"), expected, "{group}");
    }
    let failed = numbers(&invocations, POISONED, "failed");
    assert!(
        failed.iter().all(|&number| number == 0),
        "overtaken: {failed:?}"
    );

    let ends = invocations
        .iter()
        .filter(|invocation| !groups_of(invocation).contains(POISONED));
    let others_ended = ends.map(|invocation| invocation.ended).fold(0.0, f64::max);
    let tries: Vec<f64> = invocations
        .iter()
        .filter(|invocation| groups_of(invocation).contains(POISONED))
        .map(|invocation| invocation.started)
        .collect();
    assert!(
        tries[1] - tries[0] >= VISIBILITY.as_secs_f64() - 1.0,
        "did not wait: {tries:?}"
    );
    assert!(
        others_ended < tries[1],
        "other groups ended only at {others_ended}; {tries:?}"
    );
    let left: BTreeMap<_, _> = invocations
        .iter()
        .flat_map(|one| &one.messages)
        .map(|seen| (&seen.id, &seen.outcome))
        .collect();
    assert_eq!(
        left.values().filter(|outcome| *outcome == &"done").count(),
        (GROUPS - 1) * EACH
    );
}
