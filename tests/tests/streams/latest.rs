//! Mappings that begin at `LATEST`: what comes after them is delivered, whatever the server's clock shows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use lambda_esm::decision::Decision;
use lambda_esm_tests::streams::{Deliveries, Lab, Stream, Streams, saying};
use lambda_esm_tests::{Daemon, Python, Recording, until};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What was there before the mapping.
const OLD: Range<usize> = 0..3;
/// How long to wait for what has been put. Lots of time: an idle shard is read every 200 ms.
const BOUND: Duration = Duration::from_secs(30);

/// Puts 15 records, one every 300 ms from the moment on at which the mapping is shown as enabled.
async fn what_is_put_after_a_mapping_is_enabled_arrives(streams: Streams) {
    let stream = streams.stream("latest", 1).await;
    stream.put_numbers(OLD).await;
    let lab = Lab::new(streams.engine());
    let members = json!({ "StartingPosition": "LATEST" });
    let row = lab.map(&stream, &members, saying("null")).await;
    row.until_enabled().await;
    let start = Instant::now();
    for number in 0..15 {
        sleep_until(start + Duration::from_millis(300) * number).await;
        stream.put_numbers([100 + number as usize]).await;
    }
    // What is missing then is shown.
    drop(timeout(BOUND, row.until_records(15)).await);
    lab.engine.shutdown().await;
    let expected: Vec<Value> = (100..115).map(|number| json!(number)).collect();
    assert_eq!(row.values(), expected, "{}", streams.what);
}

/// `DynamoDB` Local says of a shard that never held a record that it was trimmed, once another table is written to.
async fn a_shard_that_never_held_a_record_is_not_told_as_trimmed(streams: Streams) {
    let (stream, other) = (
        streams.stream("latest-empty", 1).await,
        streams.stream("latest-other", 1).await,
    );
    let lab = Lab::new(streams.engine());
    let members = json!({ "StartingPosition": "LATEST" });
    let row = lab.map(&stream, &members, saying("null")).await;
    row.until_enabled().await;
    other.put_numbers(OLD).await;
    stream.put_numbers(100..103).await;
    // What is missing then is shown.
    drop(timeout(BOUND, row.until_records(3)).await);
    let decisions = row.decisions();
    lab.engine.shutdown().await;
    let expected: Vec<Value> = (100..103).map(|number| json!(number)).collect();
    assert_eq!(row.values(), expected);
    let trimmed = |decision: &Decision| matches!(decision, Decision::RecordsExpired { .. });
    assert!(!decisions.iter().any(trimmed), "{decisions:?}");
}

/// A daemon with one mapping at `LATEST` to a function that records.
struct Watched {
    recording: Recording,
    configuration: Value,
}

impl Watched {
    fn new(streams: &Streams, python: &Python, stream: &Stream) -> Self {
        let recording = Recording::default();
        let service = if streams.is_dynamodb() {
            "dynamodb"
        } else {
            "kinesis"
        };
        let function = python.section("stream_record.handler", &recording, &[]);
        let configuration = json!({
            "state_dir": "state",
            "endpoints": { (service): streams.endpoint },
            "functions": { "record": function },
            "mappings": [{
                "EventSourceArn": stream.arn(),
                "FunctionName": "record",
                "StartingPosition": "LATEST",
            }],
        });
        Self {
            recording,
            configuration,
        }
    }

    /// Starts the daemon, and waits until its mapping is shown as enabled.
    async fn start(&self) -> Daemon {
        let daemon = Daemon::start(self.recording.folder(), &self.configuration);
        until("the mapping is enabled", async || {
            let lines = daemon.lines();
            let mut states = lines.iter().map(|line| &line["status"]["state"]);
            states.any(|state| state == "Enabled").then_some(())
        })
        .await;
        daemon
    }

    /// Waits until the numbers have been delivered, and returns how often each was.
    async fn until_delivered(&self, numbers: Range<usize>) -> BTreeMap<usize, usize> {
        let delivered = until("every record is delivered", async || {
            let values = Deliveries::of(&self.recording).values();
            let mut numbers = numbers.clone();
            numbers.all(|number| values.contains(&number)).then_some(())
        });
        // What is missing then is shown.
        drop(timeout(BOUND, delivered).await);
        let mut times = BTreeMap::new();
        for delivery in Deliveries::of(&self.recording).0 {
            for record in delivery.records {
                *times.entry(record.value).or_default() += 1;
            }
        }
        times
    }
}

/// Checks that each new number came once. Of the old ones, what the server's clock cannot tell from them may have
/// come, once.
fn check(streams: &Streams, mut times: BTreeMap<usize, usize>, new: Range<usize>) {
    let old: Vec<_> = OLD.filter_map(|number| times.remove(&number)).collect();
    println!("{}: {} old records were delivered", streams.what, old.len());
    assert!(old.iter().all(|times| *times == 1), "{old:?}");
    let expected = new.map(|number| (number, 1)).collect();
    assert_eq!(times, expected, "{}", streams.what);
}

/// Ends a daemon before it has read a record, and starts it again: what was put in between arrives.
async fn a_mapping_that_ended_before_its_first_record_goes_on_where_it_began(
    streams: Streams,
    kill: bool,
) {
    let Some(python) = Python::find() else { return };
    let stream = streams.stream("latest-again", 1).await;
    stream.put_numbers(OLD).await;
    let watched = Watched::new(&streams, &python, &stream);
    let daemon = watched.start().await;
    if kill {
        daemon.kill().await;
    } else {
        let (status, _) = daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }
    stream.put_numbers(100..103).await;
    let daemon = watched.start().await;
    stream.put_numbers(103..106).await;
    let times = watched.until_delivered(100..106).await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    check(&streams, times, 100..106);
}

async fn a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began(
    streams: Streams,
) {
    a_mapping_that_ended_before_its_first_record_goes_on_where_it_began(streams, true).await;
}

async fn a_mapping_that_was_stopped_before_its_first_record_goes_on_where_it_began(
    streams: Streams,
) {
    a_mapping_that_ended_before_its_first_record_goes_on_where_it_began(streams, false).await;
}

/// Halts a daemon for as long as its iterators live, before it has read a record.
async fn an_iterator_that_expires_before_the_first_record_loses_none(streams: Streams) {
    let Some(python) = Python::find() else { return };
    let stream = streams.stream("latest-expired", 1).await;
    stream.put_numbers(OLD).await;
    let watched = Watched::new(&streams, &python, &stream);
    let daemon = watched.start().await;
    daemon.halt();
    stream.put_numbers(100..103).await;
    sleep(Duration::from_secs(4)).await;
    daemon.go_on();
    // It says so where it opens the shard anew, or, if a broken connection came before, where it failed to read.
    let expired = |line: &Value| line["event"].to_string().contains("ExpiredIterator");
    until("the iterator has expired", async || {
        daemon.lines().iter().any(expired).then_some(())
    })
    .await;
    stream.put_numbers(103..106).await;
    let times = watched.until_delivered(100..106).await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    check(&streams, times, 100..106);
}

on_servers! {
    kinesis_local: what_is_put_after_a_mapping_is_enabled_arrives, a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began;
    ministack_kinesis: what_is_put_after_a_mapping_is_enabled_arrives, a_mapping_that_was_stopped_before_its_first_record_goes_on_where_it_began;
    dynamodb_local: what_is_put_after_a_mapping_is_enabled_arrives, a_shard_that_never_held_a_record_is_not_told_as_trimmed, a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began;
    dynamodb_local_3: what_is_put_after_a_mapping_is_enabled_arrives, a_shard_that_never_held_a_record_is_not_told_as_trimmed, a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began, a_mapping_that_was_stopped_before_its_first_record_goes_on_where_it_began;
    dynamodb_fast: an_iterator_that_expires_before_the_first_record_loses_none;
}

/// Makes tests with a ministack whose clock is so many seconds ahead.
macro_rules! with_clock {
    ($($name:ident: $seconds:literal;)+) => {
        $(mod $name {
            use lambda_esm_tests::streams::Ministack;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn what_is_put_after_a_mapping_is_enabled_arrives() {
                let Some(server) = Ministack::ahead($seconds).await else { return };
                tokio::join!(
                    super::what_is_put_after_a_mapping_is_enabled_arrives(server.kinesis()),
                    super::what_is_put_after_a_mapping_is_enabled_arrives(server.dynamodb()),
                );
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began() {
                let Some(server) = Ministack::ahead($seconds).await else { return };
                tokio::join!(
                    super::a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began(server.kinesis()),
                    super::a_mapping_that_was_killed_before_its_first_record_goes_on_where_it_began(server.dynamodb()),
                );
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn an_iterator_that_expires_before_the_first_record_loses_none() {
                let Some(server) = Ministack::ahead($seconds).await else { return };
                super::an_iterator_that_expires_before_the_first_record_loses_none(server.kinesis()).await;
            }
        })+
    };
}

with_clock! {
    clock_20_s_behind: -20;
    clock_4_s_behind: -4;
    clock_4_s_ahead: 4;
    clock_20_s_ahead: 20;
}
