//! Records whose data is encoded apart: the developer guide's tables, and recorded cases.

use crate::common::{compile, kafka, matches_record, sqs};
use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, Record, Scratch};

#[test]
fn queue_bodies_follow_the_table() {
    let plain = r#"{"body":["hello"]}"#;
    let json = r#"{"body":{"k":["v"]}}"#;
    assert!(matches_record(plain, &sqs("hello")) && !matches_record(plain, &sqs("bye")));
    assert!(
        !matches_record(json, &sqs("hello")),
        "plain body, JSON pattern: dropped"
    );
    assert!(
        !matches_record(plain, &sqs(r#"{"k":"v"}"#)),
        "JSON body, plain pattern: dropped"
    );
    assert!(
        matches_record(json, &sqs(r#"{"k":"v"}"#)) && !matches_record(json, &sqs(r#"{"k":"w"}"#))
    );
    let metadata = r#"{"eventSource":["aws:sqs"]}"#;
    assert!(
        matches_record(metadata, &sqs("hello")) && matches_record(metadata, &sqs(r#"{"k":"v"}"#))
    );
    assert!(!matches_record(
        r#"{"eventSource":["aws:kinesis"]}"#,
        &sqs("hello")
    ));
}

#[test]
fn stream_data_follows_the_table() {
    let stream = |data| Record {
        data_key: "data",
        data,
        metadata: &[
            br#"{"partitionKey":"1"}"# as &[u8],
            br#"{"eventName":"aws:kinesis:record"}"#,
        ],
        on_mismatch: Mismatch::Drop,
    };
    let json = r#"{"data":{"k":["v"]},"partitionKey":["1"]}"#;
    assert!(
        matches_record(json, &stream(br#"{"k":"v"}"#)) && !matches_record(json, &stream(b"text"))
    );
    assert!(
        !matches_record(json, &stream(b"\xff\xfe")),
        "neither JSON nor text"
    );
    let metadata = r#"{"partitionKey":["1"],"eventName":["aws:kinesis:record"]}"#;
    assert!(
        matches_record(metadata, &stream(b"\xff\xfe")) && matches_record(metadata, &stream(b"{"))
    );
}

#[test]
fn topic_values_that_do_not_fit_leave_the_decision_to_the_metadata() {
    let json = r#"{"value":{"k":["v"]},"topic":["orders"]}"#;
    let plain = r#"{"value":["hello"],"topic":["orders"]}"#;
    let other_topic = r#"{"value":{"k":["v"]},"topic":["bills"]}"#;
    assert!(
        matches_record(json, &kafka(br#"{"k":"v"}"#))
            && !matches_record(json, &kafka(br#"{"k":"w"}"#))
    );
    assert!(matches_record(plain, &kafka(b"hello")) && !matches_record(plain, &kafka(b"bye")));
    for misfit in [b"hello" as &[u8], b"{", b"\xff"] {
        assert!(
            matches_record(json, &kafka(misfit)) && !matches_record(other_topic, &kafka(misfit))
        );
    }
    assert!(
        matches_record(plain, &kafka(br#"{"k":"v"}"#)) && matches_record(plain, &kafka(b"\xff"))
    );
    assert!(
        matches_record(r#"{"value":{"k":["v"]}}"#, &kafka(b"hello")),
        "no metadata asked for"
    );
}

#[test]
fn only_objects_and_arrays_are_json_data() {
    for (body, pattern) in [
        ("123", "\"123\""),
        ("\"x\"", r#""\"x\"""#),
        ("true", "\"true\""),
        ("", "\"\""),
    ] {
        assert!(
            matches_record(&format!("{{\"body\":[{pattern}]}}"), &sqs(body)),
            "{body}"
        );
        assert!(
            !matches_record(r#"{"body":{"k":[{"exists":false}]}}"#, &sqs(body)),
            "{body}"
        );
    }
    assert!(
        !matches_record(r#"{"body":[123]}"#, &sqs("123")),
        "text is no number"
    );
    assert!(matches_record(
        r#"{"body":{"k":["v"]}}"#,
        &sqs(r#" [{"k":"u"},{"k":"v"}] "#)
    ));
    assert!(!matches_record(
        r#"{"body":{"k":["v"],"l":[1]}}"#,
        &sqs(r#"[{"k":"v"},{"l":1}]"#)
    ));
    assert!(
        matches_record(r#"{"body":["{\"k\":"]}"#, &sqs(r#"{"k":"#)),
        "broken JSON is text"
    );
}

#[test]
fn a_dotted_name_reaches_into_the_data() {
    assert!(matches_record(r#"{"body.k":["v"]}"#, &sqs(r#"{"k":"v"}"#)));
    assert!(!matches_record(r#"{"body.k":["v"]}"#, &sqs("v")));
}

#[test]
fn or_spans_data_and_metadata() {
    let pattern = r#"{"$or":[{"body":{"k":["v"]}},{"awsRegion":["eu-west-1"]}]}"#;
    assert!(matches_record(pattern, &sqs(r#"{"k":"v"}"#)) && matches_record(pattern, &sqs("text")));
    let pattern = r#"{"$or":[{"body":{"k":["v"]}},{"awsRegion":["us-east-1"]}]}"#;
    assert!(
        matches_record(pattern, &sqs(r#"{"k":"v"}"#)) && !matches_record(pattern, &sqs("text"))
    );
}

#[test]
fn a_metadata_member_named_like_the_data_key_is_ignored() {
    let record = Record {
        metadata: &[br#"{"body":{"k":"v"},"body.k":"v","id":1}"#],
        ..sqs(r#"{"k":"w"}"#)
    };
    assert!(!matches_record(r#"{"body":{"k":["v"]}}"#, &record));
    assert!(matches_record(r#"{"body":{"k":["w"]},"id":[1]}"#, &record));
}

#[test]
fn malformed_metadata_never_matches() {
    for metadata in [b"{" as &[u8], b"[]", b"{\"a\":\"\xff\"}", b""] {
        let record = Record {
            metadata: &[metadata],
            ..sqs(r#"{"k":"v"}"#)
        };
        assert!(!matches_record(r#"{"body":{"k":["v"]}}"#, &record));
    }
}

#[test]
fn the_first_matching_filter_is_named() {
    let patterns = [
        r#"{"body":{"k":["a"]}}"#,
        r#"{"body":{"k":["b"]}}"#,
        r#"{"body":{"k":["b","c"]}}"#,
    ];
    let filters = Filters::compile(&patterns, Dialect::Lambda, Limits::default()).unwrap();
    let mut scratch = Scratch::default();
    let mut first = |body| filters.matches_record(&sqs(body), &mut scratch);
    assert_eq!(first(r#"{"k":"b"}"#), Some(1));
    assert_eq!(first(r#"{"k":"c"}"#), Some(2));
    assert_eq!(first(r#"{"k":"d"}"#), None);
    assert_eq!(first(r#"{"k":"a"}"#), Some(0));
}

#[test]
fn without_filters_everything_matches() {
    let filters = Filters::compile::<&str>(&[], Dialect::Lambda, Limits::default()).unwrap();
    assert!(filters.is_empty() && !filters.needs_metadata("body"));
    assert!(filters.is_match(b"no JSON", &mut Scratch::default()));
    assert_eq!(
        filters.matches_record(&sqs("{"), &mut Scratch::default()),
        Some(0)
    );
    assert!(filters.explain(b"").is_match() && filters.explain_record(&sqs("{")).is_match());
}

#[test]
fn metadata_is_needed_only_by_patterns_that_name_it() {
    assert!(!compile(r#"{"body":{"k":["v"]}}"#).needs_metadata("body"));
    assert!(!compile(r#"{"body.k":["v"]}"#).needs_metadata("body"));
    assert!(compile(r#"{"bodyguard":["v"]}"#).needs_metadata("body"));
    assert!(
        compile(r#"{"$or":[{"body":{"k":["v"]}},{"eventName":["x"]}]}"#).needs_metadata("body")
    );
    assert!(compile(r#"{"body":{"k":["v"]}}"#).needs_metadata("data"));
}

/// Recorded from the service: pattern, a body that is delivered, and one that is deleted.
#[test]
fn recorded_queue_cases_hold() {
    for (pattern, delivered, deleted) in [
        (
            r#"{"body":{"my-key":["my-value"]}}"#,
            r#"{"my-key":"my-value"}"#,
            r#"{"my-key":"other-value"}"#,
        ),
        (
            r#"{"body":{"my-key":["my-value-one","my-value-two"]}}"#,
            r#"{"my-key":"my-value-two"}"#,
            r#"{"my-key":"other-value"}"#,
        ),
        (
            r#"{"body":{"my-key-one":["other-filter","my-value-one"],"my-key-two":["my-value-two"]}}"#,
            r#"{"my-key-one":"my-value-one","my-key-two":"my-value-two"}"#,
            r#"{"my-key-one":"other-value-","my-key-two":"my-value-two"}"#,
        ),
        (
            r#"{"body":{"my-key":[{"exists":true}]}}"#,
            r#"{"my-key":"any-value-one"}"#,
            r#"{"other-key":"any-value-two"}"#,
        ),
        (
            r#"{"body":{"my-number":[{"numeric":[">",100]}]}}"#,
            r#"{"my-number":101}"#,
            r#"{"my-number":100}"#,
        ),
        (
            r#"{"body":{"my-number":[{"numeric":["<",100]}]}}"#,
            r#"{"my-number":99}"#,
            r#"{"my-number":100}"#,
        ),
        (
            r#"{"body":{"my-number":[{"numeric":[">=",100,"<",200]}]}}"#,
            r#"{"my-number":100}"#,
            r#"{"my-number":200}"#,
        ),
        (
            r#"{"body":{"my-key":[{"prefix":"yes"}]}}"#,
            r#"{"my-key":"yes-value"}"#,
            r#"{"my-key":"no-value"}"#,
        ),
        (
            r#"{"body":{"my-key":["my-value"]}}"#,
            r#"{"my-key":"my-value"}"#,
            "plain-string",
        ),
        (
            r#"{"body":{"test2":[{"numeric":[">",100]}]}}"#,
            r#"{"test2":105}"#,
            "this is a test string",
        ),
    ] {
        assert!(
            matches_record(pattern, &sqs(delivered)),
            "{pattern} {delivered}"
        );
        assert!(
            !matches_record(pattern, &sqs(deleted)),
            "{pattern} {deleted}"
        );
    }
}

/// Recorded from the service: one stream, two mappings, one record each.
#[test]
fn recorded_stream_case_holds() {
    let record = |data| Record {
        data_key: "data",
        data,
        metadata: &[],
        on_mismatch: Mismatch::Drop,
    };
    let one = record(br#"{"event_type":"function_1","message":"foo"}"#);
    let two = record(br#"{"event_type":"function_2","message":"bar"}"#);
    let (first, second) = (
        r#"{"data":{"event_type":["function_1"]}}"#,
        r#"{"data":{"event_type":["function_2"]}}"#,
    );
    assert!(matches_record(first, &one) && !matches_record(first, &two));
    assert!(!matches_record(second, &one) && matches_record(second, &two));
}

fn table(data: &str) -> Record<'_> {
    Record {
        data_key: "dynamodb",
        data: data.as_bytes(),
        metadata: &[br#"{"eventName":"INSERT","eventSource":"aws:dynamodb","eventVersion":"1.1"}"#],
        on_mismatch: Mismatch::Drop,
    }
}

/// Recorded from the service: change of one item, and whether it is delivered.
#[test]
fn recorded_table_cases_hold() {
    let change = |image: &str| {
        format!(
            "{{\"ApproximateCreationDateTime\":1.733418659E9,\"Keys\":{{\"id\":{{\"S\":\"v\"}}}},\"NewImage\":{{{image}}}}}"
        )
    };
    let plain = r#""id":{"S":"v"}"#;
    let present = r#""id":{"S":"v"},"presentKey":{"S":"presentValue"}"#;
    for (pattern, image, delivered) in [
        (r#"{"eventName":["INSERT"]}"#, plain, true),
        (r#"{"eventName":["MODIFY"]}"#, plain, false),
        (r#"{"eventName":["INSERT","MODIFY"]}"#, plain, true),
        (
            r#"{"eventName":["INSERT"],"eventSource":["aws:dynamodb"]}"#,
            plain,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":{"S":["presentValue"]}}}}"#,
            present,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":{"S":["presentValue"]}}}}"#,
            plain,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":["presentValue"]}}}"#,
            present,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":{"S":[{"exists":true}]}}}}"#,
            present,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":{"S":[{"exists":true}]}}}}"#,
            plain,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":[{"exists":true}]}}}"#,
            present,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":[{"exists":false}]}}}"#,
            plain,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"presentKey":[{"exists":false}]}}}"#,
            present,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",100]},{"anything-but":"101"}]}}}}"#,
            r#""n":{"N":"42"}"#,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",100]},{"anything-but":"101"}]}}}}"#,
            r#""n":{"N":"101"}"#,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"prefix":{"S":[{"prefix":"us-1"}]}}}}"#,
            r#""prefix":{"S":"us-1-other-suffix"}"#,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"prefix":{"S":[{"prefix":"us-1"}]}}}}"#,
            r#""prefix":{"S":"other-suffix"}"#,
            false,
        ),
        (
            r#"{"dynamodb":{"ApproximateCreationDateTime":[{"numeric":[">",0]}]}}"#,
            plain,
            true,
        ),
    ] {
        assert_eq!(
            matches_record(pattern, &table(&change(image))),
            delivered,
            "{pattern} {image}"
        );
    }
}

#[test]
fn filters_are_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone>(value: T) -> T {
        value
    }
    let filters = shareable(compile(r#"{"body":{"k":["v"]}}"#));
    let other = filters.clone();
    let thread = std::thread::spawn(move || {
        other.matches_record(&sqs(r#"{"k":"v"}"#), &mut Scratch::default())
    });
    assert_eq!(thread.join().unwrap(), Some(0));
    assert_eq!(
        filters.matches_record(&sqs(r#"{"k":"w"}"#), &mut Scratch::default()),
        None
    );
}
