//! Scenarios that are wrong: each mistake is told with its file, line, field, rule and way out.

use crate::support::{file, lambda_esm};

const GOOD: &str = "\
name: orders
duration: 1m
sources:
  orders:
    kind: sqs
    arrivals: 10/s
  clicks:
    kind: kinesis
    shards: 2
    arrivals: [{ poisson: 5/s }]
functions:
  worker: { duration: 100ms }
mappings:
  - EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders
    FunctionName: worker
  - EventSourceArn: arn:aws:kinesis:us-east-1:000000000000:stream/clicks
    FunctionName: worker
    StartingPosition: TRIM_HORIZON
events:
  - { at: 20s, reshard: clicks, shards: 4 }
expect:
  p99: \"< 5s\"
";

/// What is replaced by what, the line of the mistake, its field, and words of the rule and of the way out.
type Row = (
    &'static str,
    &'static str,
    u32,
    &'static str,
    [&'static str; 2],
);

const ROWS: [Row; 24] = [
    (
        "duration: 1m",
        "duration: soon",
        2,
        "duration",
        ["is no duration", "1h30m"],
    ),
    (
        "duration: 1m",
        "duration: 0",
        2,
        "duration",
        ["longer than nothing", ""],
    ),
    (
        "duration: 1m",
        "seed: 1",
        1,
        "duration",
        ["is missing", "add for example `duration: 1h`"],
    ),
    (
        "kind: sqs",
        "kind: sns",
        5,
        "sources.orders.kind",
        ["must be sqs or kinesis", ""],
    ),
    (
        "arrivals: 10/s",
        "arrivals: 10/fortnight",
        6,
        "sources.orders.arrivals",
        ["is no rate", "6000/min"],
    ),
    (
        "arrivals: 10/s",
        "arrivals: { daily: { low: 9/s, high: 1/s } }",
        6,
        "sources.orders.arrivals.daily",
        ["low must not exceed high", ""],
    ),
    (
        "arrivals: 10/s",
        "arrivals: { constant: 1/s, poisson: 1/s }",
        6,
        "sources.orders.arrivals",
        ["must have one of constant", "bursts"],
    ),
    (
        "arrivals: 10/s",
        "arrivals: { constant: 1/s, from: 2m }",
        6,
        "sources.orders.arrivals",
        ["must be before until", "duration of the scenario"],
    ),
    (
        "arrivals: 10/s",
        "arrivals: { counts: nowhere.csv }",
        6,
        "sources.orders.arrivals.counts",
        ["cannot be read", "folder of the scenario"],
    ),
    (
        "arrivals: 10/s",
        "arrivals: { bursts: 0 }",
        6,
        "sources.orders.arrivals.bursts",
        ["must be 1 to", ""],
    ),
    (
        "arrivals: 10/s",
        "arivals: 10/s",
        6,
        "sources.orders.arivals",
        ["unknown key", "did you mean arrivals?"],
    ),
    (
        "shards: 2",
        "shards: 0",
        9,
        "sources.clicks.shards",
        ["must be 1 to 10000", ""],
    ),
    (
        "duration: 100ms",
        "duration: { p50: 1s, p99: 100ms }",
        12,
        "functions.worker.duration",
        ["p50 must not exceed p99", ""],
    ),
    (
        "duration: 100ms",
        "duration: 100ms, error_rate: 5",
        12,
        "functions.worker.error_rate",
        ["must be 0 to 1", ""],
    ),
    (
        "duration: 100ms",
        "duration: 100ms, timeout: 2h",
        12,
        "functions.worker.timeout",
        ["must be 1 s to 15 min", ""],
    ),
    (
        "duration: 100ms",
        "duration: { file: none.txt }",
        12,
        "functions.worker.duration.file",
        ["cannot be read", ""],
    ),
    (
        "duration: 100ms",
        "memory_mb: 64, duration: 100ms",
        12,
        "functions.worker.memory_mb",
        ["must be 128 to 10240", ""],
    ),
    (
        "    FunctionName: worker\n  - Ev",
        "    FunctionName: walker\n  - Ev",
        15,
        "mappings[0].FunctionName",
        ["there is no function \"walker\"", "configured are: worker"],
    ),
    (
        "000000000000:orders",
        "000000000000:ordres",
        14,
        "mappings[0]",
        [
            "its source \"ordres\" is not in sources",
            "did you mean orders?",
        ],
    ),
    (
        "    StartingPosition: TRIM_HORIZON",
        "    StartingPosition: TRIM_HORIZON\n    BatchSize: 20000",
        19,
        "mappings[1].BatchSize",
        ["less than or equal to 10000", ""],
    ),
    (
        "reshard: clicks",
        "reshard: click",
        20,
        "events[0].reshard",
        ["there is no such source", "did you mean clicks?"],
    ),
    (
        "at: 20s",
        "at: 2m",
        20,
        "events[0]",
        ["must not be after the scenario's duration", ""],
    ),
    (
        "p99: \"< 5s\"",
        "pp99: \"< 5s\"",
        22,
        "expect.pp99",
        ["is no figure of a report", "did you mean p99?"],
    ),
    (
        "p99: \"< 5s\"",
        "p99: \"< five\"",
        22,
        "expect.p99",
        ["is no bound", "< 5s"],
    ),
];

#[test]
fn every_mistake_in_a_scenario_is_told_with_its_place_and_the_way_out() {
    for (number, (before, after, line, field, words)) in ROWS.into_iter().enumerate() {
        assert_eq!(GOOD.matches(before).count(), 1, "{before}");
        let path = file(&format!("bad-{number}.yaml"), &GOOD.replace(before, after));
        let said = lambda_esm(&["simulate", &path]);
        assert_eq!(said.code, 2, "{after}: {said:?}");
        assert!(said.out.is_empty(), "{said:?}");
        let place = format!("{}:{line}:", path);
        let is_it = |said: &&str| said.contains(&place) && said.contains(field);
        let told = said.err.lines().find(is_it);
        let told = told.unwrap_or_else(|| panic!("{after}: no {place} {field} in {}", said.err));
        for part in words {
            assert!(told.contains(part), "{after}: no {part:?} in {told}");
        }
    }
}

#[test]
fn all_mistakes_of_a_scenario_are_told_at_once() {
    let bad = GOOD.replace("kind: sqs", "kind: sns").replace("1m", "soon");
    let path = file("bad-twice.yaml", &bad);
    let said = lambda_esm(&["simulate", &path]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.lines().count() >= 2, "{said:?}");
}

#[test]
fn a_scenario_that_is_not_there_or_no_yaml_is_told() {
    let said = lambda_esm(&["simulate", "/nonexistent/scenario.yaml"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err
            .contains("/nonexistent/scenario.yaml: cannot be read"),
        "{said:?}"
    );
    let path = file("bad-yaml.yaml", "sources: [");
    let said = lambda_esm(&["simulate", &path]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("cannot be read as YAML"), "{said:?}");
}
