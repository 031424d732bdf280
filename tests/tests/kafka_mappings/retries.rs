//! How failing batches are tried again in provisioned mode, and what is told of them in the end.

use lambda_esm_tests::kafka::{Record, Topic, TopicOptions};
use lambda_esm_tests::streams::{Mailbox, Office};
use lambda_esm_tests::until;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::function::{Reply, Seen, answering, failing, numbers};
use super::letters::{Answer, Document, Part};
use super::stage::{Stage, assert_in_order, provisioned};

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A topic of one partition with three records of known times: of a key, of another, and of none.
async fn three(stage: &Stage) -> (Topic, [i64; 3]) {
    let topic = stage
        .kafka
        .topic("failing", TopicOptions::partitions(1))
        .await;
    let first = now() - 1_000;
    let times = [first, first + 10, first + 20];
    let record = |n: usize| {
        let record = Record::new(format!("{{\"n\":{n}}}")).timestamp(times[n]);
        match n {
            0 => record.key("a"),
            1 => record.key(vec![0xff, 0]),
            _ => record,
        }
    };
    topic.produce((0..3).map(record)).await;
    (topic, times)
}

fn with_destination(destination: &Value, more: &Value) -> Value {
    let mut members = provisioned(more);
    members["DestinationConfig"] = destination.clone();
    members
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket() {
    let Some(office) = Office::find() else { return };
    let names = ["queue", "notified", "bucket"];
    let Some(stage) = Stage::start(names.map(|name| (name, failing()))).await else {
        return;
    };
    let (topic, times) = three(&stage).await;
    let boxes = office.each().await;
    let check = async |name: &str, mailbox: &Mailbox| {
        let more = json!({ "MaximumRetryAttempts": 2 });
        let members = with_destination(&mailbox.config(), &more);
        let uuid = stage.map(&topic, name, &members).await;
        let letters = mailbox.until(1).await;
        stage.until_committed(uuid, &topic).await;
        let calls = stage.functions.calls(name);
        assert_eq!(calls.len(), 3, "{name}");
        let document = Document {
            function: name,
            condition: "RetryAttemptsExhausted",
            invokes: 3,
            answer: Answer::Unhandled,
            servers: stage.kafka.bootstrap(),
            topic: topic.name(),
            records: 3,
            parts: vec![Part {
                partition: 0,
                offsets: [0, 2],
                times: [times[0], times[2]],
            }],
            event: &calls[0].payload,
        };
        document.check(&letters[0], uuid);
        assert_eq!(mailbox.letters().await.len(), 1, "{name}");
    };
    tokio::join!(
        check(names[0], &boxes[0]),
        check(names[1], &boxes[1]),
        check(names[2], &boxes[2]),
    );
}

/// Returns the records of a topic of one partition: their keys and values.
async fn messages(topic: &Topic) -> Vec<(Option<Vec<u8>>, String)> {
    let wanted = topic.watermarks(0).await.1;
    let mut config = topic.kafka().config();
    config.set("group.id", "reads-without-a-group");
    let name = topic.name().to_owned();
    let read = spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&name, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&list).unwrap();
        let records = (0..wanted).map(|_| {
            let record = consumer
                .poll(std::time::Duration::from_secs(60))
                .unwrap()
                .unwrap();
            let value = String::from_utf8(record.payload().unwrap().to_vec()).unwrap();
            (record.key().map(<[u8]>::to_vec), value)
        });
        records.collect()
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_of_the_cluster_is_told_of_each_record_under_its_key() {
    let Some(stage) = Stage::start([("to-kafka", failing())]).await else {
        return;
    };
    let (topic, times) = three(&stage).await;
    let failures = stage
        .kafka
        .topic("failures", TopicOptions::partitions(1))
        .await;
    let destination = format!("kafka://{}", failures.name());
    let members = with_destination(
        &json!({ "OnFailure": { "Destination": destination } }),
        &json!({ "MaximumRetryAttempts": 0 }),
    );
    let uuid = stage.map(&topic, "to-kafka", &members).await;
    stage.until_committed(uuid, &topic).await;
    let calls = stage.functions.calls("to-kafka");
    assert_eq!(calls.len(), 1);
    let mut told = messages(&failures).await;
    assert_eq!(told.len(), 3, "{told:?}");
    // They are told of at the same time, so that any may be the first.
    let expected = [Some(&b"a"[..]), Some(&[0xff, 0]), None];
    told.sort_by_key(|(key, _)| expected.iter().position(|known| *known == key.as_deref()));
    let keys: Vec<_> = told.iter().map(|(key, _)| key.as_deref()).collect();
    assert_eq!(keys, expected);
    let partition = format!("{}-0", topic.name());
    let whole = String::from_utf8(calls[0].payload.to_vec()).unwrap();
    let list = whole.split_once(&format!("\"{partition}\":[")).unwrap();
    let records = list.1.strip_suffix("]}}").unwrap();
    let records: Vec<&str> = records.split_inclusive("\"headers\":[]}").collect();
    for (n, (_, body)) in told.iter().enumerate() {
        let record = records[n].trim_start_matches(',');
        let event = format!("{}\"{partition}\":[{record}]}}}}", list.0);
        let offset = i64::try_from(n).unwrap();
        let document = Document {
            function: "to-kafka",
            condition: "RetryAttemptsExhausted",
            invokes: 1,
            answer: Answer::Unhandled,
            servers: stage.kafka.bootstrap(),
            topic: topic.name(),
            records: 1,
            parts: vec![Part {
                partition: 0,
                offsets: [offset; 2],
                times: [times[n]; 2],
            }],
            event: event.as_bytes(),
        };
        document.check_message(body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_too_old_are_told_and_not_delivered() {
    let Some(office) = Office::find() else { return };
    let Some(stage) = Stage::start([("aged", failing())]).await else {
        return;
    };
    let topic = stage.kafka.topic("aged", TopicOptions::partitions(1)).await;
    let old = now() - 120_000;
    let record = |n: i64| Record::new(format!("{{\"n\":{n}}}")).timestamp(old + n);
    topic.produce((0..2).map(record)).await;
    let mailbox = office.bucket().await;
    let members = with_destination(
        &mailbox.config(),
        &json!({ "MaximumRecordAgeInSeconds": 60 }),
    );
    let uuid = stage.map(&topic, "aged", &members).await;
    let letters = mailbox.until(1).await;
    stage.until_committed(uuid, &topic).await;
    assert_eq!(stage.functions.calls("aged").len(), 0);
    let body: Value = serde_json::from_str(&letters[0].body).unwrap();
    let event = body["payload"].as_str().unwrap();
    let document = Document {
        function: "aged",
        condition: "RecordAgeExceeded",
        // Recorded of streams: one that was never sent counts 1.
        invokes: 1,
        answer: Answer::None,
        servers: stage.kafka.bootstrap(),
        topic: topic.name(),
        records: 2,
        parts: vec![Part {
            partition: 0,
            offsets: [0, 1],
            times: [old, old + 1],
        }],
        event: event.as_bytes(),
    };
    document.check(&letters[0], uuid);
    assert_eq!(mailbox.letters().await.len(), 1);
}

/// Returns a partial batch response.
fn failures(places: impl IntoIterator<Item = (String, i64)>) -> Reply {
    let items = places.into_iter().map(|(partition, offset)| {
        json!({ "itemIdentifier": { "partition": partition, "offset": offset } })
    });
    Reply::Says(json!({ "batchItemFailures": items.collect::<Vec<_>>() }).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_reported_as_failed_comes_again() {
    let kafka = lambda_esm_tests::kafka::Kafka::shared();
    let Some(kafka) = kafka else { return };
    let topic = kafka.topic("partial", TopicOptions::partitions(3)).await;
    let name = topic.name().to_owned();
    // Each record whose number divides by three fails when it comes for the first time.
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let script = answering(move |records: &[Seen]| {
        let mut seen = seen.lock().unwrap();
        let failed = records.iter().filter(|record| record.number() % 3 == 0);
        let failed: Vec<_> = failed
            .filter(|record| seen.insert(record.number()))
            .collect();
        failures(
            failed
                .iter()
                .map(|record| (format!("{name}-{}", record.partition), record.offset)),
        )
    });
    let Some(stage) = Stage::start([("partial", script)]).await else {
        return;
    };
    topic.fill(0, 60).await;
    let members = provisioned(&json!({
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BatchSize": 20,
    }));
    let uuid = stage.map(&topic, "partial", &members).await;
    stage.until_committed(uuid, &topic).await;
    let mut times = [0; 60];
    for number in stage.functions.calls("partial").iter().flat_map(numbers) {
        times[number] += 1;
    }
    let expected: Vec<i32> = (0..60)
        .map(|number| if number % 3 == 0 { 2 } else { 1 })
        .collect();
    assert_eq!(times.to_vec(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identifier_of_no_record_makes_the_whole_batch_fail() {
    let Some(office) = Office::find() else { return };
    let unknown = |_: &[_]| failures([("elsewhere-0".to_owned(), 0)]);
    let Some(stage) = Stage::start([("unknown", answering(unknown))]).await else {
        return;
    };
    let (topic, times) = three(&stage).await;
    let mailbox = office.queue().await;
    let more = json!({
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 1,
    });
    let members = with_destination(&mailbox.config(), &more);
    let uuid = stage.map(&topic, "unknown", &members).await;
    let letters = mailbox.until(1).await;
    stage.until_committed(uuid, &topic).await;
    let calls = stage.functions.calls("unknown");
    let batches: Vec<_> = calls.iter().map(numbers).collect();
    assert_eq!(batches, [[0, 1, 2], [0, 1, 2]]);
    let document = Document {
        function: "unknown",
        condition: "RetryAttemptsExhausted",
        invokes: 2,
        answer: Answer::Answered,
        servers: stage.kafka.bootstrap(),
        topic: topic.name(),
        records: 3,
        parts: vec![Part {
            partition: 0,
            offsets: [0, 2],
            times: [times[0], times[2]],
        }],
        event: &calls[0].payload,
    };
    document.check(&letters[0], uuid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_mode_tries_a_batch_until_it_succeeds() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let script = answering(move |_| {
        let tries = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if tries < 3 {
            Reply::Fails
        } else {
            Reply::done()
        }
    });
    let Some(stage) = Stage::start([("again", script)]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("again", TopicOptions::partitions(1))
        .await;
    topic.fill(0, 10).await;
    let uuid = stage.map(&topic, "again", &json!({ "BatchSize": 5 })).await;
    stage.until_committed(uuid, &topic).await;
    let batches: Vec<_> = stage.functions.calls("again").iter().map(numbers).collect();
    let (first, second): (Vec<usize>, Vec<usize>) = ((0..5).collect(), (5..10).collect());
    assert_eq!(
        batches,
        [&first, &first, &first, &first, &second].map(Clone::clone)
    );
    until("all is well again", async || {
        (stage.mapping(uuid).await["LastProcessingResult"] == "OK").then_some(())
    })
    .await;
    assert_in_order(&stage.functions.calls("again")[3..]);
}
