//! `lambda-esm demo`: the whole way of a message and of a record, without a server.

use std::collections::BTreeSet;

use super::support::lambda_esm;

#[test]
fn every_kind_of_decision_is_seen_and_the_sums_agree() {
    let said = lambda_esm(&["demo", "--json"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines = said.json();
    let decisions: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["event"]["decision"].as_str())
        .collect();
    for kind in [
        "polled",
        "filtered",
        "batch_closed",
        "invoked",
        "succeeded",
        "partially_failed",
        "exhausted",
        "deleted",
        "shard_started",
        "attempt_failed",
        "discarded",
        "delivered",
        "checkpointed",
        "window_ending",
    ] {
        assert!(decisions.contains(kind), "no {kind} in {decisions:?}");
    }
    let moved: u64 = lines
        .iter()
        .filter_map(|line| line["dead_lettered"].as_u64())
        .sum();
    let summary = &lines.last().unwrap()["summary"];
    // Of 60 messages, each fifth is no order, and each seventeenth is broken: 17, 34 and 51.
    assert_eq!(summary["counts"]["FilteredOutEventCount"], 12);
    assert_eq!(summary["dead_lettered"], 3);
    assert_eq!(moved, 3);
    assert_eq!(summary["processed"], 60 - 12 - 3);
    assert_eq!(summary["left_in_queue"], 0);
    let deleted: u64 = lines
        .iter()
        .filter(|line| line["event"]["decision"] == "deleted")
        .filter_map(|line| line["event"]["messages"].as_u64())
        .sum();
    assert_eq!(deleted, 57, "all but the dead letters are deleted");

    // Of nine readings in two windows, one cannot be read.
    let stream = &summary["stream"];
    let windows = serde_json::json!([
        { "readings": 5, "celsius": 21.0 },
        { "readings": 3, "celsius": 23.5 },
    ]);
    assert_eq!(stream["windows"], windows);
    assert_eq!(stream["counts"]["PolledEventCount"], 9);
    let told = stream["told"].as_array().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["KinesisBatchInfo"]["batchSize"], 1);
    // Six, three and one record, and that one again.
    assert_eq!(told[0]["requestContext"]["approximateInvokeCount"], 4);
}

#[test]
fn a_person_reads_what_happens_and_why() {
    let said = lambda_esm(&["demo"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for words in [
        "the batching window ended",
        "it reached the batch size",
        "filtered out and deleted",
        "`body.kind`",
        "failed in part",
        "to the dead-letter queue",
        "45 processed, 3 in the dead-letter queue, 0 left in the queue.",
        "split into batches 2 and 3",
        "its retries are used up",
        "gave up 1 record of batch 4 in shardId-000000000000",
        "ends: batch 6 is its final invocation",
        "the function says: 5 readings, 21.0 °C in the mean",
        "9 readings polled, 8 averaged in 2 windows, 1 given up.",
    ] {
        assert!(said.out.contains(words), "no {words:?} in:\n{}", said.out);
    }
    assert!(!said.out.contains('\x1b'), "no colours in a pipe");
}
