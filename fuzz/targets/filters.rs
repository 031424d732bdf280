//! Patterns and events: a pattern a line, then the event after an empty line.
#![no_main]

use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, Record, Scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (patterns, event) = split(input);
    let patterns = String::from_utf8_lossy(patterns);
    let patterns: Vec<&str> = patterns.lines().collect();
    let limits = Limits::default().with_max_filters(10);
    for dialect in [Dialect::Lambda, Dialect::EventBridge] {
        match Filters::compile(&patterns, dialect, limits) {
            Ok(filters) => judge(&filters, &patterns, event),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let empty = input.windows(2).position(|two| two == b"\n\n");
    let at = empty.unwrap_or(input.len());
    (&input[..at], input.get(at + 2..).unwrap_or_default())
}

/// Matching and explaining agree, each pattern alone agrees with all of them, and what matches is JSON.
fn judge(filters: &Filters, patterns: &[&str], event: &[u8]) {
    let mut scratch = Scratch::default();
    let matches = filters.is_match(event, &mut scratch);
    assert_eq!(filters.explain(event).is_match(), matches);
    let json = serde_json::from_slice::<&serde_json::value::RawValue>(event);
    assert!(filters.is_empty() || !matches || json.is_ok());
    for on_mismatch in [Mismatch::Drop, Mismatch::IgnoreData] {
        let record = Record {
            data_key: "body",
            data: event,
            metadata: &[br#"{"a":1,"b":{"c":["x",{"d":null}]}}"#, event],
            on_mismatch,
        };
        let first = filters.matches_record(&record, &mut scratch);
        assert_eq!(filters.explain_record(&record).is_match(), first.is_some());
        let alone = |pattern: &&str| {
            let one = Filters::compile(&[pattern], Dialect::EventBridge, Limits::default());
            let one = one.expect("it is one of those that were compiled");
            one.matches_record(&record, &mut Scratch::default())
                .is_some()
        };
        if !filters.is_empty() {
            assert_eq!(patterns.iter().position(alone), first);
        }
    }
}
