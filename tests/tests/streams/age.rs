//! Records that are too old are given up, as recorded from the service. Ages are real time: all cases run side
//! by side. (`DynamoDB` Local cuts times to the minute, and so cannot take part.)

use std::time::Duration;

use futures::future::{FutureExt as _, LocalBoxFuture, join_all};
use lambda_esm_tests::streams::{
    Document, Known, Lab, Mailbox, Office, Response, Row, Stream, Streams, saying, throwing,
};
use lambda_esm_tests::until;
use serde_json::{Value, json};

/// The least that Lambda allows.
const AGE: u64 = 60;
/// By so much a record may be younger than it looks: its time may be cut to the second, and the server's is.
const IN_DOUBT: Duration = Duration::from_secs(3);

fn told<'a>(
    row: &'a Row,
    stream: &'a Stream,
    invokes: usize,
    records: &'a [Known],
) -> Document<'a> {
    Document {
        function: &row.function,
        condition: "RecordAgeExceeded",
        invokes,
        response: Response::Absent,
        arn: stream.arn(),
        records,
    }
}

/// A record that fails until it is too old: seven times with the default back-off, and the document counts
/// one more.
async fn while_retrying(streams: &Streams, mailboxes: [Mailbox; 3]) {
    let stream = streams.stream("retried", 1).await;
    // The time of a lone record that shows a whole minute may be cut to that.
    until("the minute has begun", async || {
        (1..58)
            .contains(&(jiff::Timestamp::now().as_second() % 60))
            .then_some(())
    })
    .await;
    stream.put_numbers([1]).await;
    let known = stream.read(1).await;
    let lab = Lab::new(streams.engine());
    let mut rows = Vec::new();
    for mailbox in &mailboxes {
        let members = json!({
            "MaximumRecordAgeInSeconds": AGE,
            "DestinationConfig": mailbox.config(),
        });
        rows.push(lab.map(&stream, &members, throwing()).await);
    }
    for (row, mailbox) in rows.iter().zip(&mailboxes) {
        let letters = mailbox.until(1).await;
        row.until_settled(1).await;
        let calls = row.calls();
        println!("{}: {}", streams.what, mailbox.arn);
        assert_eq!(calls.len(), 7, "invocations");
        let event = mailbox.is_bucket().then_some(&calls[0].payload[..]);
        told(row, &stream, 8, &known).check(&letters[0], row.uuid, event);
        assert_eq!(letters.len(), 1, "{letters:?}");
    }
    lab.engine.shutdown().await;
}

/// One record that is too old and five that are not, in one batch.
async fn before_the_first_invocation(streams: &Streams, mailboxes: [Mailbox; 3]) {
    let stream = streams.stream("expired", 1).await;
    stream.put_numbers([0]).await;
    let expired = stream.read(1).await;
    until("the first record is too old", async || {
        let now = jiff::Timestamp::now().as_millisecond();
        let age = Duration::from_millis((now - expired[0].arrival_ms).unsigned_abs());
        (age > Duration::from_secs(AGE) + IN_DOUBT).then_some(())
    })
    .await;
    stream.put_numbers(1..=5).await;
    let lab = Lab::new(streams.engine());
    // What was never sent has no event to compare with, but that of a mapping that minds no age.
    let single = json!({ "BatchSize": 1 });
    let any = lab.map(&stream, &single, saying("null")).await;
    any.until_settled(6).await;
    let mut rows = Vec::new();
    for mailbox in &mailboxes {
        let members = json!({
            "BatchSize": 10,
            "MaximumRecordAgeInSeconds": AGE,
            "MaximumRetryAttempts": 0,
            "DestinationConfig": mailbox.config(),
        });
        rows.push(lab.map(&stream, &members, saying("null")).await);
    }
    for (row, mailbox) in rows.iter().zip(&mailboxes) {
        row.until_settled(6).await;
        let letters = mailbox.until(1).await;
        println!("{}: {}", streams.what, mailbox.arn);
        let fresh: Vec<Value> = (1..=5).map(|number| json!(number)).collect();
        assert_eq!(row.batches(), [fresh]);
        let first = &any.calls()[0].payload;
        let event = mailbox.is_bucket().then_some(&first[..]);
        told(row, &stream, 1, &expired).check(&letters[0], row.uuid, event);
        assert_eq!(letters.len(), 1, "{letters:?}");
    }
    lab.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_too_old_are_told_to_the_destination_whether_they_were_tried_or_not() {
    let Some(office) = Office::find() else { return };
    let servers = [
        Streams::kinesis_local(),
        Streams::ministack_kinesis(),
        Streams::ministack_dynamodb(),
    ];
    let servers: Vec<Streams> = servers.into_iter().flatten().collect();
    let mut runs: Vec<LocalBoxFuture<'_, ()>> = Vec::new();
    for streams in &servers {
        runs.push(while_retrying(streams, office.each().await).boxed_local());
        runs.push(before_the_first_invocation(streams, office.each().await).boxed_local());
    }
    join_all(runs).await;
}
