//! Ranges of values.

use lambda_esm_lab::sweep::{Range, Scale, parse_values};
use serde_json::{Value, json};

#[test]
fn ranges_are_at_equal_distances_or_ratios() {
    let cases = [
        (r#"{"from":0,"to":10,"steps":3}"#, json!([0, 5, 10])),
        (
            r#"{"from":10,"to":10000,"steps":4,"scale":"log"}"#,
            json!([10, 100, 1000, 10000]),
        ),
        (r#"{"from":10,"to":1,"steps":4}"#, json!([10, 7, 4, 1])),
        (r#"{"from":1,"to":2,"steps":5}"#, json!([1, 2])),
        (r#"{"from":0.5,"to":1,"steps":2}"#, json!([0.5, 1.0])),
    ];
    for (text, wanted) in cases {
        assert_eq!(Value::from(parse_values(text).unwrap()), wanted, "{text}");
    }
}

#[test]
fn lists_may_hold_whatever_a_setting_is() {
    let values = parse_values("10, null,true,TRIM_HORIZON").unwrap();
    assert_eq!(Value::from(values), json!([10, null, true, "TRIM_HORIZON"]));
    let values = parse_values(r#"[{"MaximumConcurrency": 5}, null]"#).unwrap();
    assert_eq!(
        Value::from(values),
        json!([{ "MaximumConcurrency": 5 }, null])
    );
}

#[test]
fn ranges_that_are_none_are_refused() {
    let range = |from, to, steps, scale| Range {
        from,
        to,
        steps,
        scale,
    };
    let cases = [
        range(0.0, 10.0, 3, Scale::Log),
        range(1.0, 10.0, 1, Scale::Linear),
        range(1.0, 10.0, 1_001, Scale::Linear),
        range(1.0, f64::INFINITY, 3, Scale::Linear),
    ];
    for range in cases {
        assert!(range.values().is_err(), "{range:?}");
    }
    assert!(parse_values(r#"{"from":1,"to":2,"step":5}"#).is_err());
}
