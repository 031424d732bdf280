//! What an explanation says.

use crate::common::{compile, kafka, sqs};
use lambda_esm_filter::{Dialect, Filters, Limits, Outcome, Reason, Record};

fn failures(outcome: &Outcome) -> Vec<(&str, Reason)> {
    match outcome {
        Outcome::Failed(failures) => failures
            .iter()
            .map(|failure| (failure.path.as_str(), failure.reason))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failed_fields_are_named_with_what_was_expected_and_found() {
    let filters = compile(r#"{"body":{"a":["x",{"prefix":"y"}],"b":{"c":[1]},"d":[true]}}"#);
    let explanation = filters.explain(br#"{"body":{"a":["z",7],"d":true}}"#);
    assert_eq!(
        failures(&explanation.patterns[0]),
        [
            ("body.a", Reason::NotAccepted),
            ("body.b.c", Reason::Missing)
        ]
    );
    assert_eq!(
        explanation.to_string(),
        "filter 0: no match\n  field `body.a`: value not accepted; expected [\"x\",{\"prefix\":\"y\"}], \
         found \"z\", 7\n  field `body.b.c`: no value there; expected [1]"
    );
    let json = explanation.to_json();
    assert_eq!(json["matched"], false);
    assert_eq!(json["patterns"][0]["failures"][0]["path"], "body.a");
    assert_eq!(json["patterns"][0]["failures"][0]["found"][1], "7");
    assert_eq!(
        json["patterns"][0]["failures"][1]["reason"],
        "no value there"
    );
}

#[test]
fn every_pattern_has_its_own_outcome() {
    let patterns = [r#"{"a":["x"]}"#, r#"{"a":["y"]}"#];
    let filters = Filters::compile(&patterns, Dialect::Lambda, Limits::default()).unwrap();
    let explanation = filters.explain(br#"{"a":"y"}"#);
    assert_eq!(
        failures(&explanation.patterns[0]),
        [("a", Reason::NotAccepted)]
    );
    assert_eq!(explanation.patterns[1], Outcome::Matched);
    assert!(explanation.is_match());
    assert_eq!(explanation.to_json()["patterns"][1]["matched"], true);
}

#[test]
fn values_in_different_elements_are_told() {
    let filters = compile(r#"{"p":{"first":["Anna"],"last":["Jones"]}}"#);
    let explanation = filters
        .explain(br#"{"p":[{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}]}"#);
    assert_eq!(
        failures(&explanation.patterns[0]),
        [
            ("p.first", Reason::OtherElement),
            ("p.last", Reason::OtherElement)
        ]
    );
}

#[test]
fn unwanted_presence_is_told() {
    let explanation = compile(r#"{"a":[{"exists":false}]}"#).explain(br#"{"a":1}"#);
    assert_eq!(
        failures(&explanation.patterns[0]),
        [("a", Reason::NotAccepted)]
    );
}

#[test]
fn the_alternative_that_came_closest_is_shown() {
    let filters = compile(r#"{"$or":[{"a":[1],"b":[1]},{"c":[1],"d":[1]}]}"#);
    let explanation = filters.explain(br#"{"c":1}"#);
    assert_eq!(failures(&explanation.patterns[0]), [("d", Reason::Missing)]);
}

#[test]
fn misfits_of_data_and_pattern_are_told() {
    let json = compile(r#"{"body":{"k":["v"]},"awsRegion":["us-east-1"]}"#);
    let explanation = json.explain_record(&sqs("text"));
    assert_eq!(
        failures(&explanation.patterns[0]),
        [
            ("awsRegion", Reason::NotAccepted),
            ("body.k", Reason::DataNotJson)
        ]
    );
    let plain = compile(r#"{"body":["v"]}"#).explain_record(&sqs("{}"));
    assert_eq!(
        failures(&plain.patterns[0]),
        [("body", Reason::DataNotText)]
    );
    let text = compile(r#"{"body":["v"]}"#).explain_record(&sqs("w"));
    assert!(
        text.to_string().contains(r#"expected ["v"], found "w""#),
        "{text}"
    );
    let ignored =
        compile(r#"{"value":{"k":["v"]},"topic":["bills"]}"#).explain_record(&kafka(b"text"));
    assert_eq!(
        failures(&ignored.patterns[0]),
        [("topic", Reason::NotAccepted)]
    );
}

#[test]
fn unreadable_events_are_told() {
    let filters = compile(r#"{"a":[1]}"#);
    let text = |event: &[u8]| filters.explain(event).to_string();
    assert_eq!(
        text(b"{\"a\":1,}"),
        "filter 0: event is not valid JSON at byte 7"
    );
    assert_eq!(text(b"[1]"), "filter 0: event is a list, not a JSON object");
    let record = Record {
        metadata: &[b"{"],
        ..sqs("{}")
    };
    assert_eq!(
        filters.explain_record(&record).to_string(),
        "filter 0: metadata is not a valid JSON object"
    );
}
