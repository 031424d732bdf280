//! Fields, arrays, absence, alternatives and the text of events.

use crate::common::{compile, fault, matches};
use lambda_esm_filter::{PatternFault, Scratch};

const DEEPEST: usize = 512;

#[test]
fn exists_looks_at_leaves() {
    for (value, leaf) in [
        ("1", true),
        ("null", true),
        (r#""""#, true),
        ("[null]", true),
        ("[[1]]", true),
        ("{}", false),
        ("[]", false),
        (r#"{"b":1}"#, false),
        ("[{}]", false),
        ("[[]]", false),
    ] {
        let event = format!("{{\"a\":{value}}}");
        assert_eq!(
            matches(r#"{"a":[{"exists":true}]}"#, &event),
            leaf,
            "{event}"
        );
        assert_eq!(
            matches(r#"{"a":[{"exists":false}]}"#, &event),
            !leaf,
            "{event}"
        );
    }
    assert!(matches(r#"{"a":[{"exists":false}]}"#, "{}"));
    assert!(matches(r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":"x"}"#));
}

#[test]
fn absence_may_be_one_of_several_choices() {
    let pattern = r#"{"a":["x",{"exists":false}]}"#;
    assert!(
        matches(pattern, r#"{"a":"x"}"#)
            && matches(pattern, "{}")
            && !matches(pattern, r#"{"a":"y"}"#)
    );
}

#[test]
fn absence_under_arrays_is_judged_in_the_element_of_the_other_fields() {
    let event = r#"{"d":[{"b":"x"},{"c":1,"a":1}]}"#;
    assert!(matches(
        r#"{"d":{"b":["x"],"c":[{"exists":false}]}}"#,
        event
    ));
    assert!(
        matches(r#"{"d":{"b":["x"],"a":[{"exists":false}]}}"#, event),
        "in any order of names"
    );
    assert!(
        !matches(r#"{"d":{"b":[{"exists":false}]}}"#, event),
        "alone, in all elements"
    );
    let both = r#"{"d":{"b":["x",{"exists":false}],"c":[1,{"exists":false}]}}"#;
    assert!(matches(both, event));
    assert!(!matches(both, r#"{"d":[{"b":"y"},{"c":2}]}"#));
    assert!(
        !matches(both, r#"{"d":[{"b":"y"},{"e":1}]}"#),
        "an element without either field proves nothing"
    );
    assert!(matches(both, r#"{"d":[{},{"e":2}]}"#));
}

#[test]
fn arrays_match_by_any_element_and_nested_ones_are_flattened() {
    assert!(
        matches(r#"{"a":["x"]}"#, r#"{"a":["y","x"]}"#)
            && !matches(r#"{"a":["x"]}"#, r#"{"a":[]}"#)
    );
    assert!(matches(r#"{"a":["x"]}"#, r#"{"a":[["y"],[["x"]]]}"#));
    assert!(matches(
        r#"{"a":{"b":[1]}}"#,
        r#"{"a":[[{"b":0}],[[{"b":1}]]]}"#
    ));
    assert!(
        !matches(r#"{"a":["x"]}"#, r#"{"a":[{"a":"x"}]}"#),
        "an object needs a name in the pattern"
    );
    assert!(!matches(r#"{"a":["x"]}"#, r#"{"a":{"b":"x"}}"#));
}

#[test]
fn fields_of_one_array_must_stand_in_one_element() {
    let people = r#"{"p":[{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}]}"#;
    assert!(matches(
        r#"{"p":{"first":["Anna"],"last":["Smith"]}}"#,
        people
    ));
    assert!(!matches(
        r#"{"p":{"first":["Anna"],"last":["Jones"]}}"#,
        people
    ));
    let nested =
        r#"{"t":[{"s":"on","r":[{"x":1,"y":1},{"x":2,"y":2}]},{"s":"off","r":[{"x":3,"y":3}]}]}"#;
    let pattern =
        |s: &str, x: u8, y: u8| format!(r#"{{"t":{{"s":["{s}"],"r":{{"x":[{x}],"y":[{y}]}}}}}}"#);
    assert!(matches(&pattern("on", 2, 2), nested));
    assert!(!matches(&pattern("on", 1, 2), nested) && !matches(&pattern("on", 3, 3), nested));
    assert!(!matches(
        r#"{"a":{"x":[1],"y":[2]}}"#,
        r#"{"a":[[{"x":1}],[{"y":2}]]}"#
    ));
    assert!(matches(
        r#"{"a":{"x":[1]},"b":{"x":[2]}}"#,
        r#"{"a":[{"x":0},{"x":1}],"b":[{"x":2}]}"#
    ));
    assert!(matches(
        r#"{"a":["x"],"b":["y"]}"#,
        r#"{"a":["z","x"],"b":["y","z"]}"#
    ));
}

#[test]
fn one_element_must_satisfy_one_alternative() {
    let pattern = r#"{"p":{"$or":[{"x":[1],"y":[1]},{"x":[2],"z":[2]}]}}"#;
    assert!(!matches(pattern, r#"{"p":[{"x":1,"z":2},{"x":2,"y":1}]}"#));
    assert!(matches(pattern, r#"{"p":[{"x":1},{"x":2,"z":2}]}"#));
}

#[test]
fn or_combines_and_nests() {
    let pattern = r#"{"s":["m"],"$or":[{"a":["1"]},{"b":["2"],"$or":[{"c":[3]},{"d":[4]}]}]}"#;
    assert!(
        matches(pattern, r#"{"s":"m","a":"1"}"#) && matches(pattern, r#"{"s":"m","b":"2","d":4}"#)
    );
    assert!(!matches(pattern, r#"{"s":"m","b":"2"}"#) && !matches(pattern, r#"{"a":"1"}"#));
    assert!(!matches(pattern, r#"{"s":"m","c":3}"#));
}

#[test]
fn a_field_repeated_in_or_is_replaced_by_the_later_one() {
    let inside_later = r#"{"a":["x"],"$or":[{"a":["y"]},{"b":["1"]}]}"#;
    assert!(matches(inside_later, r#"{"a":"y"}"#) && matches(inside_later, r#"{"a":"x","b":"1"}"#));
    assert!(!matches(inside_later, r#"{"a":"x"}"#));
    let outside_later = r#"{"$or":[{"a":["y"]},{"b":["1"]}],"a":["x"]}"#;
    assert!(matches(outside_later, r#"{"a":"x"}"#) && !matches(outside_later, r#"{"a":"y"}"#));
}

#[test]
fn the_last_of_repeated_names_in_a_pattern_counts() {
    let pattern = r#"{"a":{"b":[1]},"a":{"c":[2]}}"#;
    assert!(matches(pattern, r#"{"a":{"c":2}}"#));
    assert!(!matches(r#"{"a":[1],"a":[2]}"#, r#"{"a":1}"#));
}

#[test]
fn all_of_repeated_names_in_an_event_count() {
    assert!(matches(
        r#"{"a":[1],"b":[2]}"#,
        r#"{"a":0,"b":2,"a":1,"a":3}"#
    ));
    assert!(matches(
        r#"{"a":{"b":[1],"c":[2]}}"#,
        r#"{"a":{"b":1},"a":{"c":2}}"#
    ));
    assert!(!matches(r#"{"a":[{"exists":false}]}"#, r#"{"a":1,"a":{}}"#));
}

#[test]
fn dots_stand_for_nesting() {
    for pattern in [r#"{"a.b":["x"]}"#, r#"{"a":{"b":["x"]}}"#] {
        assert!(
            matches(pattern, r#"{"a":{"b":"x"}}"#) && matches(pattern, r#"{"a.b":"x"}"#),
            "{pattern}"
        );
        assert!(!matches(pattern, r#"{"b":"x"}"#) && !matches(pattern, r#"{"a.b.":"x"}"#));
    }
    assert!(matches(
        r#"{"a":{"b":{"c":[1]},"d":[2]}}"#,
        r#"{"a.b":{"c":1},"a":{"d":2}}"#
    ));
    assert!(
        matches(r#"{"a":{"":[1]}}"#, r#"{"a":{"":1}}"#)
            && matches(r#"{"a":{"":[1]}}"#, r#"{"a.":1}"#)
    );
}

#[test]
fn names_may_be_empty() {
    let nested = r#"{"":{"a":[1]}}"#;
    assert!(matches(nested, r#"{"":{"a":1}}"#) && !matches(nested, r#"{"a":1}"#));
    assert!(matches(r#"{"":[1]}"#, r#"{"":1}"#) && !matches(r#"{"":[1]}"#, r#"{"a":1}"#));
}

#[test]
fn names_and_values_compare_after_resolving_escapes() {
    assert!(matches(r#"{"key":["v\n"]}"#, r#"{"\u006bey":"v\u000a"}"#));
    assert!(matches(
        r#"{"\u006bey":["\ud83d\ude00"]}"#,
        r#"{"key":"😀"}"#
    ));
    assert!(matches(r#"{"a":["😀"]}"#, r#"{"a":"\uD83D\uDE00"}"#));
    assert!(matches(r#"{"a":["\\\"/"]}"#, r#"{"a":"\\\"\/"}"#));
    assert!(
        !matches(r#"{"a":["\ufffd"]}"#, r#"{"a":"\ud83d"}"#),
        "an unpaired surrogate equals itself only"
    );
    assert!(matches(r#"{"a":["\ud83d"]}"#, r#"{"a":"\ud83d"}"#));
    assert!(!matches(r#"{"Key":["v"]}"#, r#"{"key":"v"}"#));
    assert!(matches(r#"{"a":{"b":[1]}}"#, r#"{"a\u002eb":1}"#));
}

#[test]
fn malformed_events_never_match() {
    let filters = compile(r#"{"nothing":[{"exists":false}]}"#);
    let mut scratch = Scratch::default();
    for event in [
        "",
        " ",
        "null",
        "1",
        "[]",
        r#"[{"a":1}]"#,
        r#""{}""#,
        "{",
        "}",
        "{}}",
        "{} x",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1}"#,
        r#"{"a":{"b":1]}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":NaN}"#,
        r#"{"a":tru}"#,
        r#"{"a":truex}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u12"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"b",
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a" 1}"#,
        r#"{"a":1 "b":2}"#,
        "{\"a\":\"\u{0}\"}",
        r#"{"a":1}/**/"#,
        "\u{feff}{}",
        r#"{"a":[[],{]}"#,
        r#"{"nothing":{"a":1}"#,
    ] {
        assert!(!filters.is_match(event.as_bytes(), &mut scratch), "{event}");
        assert!(!filters.explain(event.as_bytes()).is_match(), "{event}");
    }
    assert!(
        !filters.is_match(b"{\"a\":\"\xff\"}", &mut scratch),
        "invalid UTF-8"
    );
    for event in [
        "{}",
        " { } \n",
        "\t{\"a\" : [ 1 , -0.5e-1 , { } , [ ] , \"\\u00e9\" ] , \"b\":null }",
    ] {
        assert!(filters.is_match(event.as_bytes(), &mut scratch), "{event}");
    }
}

#[test]
fn nesting_is_bounded_and_does_not_overflow_the_stack() {
    let visited = compile(r#"{"a":{"a":[1]},"b":[{"exists":false}]}"#);
    let skipped = compile(r#"{"b":[{"exists":false}]}"#);
    let nested = |open: &str, close: &str, levels: usize, inner: &str| {
        format!(
            "{{\"a\":{}{inner}{}}}",
            open.repeat(levels),
            close.repeat(levels)
        )
    };
    let small_stack = std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(move || {
            let mut scratch = Scratch::default();
            for (open, close, inner) in [("[", "]", "{\"a\":1}"), ("{\"a\":", "}", "1")] {
                let levels = DEEPEST - 2;
                let event = nested(open, close, levels, inner);
                assert!(skipped.is_match(event.as_bytes(), &mut scratch));
                let deeper = nested(open, close, 100_000, inner);
                assert!(!skipped.is_match(deeper.as_bytes(), &mut scratch));
                assert!(!visited.is_match(deeper.as_bytes(), &mut scratch));
                let open_only = open.repeat(100_000);
                assert!(!visited.is_match(format!("{{\"a\":{open_only}").as_bytes(), &mut scratch));
            }
            let event = nested("[", "]", DEEPEST - 2, "{\"a\":1}");
            assert!(visited.is_match(event.as_bytes(), &mut scratch));
            let event = nested("[", "]", DEEPEST - 1, "{\"a\":1}");
            assert!(
                !visited.is_match(event.as_bytes(), &mut scratch),
                "one level too many"
            );
        });
    small_stack.unwrap().join().unwrap();
}

#[test]
fn deep_patterns_do_not_overflow_the_stack() {
    let levels = DEEPEST - 1;
    let nested = |leaf: &str| format!("{}{leaf}{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(matches(&nested("[1]"), &nested("1")) && !matches(&nested("[1]"), &nested("2")));
    let deeper = format!("{{\"a\":{{\"a\":{}}}}}", nested("[1]"));
    assert!(matches!(fault(&deeper), PatternFault::NotJson { .. }));
}

#[test]
fn more_than_64_fields_are_kept_apart() {
    let fields: Vec<String> = (0..150)
        .map(|index| format!("\"f{index}\":[{index}]"))
        .collect();
    let pattern = format!("{{\"p\":{{{}}}}}", fields.join(","));
    let members: Vec<String> = (0..150)
        .map(|index| format!("\"f{index}\":{index}"))
        .collect();
    let complete = members.join(",");
    let (one, other) = (members[..75].join(","), members[75..].join(","));
    assert!(matches(&pattern, &format!("{{\"p\":{{{complete}}}}}")));
    assert!(matches(
        &pattern,
        &format!("{{\"p\":[{{{one}}},{{{complete}}}]}}")
    ));
    assert!(!matches(
        &pattern,
        &format!("{{\"p\":[{{{one}}},{{{other}}}]}}")
    ));
}
