//! `run` with streams: what is decided, shown and kept.

use serde_json::Value;

use crate::daemon::{Daemon, Served, wait_for};
use crate::fake_streams::{FakeDestination, FakeStream, poisoned};
use crate::support::{file, lambda_esm};

const CLICKS: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/users/stream/2024-01-01T00:00:00.000";
const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// A mapping of a stream whose function fails with `poison`, and which gives up at once.
fn configuration(
    name: &str,
    arn: &str,
    stream: &FakeStream,
    dead: &FakeDestination,
    poison: &'static str,
) -> String {
    let service = arn.split(':').nth(2).unwrap();
    let text = format!(
        "role_arn: arn:aws:iam::000000000000:role/reader\napi: {{listen: '127.0.0.1:0'}}\nstate_dir: {name}\n\
         endpoints: {{{service}: '{}', sqs: '{}'}}\nfunctions: {{f: {{backend: http, url: '{}'}}}}\nmappings:\n  \
         - {{EventSourceArn: '{arn}', FunctionName: f, StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: 0,\n     \
         BisectBatchOnFunctionError: true, DestinationConfig: {{OnFailure: {{Destination: '{DEAD}'}}}}}}\n",
        stream.url,
        dead.url,
        poisoned(poison)
    );
    file(&format!("{name}.yaml"), &text)
}

/// Returns the decision of a line that is one.
fn event(line: &str) -> Option<Value> {
    let mut line: Value = serde_json::from_str(line).unwrap();
    Some(line["event"].take()).filter(Value::is_object)
}

/// Waits until it is kept how far a shard is settled, and returns all decisions up to then.
fn until_kept(daemon: &Daemon, place: &str) -> Vec<Value> {
    let events = std::cell::RefCell::new(Vec::new());
    wait_for(&daemon.out, |line| {
        let Some(event) = event(line) else {
            return false;
        };
        let kept = event["decision"] == "checkpointed" && event["place"] == place;
        events.borrow_mut().push(event);
        kept
    });
    events.into_inner()
}

#[test]
fn a_record_that_fails_is_split_off_and_told_to_the_destination_and_the_position_moves_on() {
    let (stream, dead) = (FakeStream::kinesis(4), FakeDestination::start());
    let path = configuration(
        "bisect",
        CLICKS,
        &stream,
        &dead,
        "\"sequenceNumber\":\"103\"",
    );
    let daemon = Daemon::start(&[&path, "--json"]);
    let events = until_kept(&daemon, "after 104");
    let of = |decision: &str| -> Vec<&Value> {
        let wanted = |event: &&Value| event["decision"] == decision;
        events.iter().filter(wanted).collect()
    };
    // Four records, then two and two, then one and one.
    let sizes: Vec<_> = of("invoked")
        .iter()
        .map(|event| event["records"].clone())
        .collect();
    assert_eq!(sizes, [4, 2, 2, 1, 1]);
    let split = of("attempt_failed")[0];
    assert_eq!(split["then"]["step"], "split");
    assert!(of("invoked")[0]["iterator_age_ms"].as_u64().unwrap() > 60_000);
    let discarded = of("discarded");
    assert_eq!(discarded.len(), 1);
    for (member, value) in [
        ("shard", "shardId-000000000000"),
        ("first", "103"),
        ("last", "103"),
        ("condition", "RetryAttemptsExhausted"),
        ("destination", DEAD),
    ] {
        assert_eq!(discarded[0][member], value, "{member}");
    }
    assert_eq!(of("delivered")[0]["records"], 1);
    let told = dead.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["KinesisBatchInfo"]["startSequenceNumber"], "103");
    assert_eq!(told[0]["requestContext"]["approximateInvokeCount"], 3);

    // A restart goes on where the last one was.
    daemon.signal("-TERM");
    assert_eq!(daemon.code(), Some(0));
    assert_eq!(stream.opened(), ["TRIM_HORIZON"]);
    let daemon = Daemon::start(&[&path, "--json"]);
    let line = wait_for(&daemon.out, |line| line.contains("\"shard_started\""));
    assert_eq!(event(&line).unwrap()["from"], "after 104");
    daemon.signal("-TERM");
    assert_eq!(daemon.code(), Some(0));
    assert_eq!(dead.told().len(), 1);
}

#[test]
fn what_is_given_up_is_logged_without_being_asked_for() {
    let (stream, dead) = (FakeStream::kinesis(2), FakeDestination::start());
    let path = configuration("loss", CLICKS, &stream, &dead, "\"sequenceNumber\":\"102\"");
    let daemon = Daemon::start(&[&path]);
    let line = wait_for(&daemon.err, |line| line.contains("gave up"));
    assert!(
        line.contains(" WARN ") && line.contains("function=f"),
        "{line}"
    );
    let words = "1 record of batch 3 in shardId-000000000000, 102 to 102 (RetryAttemptsExhausted)";
    assert!(line.contains(words), "{line}");
    daemon.signal("-TERM");
    let more: Vec<String> = daemon.err.iter().collect();
    assert_eq!(daemon.code(), Some(0));
    let brief = |line: &String| !line.contains("batch 1") && !line.contains("kept the position");
    assert!(more.iter().all(brief), "{more:#?}");
}

#[test]
fn events_name_the_role_of_the_configuration() {
    let (stream, dead) = (FakeStream::kinesis(1), FakeDestination::start());
    let role = "\"invokeIdentityArn\":\"arn:aws:iam::000000000000:role/reader\"";
    let path = configuration("role", CLICKS, &stream, &dead, role);
    let daemon = Daemon::start(&[&path, "--json"]);
    until_kept(&daemon, "after 101");
    assert_eq!(dead.told().len(), 1, "no event names the role");
}

#[test]
fn the_changes_of_a_table_are_served_too() {
    let (stream, dead) = (FakeStream::dynamodb(3), FakeDestination::start());
    let path = configuration("table", TABLE, &stream, &dead, "item-102");
    let daemon = Daemon::start(&[&path, "--json"]);
    until_kept(&daemon, "after 103");
    let told = dead.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["DDBStreamBatchInfo"]["startSequenceNumber"], "102");
    assert_eq!(told[0]["DDBStreamBatchInfo"]["streamArn"], TABLE);
    daemon.signal("-TERM");
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn words_status_metrics_and_top_tell_of_a_stream_what_there_is_to_know() {
    let (stream, dead) = (FakeStream::kinesis(4), FakeDestination::start());
    let path = configuration(
        "shown",
        CLICKS,
        &stream,
        &dead,
        "\"sequenceNumber\":\"102\"",
    );
    let served = Served::start(&path);
    let uuid = served.json(&["list", "--json"])["EventSourceMappings"][0]["UUID"]
        .as_str()
        .unwrap()
        .to_owned();
    // Each time is a process of its own: all of them are a minute.
    let told = (0..1_000).find_map(|_| {
        let said = served.mappings(&["events", &uuid, "--last", "100"]).out;
        let kept = "kept the position of shardId-000000000000: after 104";
        said.contains(kept).then_some(said)
    });
    let told = told.unwrap_or_else(|| panic!("record 104 is not kept"));
    for words in [
        "reading shardId-000000000000 from the oldest record",
        "batch 1 failed: the function answered 500 Internal Server Error: poison; split into batches 2 and 3",
        "gave up 1 record of batch 5 in shardId-000000000000, 102 to 102 (RetryAttemptsExhausted): the function \
         failed with every try; telling arn:aws:sqs:us-east-1:000000000000:dead",
        "told arn:aws:sqs:us-east-1:000000000000:dead of 1 record given up in shardId-000000000000",
    ] {
        assert!(told.contains(words), "{words}\nis not in\n{told}");
    }
    served.wait_for_state(&uuid, "Enabled");
    let once = lambda_esm(&["top", "--once", "--endpoint", &served.endpoint]).out;
    let table: Vec<Vec<&str>> = once
        .lines()
        .skip(2)
        .take(2)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        table[0],
        [
            "UUID", "STATE", "SOURCE", "FUNCTION", "CONC", "RUN", "WAIT", "GATH", "POLLED",
            "FILTERED", "INVOKED", "FAILED", "DROPPED", "TOLD", "AGE"
        ]
    );
    let expected = [
        &uuid[..8],
        "Enabled",
        "kinesis:clicks",
        "f",
        "1",
        "0",
        "0",
        "0",
        "4",
        "0",
        "10",
        "7",
        "0",
        "1",
    ];
    assert_eq!(table[1][..14], expected, "{once}");
    // The records arrived a minute and a half before.
    let age: f64 = table[1][14].parse().unwrap();
    assert!(age >= 90.0 && table[1][15] == "s", "{once}");
    served.daemon.signal("-TERM");
    assert_eq!(served.daemon.code(), Some(0));
}

#[test]
fn a_stream_that_is_not_there_yet_is_waited_for() {
    let text = format!(
        "endpoints: {{kinesis: http://127.0.0.1:1}}\nfunctions: {{f: {{backend: simulated}}}}\nmappings:\n  \
         - {{EventSourceArn: '{CLICKS}', FunctionName: f, StartingPosition: LATEST}}\n"
    );
    let daemon = Daemon::start(&[&file("away.yaml", &text)]);
    let line = wait_for(&daemon.out, |_| true);
    assert!(
        line.starts_with("reads the Kinesis stream clicks with up to 100 records per batch"),
        "{line}"
    );
    let line = wait_for(&daemon.err, |line| line.contains("WARN"));
    for part in [
        "http://127.0.0.1:1",
        "stream clicks",
        "trying again, with back-off",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    daemon.signal("-INT");
    assert_eq!(daemon.code(), Some(0));
}
