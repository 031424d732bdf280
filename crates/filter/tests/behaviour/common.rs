//! Shorthands for tests.

use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, PatternFault, Record, Scratch};

pub(crate) fn compile(pattern: &str) -> Filters {
    Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap()
}

/// Returns why the first dialect that could refuse a pattern does.
pub(crate) fn fault(pattern: &str) -> PatternFault {
    Filters::compile(&[pattern], Dialect::EventBridge, Limits::default())
        .unwrap_err()
        .fault
}

/// Matches a whole event in the dialect that has every operator, and checks the explanation.
pub(crate) fn matches(pattern: &str, event: &str) -> bool {
    let filters = Filters::compile(&[pattern], Dialect::EventBridge, Limits::default()).unwrap();
    let verdict = filters.is_match(event.as_bytes(), &mut Scratch::default());
    let explanation = filters.explain(event.as_bytes());
    assert_eq!(
        explanation.is_match(),
        verdict,
        "{pattern} {event}: {explanation}"
    );
    verdict
}

/// Matches `{"a": <value>}` against `{"a": [<items>]}`.
pub(crate) fn accepts(items: &str, value: &str) -> bool {
    matches(
        &format!("{{\"a\":[{items}]}}"),
        &format!("{{\"a\":{value}}}"),
    )
}

/// Matches a record and checks the explanation.
pub(crate) fn matches_record(pattern: &str, record: &Record<'_>) -> bool {
    let filters = compile(pattern);
    let verdict = filters.matches_record(record, &mut Scratch::default());
    let explanation = filters.explain_record(record);
    assert_eq!(
        explanation.is_match(),
        verdict.is_some(),
        "{pattern} {record:?}: {explanation}"
    );
    verdict.is_some()
}

pub(crate) fn sqs(body: &str) -> Record<'_> {
    Record {
        data_key: "body",
        data: body.as_bytes(),
        metadata: &[br#"{"messageId":"m-1","eventSource":"aws:sqs","awsRegion":"eu-west-1"}"#],
        on_mismatch: Mismatch::Drop,
    }
}

pub(crate) fn kafka(value: &[u8]) -> Record<'_> {
    Record {
        data_key: "value",
        data: value,
        metadata: &[br#"{"topic":"orders","partition":3}"#],
        on_mismatch: Mismatch::IgnoreData,
    }
}
