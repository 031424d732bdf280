//! `check`, and the messages that `run` shares with it.

use crate::support::{Said, file, lambda_esm};

fn check(name: &str, text: &str) -> Said {
    lambda_esm(&["check", &file(name, text)])
}

/// Asserts that the file is refused with exactly these problems, without `error: FILE:`.
fn refused(name: &str, text: &str, problems: &[&str]) {
    let path = file(name, text);
    let said = lambda_esm(&["check", &path]);
    let prefix = format!("error: {path}:");
    let found: Vec<_> = said
        .err
        .lines()
        .map(|line| line.strip_prefix(&prefix).unwrap_or(line))
        .collect();
    assert_eq!(found, problems);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
}

/// A mapping that stands at line 3, if the lines before are the function's.
#[cfg(feature = "sqs")]
fn with_mapping(members: &str) -> String {
    let mapping = "EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders, FunctionName: f";
    format!("functions: {{f: {{backend: simulated}}}}\nmappings:\n  - {{{mapping}{members}}}\n")
}

#[test]
fn what_is_no_yaml_is_refused_where_it_breaks_without_showing_the_file() {
    let said = check(
        "broken.yaml",
        "region: us-east-1\nsecrets: [s3cret\npacing: eager\n",
    );
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("broken.yaml:3:") && said.err.contains("cannot be read as YAML"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("s3cret"), "{}", said.err);
    refused("empty.yaml", "", &["1:1: must be a map, not nothing"]);
}

#[test]
fn a_key_may_not_come_twice() {
    let said = check("twice.yaml", "region: a\nregion: b\n");
    assert!(
        said.err
            .contains(":2:1: region: a key may not come twice; it is in line 1 already"),
        "{}",
        said.err
    );
}

#[test]
fn every_problem_is_reported_in_the_order_of_the_file() {
    let text = "regoin: us-east-1\naccount_id: 12\npacing: fast\ndrain_seconds: -1\ndecisions: all\n\
                filters: {dialect: sql, maximum: 11, colour: 1}\nmappings: []\n";
    refused(
        "several.yaml",
        text,
        &[
            "1:1: regoin: unknown key; did you mean region?",
            "2:13: account_id is 12: must be text, not an integer; put it in quotes",
            "3:9: pacing: pacing \"fast\" is unknown; use \"eager\" or \"aws\"",
            "4:16: drain_seconds is -1: must be 0 to 900 seconds",
            "5:12: decisions is \"all\": must be brief or detailed",
            "6:20: filters.dialect: unknown filter dialect `sql`; use `lambda` or `eventbridge`",
            "6:34: filters.maximum is 11: must be 1 to 10 filters for each mapping",
            "6:38: filters.colour: unknown key; known are dialect, maximum",
            "7:11: mappings: is empty, so there is nothing to do; add a mapping, or with `api: {}` leave the key out",
        ],
    );
}

#[test]
fn secrets_are_named_by_arns() {
    let text = "secrets: {a: s3cret}\nmappings: x\n";
    refused(
        "unnamed.yaml",
        text,
        &[
            "1:11: secrets: each key must be the ARN of a secret; for example \
             arn:aws:secretsmanager:us-east-1:000000000000:secret:broker",
            "2:11: mappings: must be a list, not text",
        ],
    );
}

#[test]
fn functions_are_checked_by_the_rules_of_their_backend() {
    let text = "\
mappings: 1
functions:
  a: {bakend: simulated}
  b: {backend: simulatd}
  c: {backend: simulated, duration_ms: {min_ms: 5, max_ms: 1}, error_rte: 1}
  d: {backend: simulated, duration_ms: {min_ms: 5, p99_ms: 1}, throttle_rate: 2}
  e: {backend: process, command: [], concurrency: 0, timeout: 901, memory_mb: 64}
  f: {backend: process, command: [a, 1], working_dir: nowhere}
  g: {backend: http, url: 'https://127.0.0.1/', timeout: soon}
  \"*\": {backend: process, command: [a]}
  a b: {backend: simulated}
  h: {backend: http, url: 'http://127.0.0.1/', concurrency: 0}
";
    let path = file("functions.yaml", text);
    let said = lambda_esm(&["check", &path]);
    for problem in [
        "1:11: mappings: must be a list, not an integer",
        "3:6: functions.a.backend: is missing; add for example `backend: process`",
        "4:16: functions.b.backend is \"simulatd\": must be lambda-api or process or http or simulated",
        "5:40: functions.c.duration_ms: min_ms must not exceed max_ms",
        "5:64: functions.c.error_rte: unknown key; did you mean error_rate?",
        "6:40: functions.d.duration_ms: must be a number, or two bounds of one kind; for example 20, \
         {min_ms: 5, max_ms: 50} or {p50_ms: 20, p99_ms: 200}",
        "6:79: functions.d.throttle_rate is 2: must be 0 to 1 (1 is every time)",
        "7:34: functions.e.command: must begin with a program; for example [python3, -m, awslambdaric, \
         app.handler]",
        "7:51: functions.e.concurrency is 0: must be 1 to 1000",
        "7:63: functions.e.timeout is 901: must be 1 to 900 seconds",
        "7:79: functions.e.memory_mb is 64: must be 128 to 10240 MB",
        "8:38: functions.f.command[1] is 1: must be text, not an integer; put it in quotes",
        "9:27: functions.g.url: https://127.0.0.1/ is refused: https is not supported by http functions",
        "9:58: functions.g.timeout is \"soon\": must be a number of seconds, not text",
        "10:18: functions.\"*\".backend: a process runs one function, not every other one; give each",
        "11:3: functions.\"a b\": is no name of a function",
        "12:61: functions.h.concurrency is 0: must be 1 to 1000",
    ] {
        assert!(
            said.err.contains(&format!("{path}:{problem}")),
            "{problem}\nis not among\n{}",
            said.err
        );
    }
    let folder = std::path::Path::new(&path).with_file_name("nowhere");
    let problem = format!(
        "8:55: functions.f.working_dir is \"nowhere\": there is no folder {}; relative paths begin at",
        folder.display()
    );
    assert!(said.err.contains(&problem), "{}", said.err);
}

#[test]
fn secrets_are_never_shown() {
    let text = "\
mappings: []
functions:
  a: {backend: process, command: [a], env: {TOKEN: 5551234, 'A=': hunter2}}
  b: {backend: http, url: 'http://me:hunter2@host/', headers: {Authorization: \"hunter2\\n\"}}
  c: {backend: http, url: 'http://host/', headers: {Authorization: \"hunter2\\n\"}}
";
    let said = check("secrets.yaml", text);
    assert_eq!(said.code, 2);
    for shown in [
        "3:52: functions.a.env: must be text",
        "functions.b.url",
        "functions.c.headers",
    ] {
        assert!(said.err.contains(shown), "{shown}: {}", said.err);
    }
    assert!(
        !said.err.contains("hunter2") && !said.err.contains("5551234"),
        "{}",
        said.err
    );
}

#[test]
fn problems_are_json_too() {
    let path = file("json.yaml", "mappings: []\ndrain_seconds: 901\n");
    let said = lambda_esm(&["check", "--json", &path]);
    assert_eq!((said.code, said.err.as_str()), (2, ""));
    let report = &said.json()[0];
    assert_eq!(report["valid"], false);
    assert_eq!(
        report["problems"][1],
        serde_json::json!({
            "file": path, "line": 2, "column": 16, "field": "drain_seconds", "value": "901",
            "rule": "must be 0 to 900 seconds", "hint": null,
        })
    );
}

#[cfg(feature = "sqs")]
mod mappings {
    use super::*;

    #[test]
    fn unknown_keys_and_wrong_types_are_found_at_their_lines_all_at_once() {
        let text = "\
functions: {f: {backend: simulated}}
mappings:
  - EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders
    FunctionName: f
    BatchSize: ten
    Enabled: 'yes'
    batch_size: 1
    ScalingConfig: {MaximumConcurency: 4}
    FilterCriteria: {Filters: [{Pattern: 1}]}
";
        refused(
            "types.yaml",
            text,
            &[
                "5:16: mappings[0].BatchSize: must be a whole number, not text \"ten\"",
                "6:14: mappings[0].Enabled: must be a boolean, not text \"yes\"",
                "7:5: mappings[0].batch_size: unknown key; did you mean BatchSize?",
                "8:21: mappings[0].ScalingConfig.MaximumConcurency: unknown key; did you mean MaximumConcurrency?",
                "9:42: mappings[0].FilterCriteria.Filters[0].Pattern: must be text, not 1",
            ],
        );
    }

    #[test]
    fn a_parameter_of_another_source_is_refused_with_the_apis_text_and_a_way_out() {
        refused(
            "forbidden.yaml",
            &with_mapping(", ParallelizationFactor: 3"),
            &[
                "3:105: mappings[0].ParallelizationFactor is 3: Unsupported ParallelizationFactor parameter for \
               given event source mapping type. remove ParallelizationFactor: a mapping of an SQS standard \
               queue has no such setting",
            ],
        );
    }

    #[test]
    fn a_constraint_is_reported_at_the_member_that_breaks_it() {
        refused(
            "constraint.yaml",
            &with_mapping(", ScalingConfig: {MaximumConcurrency: 1}"),
            &[
                "3:118: mappings[0].ScalingConfig.MaximumConcurrency: 1 validation error detected: Value '1' at \
               'scalingConfig.maximumConcurrency' failed to satisfy constraint: Member must have value greater \
               than or equal to 2",
            ],
        );
        let said = check(
            "filter.yaml",
            &with_mapping(", FilterCriteria: {Filters: [{Pattern: '{\"a\": 1}'}]}"),
        );
        assert!(
            said.err
                .contains("mappings[0].FilterCriteria: Invalid filter pattern definition. "),
            "{}",
            said.err
        );
        assert!(
            said.err.contains("value 1 must be in a list: [1]"),
            "{}",
            said.err
        );
    }

    #[test]
    fn an_unknown_function_is_refused_with_the_known_ones() {
        let text = with_mapping("").replace("FunctionName: f", "FunctionName: 'g:live'");
        refused(
            "unknown-function.yaml",
            &text,
            &[
                "3:79: mappings[0].FunctionName is \"g:live\": there is no function \"g\" in functions; \
               configured are: f; add it, or \"*\" for every other name",
            ],
        );
        let said = check("any-function.yaml", &text.replace("{f:", "{'*':"));
        assert_eq!(said.code, 0, "{}", said.err);
    }

    #[test]
    fn the_same_mapping_twice_is_refused() {
        let mut text = with_mapping("");
        text.push_str(
            with_mapping(", BatchSize: 1")
                .lines()
                .last()
                .unwrap_or_default(),
        );
        let said = check("same.yaml", &text);
        assert_eq!(said.code, 2);
        assert!(
            said.err
                .contains("4:5: mappings[1]: An event source mapping with SQS arn"),
            "{}",
            said.err
        );
        assert!(
            said.err
                .contains("the one in line 3 is the same; remove one"),
            "{}",
            said.err
        );
    }

    #[test]
    fn endpoints_are_urls_without_a_user() {
        let text = "endpoints:\n  aws: 127.0.0.1:5000\n  sqs: http://me:hunter2@host\n";
        let said = check("endpoints.yaml", &format!("{text}{}", with_mapping("")));
        let lines = said.err.lines();
        let found: Vec<_> = lines
            .map(|line| line.rsplit(".yaml:").next().unwrap_or_default())
            .collect();
        assert_eq!(
            found,
            [
                "2:8: endpoints.aws: endpoint `127.0.0.1:5000` must start with http:// or https:// and name a host",
                "3:8: endpoints.sqs: endpoint `<with user>` must hold no user or password; use AWS credentials",
            ]
        );
    }

    #[test]
    fn a_valid_file_is_explained_with_its_effective_settings() {
        let text = format!(
            "endpoints: {{sqs: 'http://127.0.0.1:9324/'}}\n{}",
            with_mapping(", BatchSize: 5")
        );
        let said = check("valid.yaml", &text);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        for line in [
            "mappings[0] (line 4)\n",
            "  reads the standard queue orders with up to 5 messages per batch, without waiting to fill it\n",
            "  calls the function f\n",
            "  pacing          eager: as fast as the source allows, not by the service's rates and scaling\n",
            "  state           in memory, gone with the process\n",
            "  region          us-east-1, from the default\n",
            "  sqs             http://127.0.0.1:9324, from endpoints.sqs\n",
            "  f               simulated: takes 0ns\n",
            "valid.yaml: valid, 1 mapping\n",
        ] {
            assert!(said.out.contains(line), "{line}\nis not in\n{}", said.out);
        }
    }

    #[test]
    fn a_share_group_is_told_of_with_what_its_retries_count() {
        for (retries, words) in [
            ("", "in_poller: MaximumRetryAttempts counts invocations"),
            (
                "share_group_retries: total\n",
                "total: MaximumRetryAttempts counts the deliveries",
            ),
        ] {
            let text = format!(
                "{retries}functions: {{f: {{backend: simulated}}}}\nmappings:\n\
                 - SelfManagedEventSource: {{Endpoints: {{KAFKA_BOOTSTRAP_SERVERS: ['b:9092']}}}}\n  \
                 SelfManagedKafkaEventSourceConfig: {{ConsumptionMode: Queue, ConsumerGroupId: team}}\n  \
                 SourceAccessConfigurations: []\n  Topics: [orders]\n  FunctionName: f\n"
            );
            let said = check("share-group.yaml", &text);
            assert_eq!(said.code, 0, "{}", said.err);
            for words in [
                words,
                "joins the share group team",
                "share.auto.offset.reset=earliest",
            ] {
                assert!(said.out.contains(words), "{words}\nis not in\n{}", said.out);
            }
            assert!(!said.out.contains("consumer group"), "{}", said.out);
        }
        let refusal = check(
            "share-group-retries.yaml",
            "share_group_retries: both\nmappings: []\n",
        );
        assert_eq!(refusal.code, 2);
        assert!(refusal.err.contains("in_poller"), "{}", refusal.err);
    }

    #[test]
    fn json_is_accepted_and_given() {
        let text = r#"{"functions": {"f": {"backend": "simulated"}}, "mappings": [
            {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "FunctionName": "f", "Tags": null}]}"#;
        let said = lambda_esm(&["check", "--json", &file("valid.json", text)]);
        assert_eq!(said.code, 0, "{}", said.err);
        let report = &said.json()[0];
        assert_eq!(
            (&report["valid"], &report["problems"]),
            (&true.into(), &serde_json::json!([]))
        );
        assert_eq!(report["mappings"][0]["request"]["FunctionName"], "f");
        assert_eq!(report["mappings"][0]["line"], 2);
        assert_eq!(report["endpoints"]["sqs"], "AWS in us-east-1");
    }

    #[test]
    fn what_the_aws_cli_prints_can_be_pasted() {
        let text = r#"{"functions": {"f": {"backend": "simulated"}}, "mappings": [{
            "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2", "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0,
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "State": "Disabled",
            "LastModified": "2026-01-02T03:04:05+00:00", "StateTransitionReason": "USER_INITIATED",
            "FunctionResponseTypes": []}]}"#;
        let said = check("pasted.json", text);
        assert_eq!(said.code, 0, "{}", said.err);
        for line in [
            "  calls the function f\n",
            "  is disabled, and reads nothing until it is enabled\n",
            "  note: UUID, LastModified, StateTransitionReason describe another mapping, and have no effect\n",
        ] {
            assert!(said.out.contains(line), "{line}\nis not in\n{}", said.out);
        }
    }
}
