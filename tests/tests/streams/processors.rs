//! Powertools' batch processor over streams, in the real Python runtime.

use std::ops::Range;

use lambda_esm_tests::streams::{Document, Office, Response, Streams};
use lambda_esm_tests::{Python, Recording, until};
use serde::Deserialize;
use serde_json::json;

const RECORDS: usize = 40;
const FAIL_MODULO: usize = 7;
const RETRIES: usize = 1;

/// One invocation, as the function recorded it.
#[derive(Deserialize)]
struct Invocation {
    values: Vec<usize>,
}

/// What becomes of a batch whose failing records are named, worked out from the rules alone.
#[derive(Debug, Default)]
struct Prediction {
    /// The records of each invocation.
    invocations: Vec<Vec<usize>>,
    /// The records that are given up, and how often they were sent since their batch last made progress.
    discarded: Vec<(usize, usize)>,
}

impl Prediction {
    fn walk(&mut self, records: Range<usize>, before: usize) {
        self.invocations.push(records.clone().collect());
        let first = records.clone().find(|record| record % FAIL_MODULO == 0);
        let Some(first) = first else { return };
        if first > records.start {
            // Progress: what is left is a batch of its own.
            return self.walk(first..records.end, 0);
        }
        if records.len() > 1 {
            let middle = records.start + records.len() / 2;
            self.walk(records.start..middle, before + 1);
            return self.walk(middle..records.end, before + 1);
        }
        for _ in 0..RETRIES {
            self.invocations.push(vec![first]);
        }
        self.discarded.push((first, before + 1 + RETRIES));
    }
}

async fn only_records_that_powertools_reports_are_given_up(streams: Streams) {
    let (Some(office), Some(python)) = (Office::find(), Python::find()) else {
        return;
    };
    let stream = streams.stream("processor", 1).await;
    stream.put_numbers(1..=RECORDS).await;
    let known = stream.read(RECORDS).await;
    let (recording, mailbox) = (Recording::default(), office.queue().await);
    let event_type = if streams.is_dynamodb() {
        "DynamoDBStreams"
    } else {
        "KinesisDataStreams"
    };
    let environment = [("EVENT_TYPE", event_type), ("FAIL_MODULO", "7")];
    let backend = python.backend("stream_batch_processor.handler", &recording, &environment);
    let engine = streams.engine().invoke(backend).build();
    let members = json!({
        "BatchSize": RECORDS,
        "MaximumBatchingWindowInSeconds": 300,
        "MaximumRetryAttempts": RETRIES,
        "BisectBatchOnFunctionError": true,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": mailbox.config(),
    });
    let mapping = engine.create(stream.mapping("function", &members)).await;
    let mapping = mapping.unwrap();
    let mut predicted = Prediction::default();
    predicted.walk(1..RECORDS + 1, 0);
    let letters = mailbox.until(predicted.discarded.len()).await;
    until("the last record is processed", async || {
        let invocations: Vec<Invocation> = recording.lines();
        (invocations.len() >= predicted.invocations.len()).then_some(())
    })
    .await;
    engine.shutdown().await;
    let invocations: Vec<Invocation> = recording.lines();
    let invocations: Vec<_> = invocations.into_iter().map(|each| each.values).collect();
    assert_eq!(invocations, predicted.invocations);
    assert_eq!(letters.len(), predicted.discarded.len());
    for (letter, (record, invokes)) in letters.iter().zip(predicted.discarded) {
        let document = Document {
            function: "function",
            condition: "RetryAttemptsExhausted",
            invokes,
            response: Response::Answered,
            arn: stream.arn(),
            records: &known[record - 1..record],
        };
        document.check(letter, mapping.uuid.parse().unwrap(), None);
    }
}

on_servers! {
    kinesis_local: only_records_that_powertools_reports_are_given_up;
    ministack_kinesis: only_records_that_powertools_reports_are_given_up;
    dynamodb_local: only_records_that_powertools_reports_are_given_up;
    ministack_dynamodb: only_records_that_powertools_reports_are_given_up;
}
