//! Compares the matcher with an obvious one, on random patterns and events.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod matcher;

use lambda_esm_filter::{Dialect, Filters, Limits, Mismatch, Record, Scratch};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c.d"), Just("é\"")].prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(""),
        Just("x"),
        Just("xy"),
        Just("yx"),
        Just("XY"),
        Just("\"\n"),
        Just("é😀")
    ]
    .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(1.0)),
        Just(json!(-2.5)),
        Just(json!(1e300))
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => text().prop_map(Value::from),
        2 => number(),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn event() -> impl Strategy<Value = Value> {
    let value = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            2 => btree_map(name(), inner, 0..4).prop_map(object),
        ]
    });
    btree_map(name(), value, 0..5).prop_map(object)
}

fn object(members: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(members.into_iter().collect())
}

fn numeric() -> impl Strategy<Value = Value> {
    let sign = prop_oneof![Just("="), Just("<"), Just("<="), Just(">"), Just(">=")];
    prop_oneof![
        (sign, number()).prop_map(|(sign, number)| json!({ "numeric": [sign, number] })),
        Just(json!({ "numeric": [">", -2.5, "<=", 1] })),
        Just(json!({ "numeric": [">=", 0, "<", 1] })),
    ]
}

fn item() -> impl Strategy<Value = Value> {
    let operator = prop_oneof![Just("prefix"), Just("suffix"), Just("equals-ignore-case")];
    let filled = text().prop_filter("not empty", |text| !text.is_empty());
    prop_oneof![
        6 => leaf(),
        2 => any::<bool>().prop_map(|exists| json!({ "exists": exists })),
        2 => numeric(),
        2 => (operator.clone(), text()).prop_map(|(name, text)| json!({ name: text })),
        1 => (prop_oneof![Just("prefix"), Just("suffix")], text())
            .prop_map(|(name, text)| json!({ name: { "equals-ignore-case": text } })),
        1 => prop_oneof![Just("*x*"), Just("x*"), Just("*"), Just("x*y"), Just("*é*")]
            .prop_map(|wildcard| json!({ "wildcard": wildcard })),
        1 => text().prop_map(|text| json!({ "anything-but": text })),
        1 => vec(text(), 1..3).prop_map(|texts| json!({ "anything-but": texts })),
        1 => vec(number(), 1..3).prop_map(|numbers| json!({ "anything-but": numbers })),
        1 => (operator, vec(filled, 1..3))
            .prop_map(|(name, texts)| json!({ "anything-but": { name: texts } })),
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let list = vec(item(), 1..3).prop_map(Value::from);
    let fields = btree_map(name(), list, 1..4).prop_map(object);
    fields.prop_recursive(3, 16, 4, |inner| {
        let value = prop_oneof![
            2 => vec(item(), 1..3).prop_map(Value::from),
            3 => inner.clone(),
        ];
        (
            btree_map(name(), value, 1..4),
            proptest::option::weighted(0.3, vec(inner, 2..4)),
        )
            .prop_map(|(fields, or)| {
                let mut fields: Map<String, Value> = fields.into_iter().collect();
                fields.extend(or.map(|branches| ("$or".to_owned(), Value::from(branches))));
                Value::Object(fields)
            })
    })
}

/// A pattern of more alternatives than a word has bits, some of which replace fields of others.
fn wide_pattern() -> impl Strategy<Value = Value> {
    let list = || vec(item(), 1..2).prop_map(Value::from);
    let branch = move || btree_map(name(), list(), 1..3).prop_map(object);
    let or = move |least: usize, most: usize| vec(branch(), least..most).prop_map(Value::from);
    let place = prop_oneof![Just("a"), Just("e")];
    (branch(), or(2, 40), or(2, 20), place).prop_map(|(fields, first, second, place)| {
        let mut pattern = fields;
        pattern["$or"] = first;
        if !pattern[place].is_array() {
            pattern[place] = json!({ "$or": second });
        }
        pattern
    })
}

/// A pattern in which no path is both a list and a parent: what that means is left to unit tests.
fn plain_pattern() -> impl Strategy<Value = Value> {
    plain(pattern())
}

fn plain(pattern: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    pattern.prop_filter("a path is a list and a parent", |pattern| {
        let (mut lists, mut parents) = (Vec::new(), Vec::new());
        paths(pattern, "", &mut lists, &mut parents);
        !lists.iter().any(|list| parents.contains(list))
    })
}

fn paths(pattern: &Value, path: &str, lists: &mut Vec<String>, parents: &mut Vec<String>) {
    for (name, value) in pattern.as_object().unwrap() {
        let below = format!("{path}.{name}");
        match value {
            Value::Array(branches) if name == "$or" => {
                branches
                    .iter()
                    .for_each(|branch| paths(branch, path, lists, parents));
            }
            Value::Object(_) => {
                paths(value, &below, lists, parents);
                parents.push(below);
            }
            _ => lists.push(below),
        }
    }
}

fn compile(pattern: &Value) -> Filters {
    let limits = Limits::default().with_max_pattern_chars(usize::MAX);
    Filters::compile(&[pattern.to_string()], Dialect::EventBridge, limits).unwrap()
}

/// Writes JSON with needless white space and escapes.
fn verbose(value: &Value) -> String {
    serde_json::to_string_pretty(value)
        .unwrap()
        .replace('x', "\\u0078")
        .replace('a', "\\u0061")
}

/// Returns whether a text is a JSON object by another parser.
fn is_json_object(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok_and(|raw| raw.get().starts_with('{'))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_equal_those_of_the_obvious_matcher(
        pattern in plain_pattern(),
        events in vec(event(), 8),
    ) {
        let filters = compile(&pattern);
        let mut scratch = Scratch::default();
        for event in events {
            let expected = matcher::matches(&pattern, &event);
            let text = event.to_string();
            prop_assert_eq!(filters.is_match(text.as_bytes(), &mut scratch), expected, "{} {}", pattern, text);
            let explanation = filters.explain(text.as_bytes());
            prop_assert_eq!(explanation.is_match(), expected, "{} {}\n{}", pattern, text, explanation);
        }
    }

    #[test]
    fn many_alternatives_are_told_apart(pattern in plain(wide_pattern()), events in vec(event(), 4)) {
        let filters = compile(&pattern);
        let mut scratch = Scratch::default();
        for event in events {
            let expected = matcher::matches(&pattern, &event);
            let text = event.to_string();
            prop_assert_eq!(filters.is_match(text.as_bytes(), &mut scratch), expected, "{} {}", pattern, text);
            prop_assert_eq!(filters.explain(text.as_bytes()).is_match(), expected, "{} {}", pattern, text);
        }
    }

    #[test]
    fn spelling_does_not_change_the_verdict(pattern in plain_pattern(), event in event()) {
        let filters = compile(&pattern);
        let mut scratch = Scratch::default();
        let verdict = filters.is_match(event.to_string().as_bytes(), &mut scratch);
        // `true`, `false` and `null` have no escapes, nor have numbers.
        let text = verbose(&event).replace("f\\u0061lse", "false");
        prop_assert_eq!(filters.is_match(text.as_bytes(), &mut scratch), verdict, "{} {}", pattern, text);
    }

    #[test]
    fn a_record_matches_as_its_whole_event_does(
        of_data in plain_pattern(),
        of_metadata in plain_pattern(),
        either in any::<bool>(),
        data in prop_oneof![event(), vec(event(), 0..3).prop_map(Value::from)],
        mut metadata in event(),
    ) {
        let pattern = if either {
            json!({ "$or": [of_metadata, { "data": of_data }] })
        } else {
            let mut pattern = of_metadata;
            pattern["data"] = of_data;
            pattern
        };
        let texts = [data.to_string(), metadata.to_string()];
        let record = Record {
            data_key: "data",
            data: texts[0].as_bytes(),
            metadata: &[texts[1].as_bytes()],
            on_mismatch: Mismatch::Drop,
        };
        let filters = compile(&pattern);
        let apart = filters.matches_record(&record, &mut Scratch::default()).is_some();
        metadata["data"] = data;
        prop_assert_eq!(apart, matcher::matches(&pattern, &metadata), "{} {}", pattern, metadata);
        prop_assert_eq!(filters.explain_record(&record).is_match(), apart);
    }

    #[test]
    fn only_well_formed_objects_match(event in event(), cuts in vec((any::<u16>(), any::<u8>()), 0..3)) {
        let filters = compile(&json!({ "nothing": [{ "exists": false }] }));
        let visiting = compile(&json!({ "nothing": [{ "exists": false }], "$or": [
            { "a": [{ "exists": true }, { "exists": false }] },
            { "b": { "a": [{ "exists": false }], "c": { "d": [{ "exists": true }] } } },
        ] }));
        let mut bytes = verbose(&event).into_bytes();
        for (at, byte) in cuts {
            let at = usize::from(at) % bytes.len();
            let alphabet = b"{}[]:,\"\\ 01.-eEtfnu\n\x00\x7f\xc3\xff";
            bytes[at] = alphabet[usize::from(byte) % alphabet.len()];
        }
        let mut scratch = Scratch::default();
        let expected = is_json_object(&bytes);
        prop_assert_eq!(filters.is_match(&bytes, &mut scratch), expected, "{}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(filters.explain(&bytes).is_match(), expected);
        prop_assert!(expected || !visiting.is_match(&bytes, &mut scratch));
    }

    #[test]
    fn random_bytes_neither_panic_nor_match(bytes in vec(any::<u8>(), 0..64), pattern in plain_pattern()) {
        let filters = compile(&pattern);
        let mut scratch = Scratch::default();
        let verdict = filters.is_match(&bytes, &mut scratch);
        prop_assert!(!verdict || is_json_object(&bytes));
        let record = Record { data_key: "a", data: &bytes, metadata: &[&bytes], on_mismatch: Mismatch::IgnoreData };
        let verdict = filters.matches_record(&record, &mut scratch);
        prop_assert_eq!(filters.explain_record(&record).is_match(), verdict.is_some());
    }

    #[test]
    fn random_patterns_do_not_panic(text in "[{}\\[\\]\":,$orab.*\\\\ 1e-]{0,40}", bytes in vec(any::<u8>(), 0..64)) {
        let text = [text, String::from_utf8_lossy(&bytes).into_owned()];
        for text in text {
            if let Err(error) = Filters::compile(&[text], Dialect::EventBridge, Limits::default()) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn the_random_cases_match_often_enough_to_mean_something() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut matched = 0;
    for _ in 0..2000 {
        let pattern = plain_pattern().new_tree(&mut runner).unwrap().current();
        let event = event().new_tree(&mut runner).unwrap().current();
        matched += usize::from(matcher::matches(&pattern, &event));
    }
    assert!((50..1900).contains(&matched), "{matched} of 2000");
}
