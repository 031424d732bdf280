//! Many alternatives: `$or` multiplied out.

use crate::common::matches;
use lambda_esm_filter::{Dialect, Filters, Limits, Standing};

/// `"$or":[{"a0":[1]},{"a1":[1]},…]`
fn or(name: &str, branches: usize) -> String {
    let branches: Vec<String> = (0..branches)
        .map(|branch| format!(r#"{{"{name}{branch}":[1]}}"#))
        .collect();
    format!(r#""$or":[{}]"#, branches.join(","))
}

/// 31 × 32 combinations beside a field that all need.
fn product() -> String {
    format!(
        r#"{{"p":{{"all":[1],{},"q":{{{}}}}}}}"#,
        or("a", 31),
        or("b", 32)
    )
}

#[test]
fn each_of_a_thousand_alternatives_decides_for_itself() {
    let pattern = product();
    for (a, b) in [(0, 0), (30, 31), (1, 0), (0, 1), (15, 16), (29, 2)] {
        let whole = format!(r#""all":1,"a{a}":1,"q":{{"b{b}":1}}"#);
        assert!(matches(&pattern, &format!(r#"{{"p":{{{whole}}}}}"#)));
        assert!(matches(&pattern, &format!(r#"{{"p":[{{}},{{{whole}}}]}}"#)));
        let without = |part: &str| {
            let event = format!(r#"{{"p":{{{whole}}}}}"#);
            let without = event.replace(part, r#""other""#);
            assert!(!matches(&pattern, &without), "{without}");
        };
        without(r#""all""#);
        without(&format!(r#""a{a}""#));
        without(&format!(r#""b{b}""#));
        let apart = format!(r#"{{"p":[{{"all":1,"a{a}":1}},{{"q":{{"b{b}":1}}}}]}}"#);
        assert!(!matches(&pattern, &apart));
    }
}

#[test]
fn elements_of_nested_arrays_satisfy_an_alternative_together() {
    let pattern = r#"{"p":{"k":[1],"q":{"$or":[{"a":[1],"b":[1]},{"a":[1],"c":[1]}]}},"r":["x"]}"#;
    for (p, verdict) in [
        (r#"[{"k":1,"q":[{"a":1},{"a":1,"c":1}]}]"#, true),
        (r#"[{"k":1,"q":[{"a":1},{"c":1}]}]"#, false),
        (r#"[{"k":1},{"q":[{"a":1,"c":1}]}]"#, false),
        (r#"[{"k":1,"q":[{"a":1,"b":1}]},{"k":2}]"#, true),
        (r#"{"k":1,"q":[{"a":1,"b":2},{"a":1,"c":1}]}"#, true),
        (r#"{"k":1,"q":[{"a":1,"b":2},{"a":2,"c":1}]}"#, false),
    ] {
        let event = format!(r#"{{"p":{p},"r":"x"}}"#);
        assert_eq!(matches(pattern, &event), verdict, "{event}");
    }
}

#[test]
fn a_path_given_again_replaces_it_in_its_alternatives_only() {
    let many = or("a", 70);
    // In the branches: where `k` is given again, the first one does not count.
    let inside = format!(r#"{{"k":[1],"$or":[{{"k":[2],"x":[1]}},{{{many}}}]}}"#);
    assert!(matches(&inside, r#"{"k":2,"x":1}"#));
    assert!(!matches(&inside, r#"{"k":1,"x":1}"#));
    assert!(matches(&inside, r#"{"k":1,"a69":1}"#));
    assert!(!matches(&inside, r#"{"k":2,"a69":1}"#));
    // After them: in all alternatives.
    let after = format!(r#"{{"$or":[{{"k":[2],"x":[1]}},{{{many}}}],"k":[3]}}"#);
    assert!(matches(&after, r#"{"k":3,"x":1}"#));
    assert!(matches(&after, r#"{"k":3,"a64":1}"#));
    assert!(!matches(&after, r#"{"k":2,"x":1}"#));
}

#[test]
fn the_first_pattern_that_matches_is_told_beyond_the_first_word() {
    let patterns = [product(), product().replace("all", "any")];
    let filters = Filters::compile(&patterns, Dialect::Lambda, Limits::default()).unwrap();
    let explanation = filters.explain(br#"{"p":{"any":1,"a30":1,"q":{"b31":1}}}"#);
    assert_eq!(
        explanation.to_string(),
        "filter 0: no match\n  field `p.all`: no value there; expected [1]\nfilter 1: matched"
    );
    let explanation = filters.explain(br#"{"p":{"all":1,"a7":1,"q":{"b3":2}}}"#);
    let text = explanation.to_string();
    assert!(
        text.starts_with("filter 0: no match\n  field `p.q.b"),
        "{text}"
    );
    assert_eq!(
        text.lines().filter(|line| line.contains("p.q.b")).count(),
        2
    );
}

#[test]
fn patterns_that_nothing_can_match_are_named_by_a_field_of_theirs() {
    let pattern = format!(r#"{{"body":{{"k":[1],{}}}}}"#, or("a", 100));
    let patterns = [pattern.clone(), pattern.replace("body", "id")];
    let filters = Filters::compile(&patterns, Dialect::Lambda, Limits::default()).unwrap();
    let stands = |there: bool| match there {
        true => Standing::Anything,
        false => Standing::Nothing,
    };
    let only = |names: &'static [&str]| move |path: &str| stands(names.contains(&path));
    assert_eq!(filters.unmatchable(|_| stands(true)), []);
    let without_k = filters.unmatchable(|path| stands(!path.ends_with(".k")));
    let [(0, path, Standing::Nothing), (1, ..)] = &without_k[..] else {
        panic!("both need k");
    };
    assert_eq!(path, "body.k");
    // One alternative that can match is enough.
    let one = filters.unmatchable(only(&["body.k", "body.a99", "id.k"]));
    assert_eq!(one, [(1, "id.a0".to_owned(), Standing::Nothing)]);
    assert_eq!(filters.naming("id.a99").collect::<Vec<_>>(), [1]);
    assert!(filters.needs_metadata("body") && filters.needs_metadata("id"));
}

#[test]
fn a_pattern_that_asks_for_another_kind_of_value_than_stands_there_can_never_match() {
    for (list, matchable) in [
        ("[\"a\"]", [true, false, false]),
        ("[{\"prefix\":\"a\"}]", [true, false, false]),
        ("[1]", [false, true, false]),
        ("[{\"numeric\":[\">\",1]}]", [false, true, false]),
        ("[true]", [false, false, true]),
        ("[null]", [false, false, false]),
        ("[1,\"a\"]", [true, true, false]),
        ("[{\"exists\":true}]", [true, true, true]),
        ("[{\"exists\":false}]", [true, true, true]),
        ("[{\"anything-but\":\"a\"}]", [true, true, true]),
    ] {
        let pattern = format!("{{\"k\":{list}}}");
        let filters = Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap();
        let kinds = [Standing::Text, Standing::Number, Standing::Boolean];
        let found = kinds.map(|kind| filters.unmatchable(|_| kind).is_empty());
        assert_eq!(found, matchable, "{list}");
    }
}

#[test]
fn data_cannot_be_plain_text_and_json() {
    for (pattern, torn) in [
        (r#"{"body":["x"],"id":[1]}"#, false),
        (r#"{"body":{"a":[1]}}"#, false),
        (
            r#"{"body":{"a":[1]},"$or":[{"body":["x"]},{"id":[1]}]}"#,
            false,
        ),
        (
            r#"{"body":{"a":[1]},"$or":[{"body":["x"]},{"body":["y"]}]}"#,
            true,
        ),
        (r#"{"bodyguard":["x"],"body":{"a":[1]}}"#, false),
    ] {
        let filters = Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap();
        assert_eq!(filters.torn("body").count() == 1, torn, "{pattern}");
    }
}

#[test]
fn a_pattern_without_a_clause_is_as_if_everything_met_it() {
    let pattern = r#"{"a":[1],"l":{"x":[1],"y":[2]},"$or":[{"b":[1]},{"c":[{"exists":false}]}]}"#;
    let filters = Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap();
    let clauses: Vec<String> = filters
        .clauses()
        .map(|(path, list)| format!("{path} {list}"))
        .collect();
    let expected = [
        "a [1]",
        "b [1]",
        "c [{\"exists\":false}]",
        "l.x [1]",
        "l.y [2]",
    ];
    assert_eq!(clauses, expected);
    for (event, without) in [
        (
            r#"{"a":2,"b":1,"l":[{"x":1,"y":2}]}"#,
            [true, false, false, false, false],
        ),
        (
            r#"{"a":1,"b":2,"c":3,"l":[{"x":1,"y":2}]}"#,
            [false, true, true, false, false],
        ),
        // In different elements: either of the two binds them.
        (
            r#"{"a":1,"l":[{"x":1,"y":3},{"x":2,"y":2}]}"#,
            [false, false, false, true, true],
        ),
        (r#"{"a":2,"l":[{"x":3,"y":3}]}"#, [false; 5]),
    ] {
        assert!(
            !filters.is_match(event.as_bytes(), &mut Default::default()),
            "{event}"
        );
        let found = [0, 1, 2, 3, 4].map(|clause| {
            let rest = filters.without(clause);
            rest.is_match(event.as_bytes(), &mut Default::default())
        });
        assert_eq!(found, without, "{event}");
    }
}
