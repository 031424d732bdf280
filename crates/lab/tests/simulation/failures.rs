//! What fails, and what becomes of it: nothing is lost.

use std::time::Duration;

use lambda_esm_lab::report::Outcome;
use lambda_esm_lab::scenario::{Arrivals, OtherLoad, SourceKind, Span};
use serde_json::json;

use crate::scenes::{burst, constant, function, kinesis, queue, run, scenario, seconds, source};

/// Three records at once, of which the middle one is poison with this seed.
fn poison() -> (lambda_esm_lab::scenario::Function, u64) {
    let mut function = function(0.1);
    function.poison_rate = 0.01;
    (function, 100)
}

#[test]
fn poison_records_are_found_by_bisection_and_all_others_are_processed() {
    let (function, count) = poison();
    let settings = json!({
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 1,
        "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:failed" } },
    });
    let mut scenario = scenario(kinesis(1, burst(count)), function, settings);
    let poisoned = (1..100).find_map(|seed| {
        scenario.seed = seed;
        let report = run(&scenario);
        let lost = report.mappings[0].records.dead_lettered.clone();
        (lost == [("RetryAttemptsExhausted".to_owned(), 1)].into()).then_some(report)
    });
    let report = poisoned.unwrap();
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 99);
    assert!((6..=7).contains(&mapping.bisects), "{mapping:#?}");
    // Each size on the way fails once; the record alone twice, since one retry is allowed. The other halves succeed.
    assert_eq!(mapping.errors, mapping.bisects + 2);
    assert_eq!(mapping.invocations, 2 * mapping.bisects + 2);
    let timeline = &report.timelines[0];
    let halves = timeline.batches.iter().filter(|bar| bar.parent.is_some());
    assert_eq!(halves.count() as u64, 2 * mapping.bisects);
    assert_eq!(timeline.omitted, 0);
}

#[test]
fn a_poison_record_reported_by_itself_is_given_up_alone() {
    let (function, count) = poison();
    let settings = json!({
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "MaximumRetryAttempts": 2,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true,
    });
    let report = run(&scenario(kinesis(1, burst(count)), function, settings));
    let mapping = &report.mappings[0];
    let dropped: u64 = mapping.records.dropped.values().sum();
    assert_eq!(mapping.records.processed + dropped, count);
    assert!(dropped > 0 && dropped < 10, "{mapping:#?}");
    assert!(mapping.partial_failures > 0);
}

#[test]
fn a_message_received_too_often_moves_to_the_dead_letter_queue() {
    let (function, count) = poison();
    let kind = SourceKind::Sqs {
        fifo: false,
        visibility_timeout: seconds(30),
        max_receive_count: Some(3),
    };
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
    let settings = json!({
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    let report = run(&scenario(
        source(kind, arn, burst(count)),
        function,
        settings,
    ));
    let mapping = &report.mappings[0];
    let dead: u64 = mapping.records.dead_lettered.values().sum();
    assert!(dead > 0 && dead < 10, "{mapping:#?}");
    assert_eq!(mapping.records.processed + dead, count);
    // Three receives, the visibility timeout between them.
    assert!(
        (90_000..=120_000).contains(&report.ran_ms),
        "{}",
        report.ran_ms
    );
    assert_eq!(mapping.records.waiting, 0);
}

#[test]
fn without_reports_the_whole_batch_of_a_queue_comes_again() {
    let (function, count) = poison();
    let kind = SourceKind::Sqs {
        fifo: false,
        visibility_timeout: seconds(30),
        max_receive_count: Some(2),
    };
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
    let report = run(&scenario(
        source(kind, arn, burst(count)),
        function,
        json!({ "BatchSize": 10 }),
    ));
    let mapping = &report.mappings[0];
    let dead: u64 = mapping.records.dead_lettered.values().sum();
    assert_eq!(mapping.records.processed + dead, count);
    assert!(
        mapping.errors > 0 && mapping.partial_failures == 0,
        "{mapping:#?}"
    );
}

#[test]
fn a_function_that_takes_too_long_has_failed() {
    let mut slow = function(60.0);
    slow.timeout = seconds(10);
    let settings = json!({
        "StartingPosition": "LATEST",
        "MaximumRetryAttempts": 1,
    });
    let report = run(&scenario(kinesis(1, burst(5)), slow, settings));
    let mapping = &report.mappings[0];
    assert_eq!(
        (mapping.invocations, mapping.errors, mapping.timeouts),
        (2, 2, 2)
    );
    assert_eq!(
        mapping.records.dropped,
        [("RetryAttemptsExhausted".to_owned(), 5)].into()
    );
    assert_eq!(report.functions[0].duration.max, 10_000.0);
    assert_eq!(report.functions[0].gb_seconds, 20.0);
    let outcomes = report.timelines[0].batches[0].attempts.iter();
    let outcomes: Vec<Outcome> = outcomes.map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed]);
}

#[test]
fn what_is_beyond_the_reserved_concurrency_is_throttled_and_processed_later() {
    let mut function = function(1.0);
    function.reserved_concurrency = Some(2);
    let report = run(&scenario(
        queue(burst(100)),
        function,
        json!({ "BatchSize": 1 }),
    ));
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 100);
    assert_eq!(
        (mapping.max_concurrency, report.functions[0].max_concurrency),
        (2, 2)
    );
    assert!(mapping.throttles > 0);
    assert!(report.ran_ms >= 50_000);
}

#[test]
fn other_load_takes_of_the_reserved_concurrency() {
    let mut function = function(1.0);
    function.reserved_concurrency = Some(10);
    function.other_load = vec![OtherLoad {
        rate: 20.0,
        span: Span {
            from: Duration::ZERO,
            until: seconds(60),
        },
    }];
    let report = run(&scenario(
        queue(constant(5.0, 60)),
        function,
        json!({ "BatchSize": 1 }),
    ));
    assert_eq!(report.mappings[0].records.processed, 300);
    assert!(report.mappings[0].throttles > 0);
    let other = report.functions[0].other_throttles;
    assert!((300..1200).contains(&other), "{other}");
}

#[test]
fn filtered_records_are_neither_processed_nor_lost() {
    let pattern = json!({ "body": { "n": [{ "numeric": ["<", 20] }] } }).to_string();
    let settings = json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    let report = run(&scenario(queue(burst(100)), function(0.1), settings));
    let records = &report.mappings[0].records;
    assert_eq!((records.processed, records.filtered), (20, 80));
    let pattern = json!({ "data": { "n": [{ "numeric": ["<", 20] }] } }).to_string();
    let settings = json!({
        "FilterCriteria": { "Filters": [{ "Pattern": pattern }] },
        "StartingPosition": "LATEST",
    });
    let report = run(&scenario(kinesis(4, burst(100)), function(0.1), settings));
    let records = &report.mappings[0].records;
    assert_eq!((records.processed, records.filtered), (20, 80));
}

#[test]
fn a_record_that_grows_too_old_is_dropped() {
    let mut failing = function(0.1);
    failing.error_rate = 1.0;
    let settings = json!({ "StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 60 });
    let arrivals = Arrivals::Times([Duration::ZERO, seconds(10)].into());
    let report = run(&scenario(kinesis(1, arrivals), failing, settings));
    let mapping = &report.mappings[0];
    assert_eq!(
        mapping.records.dropped,
        [("RecordAgeExceeded".to_owned(), 2)].into()
    );
    assert!(
        mapping.age.max >= 60_000.0 && mapping.age.max < 75_000.0,
        "{mapping:#?}"
    );
}
