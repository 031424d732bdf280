//! What each operator accepts, and which operands it refuses.

use crate::common::{accepts, fault, matches};
use lambda_esm_filter::{Dialect, Filters, Limits, PatternFault};

#[test]
fn equals_compares_kind_and_value() {
    assert!(accepts(r#""x""#, r#""x""#) && !accepts(r#""x""#, r#""X""#));
    assert!(accepts(r#""""#, r#""""#) && !accepts(r#""""#, "null"));
    assert!(accepts("null", "null") && !accepts("null", r#""null""#) && !accepts("null", r#""""#));
    assert!(accepts("true", "true") && !accepts("true", "false") && !accepts("true", r#""true""#));
    assert!(accepts(r#""a","b""#, r#""b""#) && !accepts(r#""a","b""#, r#""c""#));
}

#[test]
fn equals_finds_one_of_many_strings() {
    let many: Vec<String> = (0..50).map(|index| format!("\"value-{index}\"")).collect();
    let many = many.join(",");
    assert!(accepts(&many, r#""value-0""#) && accepts(&many, r#""value-49""#));
    assert!(!accepts(&many, r#""value-50""#) && !accepts(&many, r#""""#));
}

#[test]
fn numbers_are_equal_by_value() {
    for same in ["300", "300.0", "3.0e2", "3E+2"] {
        assert!(accepts("300", same) && accepts(same, "300"), "{same}");
    }
    assert!(!accepts("300", r#""300""#) && !accepts("300", "301") && !accepts("300", "300.5"));
    for zero in ["-0", "-0.0", "0.0", "0e5"] {
        assert!(
            accepts("0", zero) && !accepts(r#"{"numeric":[">",0]}"#, zero),
            "{zero}"
        );
    }
    assert!(accepts("-1.5", "-15e-1") && !accepts("-1.5", "1.5"));
}

#[test]
fn numbers_that_a_double_rounds_are_equal_by_their_digits_only() {
    for inexact in [
        "9007199254740993",
        "0.1234567890123456789",
        "1e309",
        "0.1000000000000000055511151231257827",
    ] {
        assert!(accepts(inexact, inexact), "{inexact}");
        assert!(!accepts(r#"{"numeric":[">",0]}"#, inexact), "{inexact}");
        assert!(accepts(r#"{"anything-but":1}"#, inexact), "{inexact}");
        for operator in ["numeric\":[\"=\",", "anything-but\":[1,"] {
            let pattern = format!("{{\"a\":[{{\"{operator}{inexact}]}}]}}");
            assert!(
                matches!(fault(&pattern), PatternFault::InexactNumber { .. }),
                "{pattern}"
            );
        }
    }
    assert!(!accepts("9007199254740992", "9007199254740993"));
    assert!(!accepts("9007199254740993", "9007199254740992"));
    assert!(!accepts("0.1", "0.1000000000000000055511151231257827"));
}

#[test]
fn numeric_compares_numbers_only() {
    let over = r#"{"numeric":[">",100]}"#;
    assert!(accepts(over, "101") && !accepts(over, "100") && !accepts(over, r#""101""#));
    assert!(!accepts(over, "true") && !accepts(over, "null"));
    assert!(
        accepts(r#"{"numeric":["=",1.5]}"#, "15e-1") && !accepts(r#"{"numeric":["=",1.5]}"#, "1.6")
    );
    assert!(
        accepts(r#"{"numeric":["<",-1]}"#, "-1.5") && !accepts(r#"{"numeric":["<",-1]}"#, "-1")
    );
    assert!(accepts(r#"{"numeric":["<=",-1]}"#, "-1") && accepts(r#"{"numeric":[">=",5]}"#, "5"));
    let within = r#"{"numeric":[">=",100,"<",200]}"#;
    assert!(accepts(within, "100") && accepts(within, "199.99"));
    assert!(!accepts(within, "200") && !accepts(within, "99.99"));
}

#[test]
fn numeric_refuses_other_forms() {
    for operand in [
        r#"["=",true]"#,
        r#"["="]"#,
        r#"["<>",1,">",0]"#,
        r#"["==",1]"#,
        r#"["<",1,">",0]"#,
        r#"[">",1,"<",1]"#,
        r#"[">=",5,"<=",5]"#,
        r#"[">",30,"<",1]"#,
        r#"[">",1,"<",30,false]"#,
        r#"[">",1,"<"]"#,
        r#"[">",1,">",2]"#,
        "[]",
        "5",
        r#"["=","1"]"#,
        r#"["=",1,"=",2]"#,
    ] {
        let pattern = format!("{{\"a\":[{{\"numeric\":{operand}}}]}}");
        assert!(
            matches!(fault(&pattern), PatternFault::Operand { .. }),
            "{pattern}"
        );
    }
}

#[test]
fn prefix_and_suffix_look_at_strings() {
    let prefix = r#"{"prefix":"us-"}"#;
    assert!(accepts(prefix, r#""us-1""#) && accepts(prefix, r#""us-""#));
    assert!(
        !accepts(prefix, r#""us""#)
            && !accepts(prefix, r#""eu-us-""#)
            && !accepts(r#"{"prefix":"1"}"#, "12")
    );
    let suffix = r#"{"suffix":".png"}"#;
    assert!(
        accepts(suffix, r#""a.png""#)
            && !accepts(suffix, r#""a.pngx""#)
            && !accepts(suffix, "null")
    );
    assert!(accepts(r#"{"prefix":""}"#, r#""""#) && accepts(r#"{"suffix":""}"#, r#""x""#));
    assert!(
        !accepts(r#"{"prefix":"x\""}"#, r#""x""#),
        "the closing quote is no part of the value"
    );
    assert!(accepts(r#"{"prefix":"é"}"#, r#""\u00e9t\u00e9""#));
}

#[test]
fn case_is_ignored_where_asked() {
    let equals = r#"{"equals-ignore-case":"Alice"}"#;
    assert!(
        accepts(equals, r#""aLICE""#) && !accepts(equals, r#""alicE!""#) && !accepts(equals, "1")
    );
    let prefix = r#"{"prefix":{"equals-ignore-case":"EventB"}}"#;
    assert!(accepts(prefix, r#""eventbridge""#) && !accepts(prefix, r#""event""#));
    let suffix = r#"{"suffix":{"equals-ignore-case":".PNG"}}"#;
    assert!(accepts(suffix, r#""a.png""#) && !accepts(suffix, r#""png""#));
    assert!(accepts(
        r#"{"suffix":{"equals-ignore-case":"straße"}}"#,
        r#""HAUPTSTRASSE""#
    ));
    assert!(accepts(
        r#"{"prefix":{"equals-ignore-case":"École"}}"#,
        r#""éCOLES""#
    ));
}

#[test]
fn anything_but_needs_a_value_that_is_none_of_those() {
    let one = r#"{"anything-but":"x"}"#;
    for other in [r#""y""#, "1", "null", "true", r#"["x","y"]"#] {
        assert!(accepts(one, other), "{other}");
    }
    for same in [r#""x""#, "[]", "{}", r#"["x"]"#, r#"{"x":1}"#] {
        assert!(!accepts(one, same), "{same}");
    }
    assert!(!matches(r#"{"a":[{"anything-but":"x"}]}"#, r#"{"b":"y"}"#));
    let list = r#"{"anything-but":["x","y"]}"#;
    assert!(accepts(list, r#""z""#) && !accepts(list, r#""y""#));
    let numbers = r#"{"anything-but":[100,200]}"#;
    assert!(accepts(numbers, "101") && !accepts(numbers, "2e2") && accepts(numbers, r#""100""#));
    assert!(accepts(
        r#"{"anything-but":"a"},{"anything-but":"b"}"#,
        r#""b""#
    ));
}

#[test]
fn anything_but_refuses_mixed_and_empty_lists() {
    for operand in [
        "[]",
        r#"["a",1]"#,
        r#"[1,"a"]"#,
        "null",
        "true",
        "[null]",
        "[[\"a\"]]",
    ] {
        let pattern = format!("{{\"a\":[{{\"anything-but\":{operand}}}]}}");
        assert!(
            matches!(fault(&pattern), PatternFault::Operand { .. }),
            "{pattern}"
        );
    }
    for operand in [
        r#"{"prefix":""}"#,
        r#"{"suffix":["a",""]}"#,
        r#"{"prefix":1}"#,
        r#"{"wildcard":"**"}"#,
    ] {
        let pattern = format!("{{\"a\":[{{\"anything-but\":{operand}}}]}}");
        assert!(
            matches!(fault(&pattern), PatternFault::Operand { .. }),
            "{pattern}"
        );
    }
    let unknown = r#"{"a":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}"#;
    assert!(matches!(
        fault(unknown),
        PatternFault::UnknownOperator { .. }
    ));
    let two = r#"{"a":[{"anything-but":{"prefix":"a","suffix":"b"}}]}"#;
    assert_eq!(fault(two), PatternFault::NotOneOperator { count: 2 });
}

#[test]
fn anything_but_excludes_by_operator_in_eventbridge() {
    let not_prefix = r#"{"anything-but":{"prefix":["a","b"]}}"#;
    assert!(
        accepts(not_prefix, r#""cab""#)
            && !accepts(not_prefix, r#""bc""#)
            && accepts(not_prefix, "1")
    );
    let not_suffix = r#"{"anything-but":{"suffix":".png"}}"#;
    assert!(accepts(not_suffix, r#""a.jpg""#) && !accepts(not_suffix, r#""a.png""#));
    let not_case = r#"{"anything-but":{"equals-ignore-case":["abc",""]}}"#;
    assert!(
        accepts(not_case, r#""abcd""#)
            && !accepts(not_case, r#""ABC""#)
            && !accepts(not_case, r#""""#)
    );
    let not_wildcard = r#"{"anything-but":{"wildcard":"*foo*"}}"#;
    assert!(accepts(not_wildcard, r#""bar""#) && !accepts(not_wildcard, r#""a foo b""#));
    assert!(accepts(r#"{"anything-but":{"prefix":[]}}"#, r#""x""#));
}

#[test]
fn wildcard_and_cidr_and_exactly_work_in_eventbridge() {
    assert!(
        accepts(r#"{"wildcard":"*.png"}"#, r#""a.png""#)
            && !accepts(r#"{"wildcard":"*.png"}"#, "1")
    );
    assert!(
        accepts(r#"{"exactly":"a*"}"#, r#""a*""#) && !accepts(r#"{"exactly":"a*"}"#, r#""ab""#)
    );
    let v4 = r#"{"cidr":"10.1.2.3/24"}"#;
    assert!(
        accepts(v4, r#""10.1.2.255""#) && !accepts(v4, r#""10.1.3.0""#) && !accepts(v4, r#""x""#)
    );
    let v6 = r#"{"cidr":"2001:db8::/32"}"#;
    assert!(
        accepts(v6, r#""2001:db8:1::1""#)
            && !accepts(v6, r#""2001:db9::1""#)
            && !accepts(v6, r#""10.0.0.1""#)
    );
    assert!(
        accepts(r#"{"cidr":"0.0.0.0/0"}"#, r#""255.1.1.1""#)
            && !accepts(r#"{"cidr":"0.0.0.0/0"}"#, r#""::1""#)
    );
    for operand in [
        r#""10.0.0.0""#,
        r#""10.0.0.0/33""#,
        r#""foo/8""#,
        r#""10.0.0.0/-1""#,
        "8",
    ] {
        let pattern = format!("{{\"a\":[{{\"cidr\":{operand}}}]}}");
        assert!(
            matches!(fault(&pattern), PatternFault::Operand { .. }),
            "{pattern}"
        );
    }
}

#[test]
fn strings_that_look_like_addresses_are_just_strings() {
    assert!(
        !accepts(r#""10.0.0.1""#, r#""010.000.000.001""#)
            && !accepts(r#""::1""#, r#""0:0:0:0:0:0:0:1""#)
    );
}

#[test]
fn operators_of_another_dialect_are_refused_with_a_way_out() {
    for (name, item) in [
        ("wildcard", r#"{"wildcard":"a*"}"#),
        ("cidr", r#"{"cidr":"10.0.0.0/8"}"#),
        ("exactly", r#"{"exactly":"a"}"#),
        ("anything-but/prefix", r#"{"anything-but":{"prefix":"a"}}"#),
        (
            "anything-but/suffix",
            r#"{"anything-but":{"suffix":["a"]}}"#,
        ),
        (
            "anything-but/equals-ignore-case",
            r#"{"anything-but":{"equals-ignore-case":"a"}}"#,
        ),
        (
            "anything-but/wildcard",
            r#"{"anything-but":{"wildcard":"a"}}"#,
        ),
    ] {
        let pattern = [format!("{{\"body\":{{\"a\":[{item}]}}}}")];
        let error = Filters::compile(&pattern, Dialect::Lambda, Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "filter 0, field `body.a`: operator `{name}` is not supported by event source \
                 mappings; dialect `eventbridge` has it"
            )
        );
        Filters::compile(&pattern, Dialect::EventBridge, Limits::default()).unwrap();
    }
}

#[test]
fn operands_of_the_wrong_kind_are_refused() {
    for item in [
        r#"{"exists":"true"}"#,
        r#"{"prefix":3}"#,
        r#"{"suffix":["a"]}"#,
        r#"{"equals-ignore-case":5}"#,
        r#"{"prefix":{"suffix":"a"}}"#,
        r#"{"suffix":{"equals-ignore-case":["a"]}}"#,
        r#"{"wildcard":5}"#,
        r#"{"exactly":33}"#,
    ] {
        assert!(
            matches!(
                fault(&format!("{{\"a\":[{item}]}}")),
                PatternFault::Operand { .. }
            ),
            "{item}"
        );
    }
    for item in [
        r#"{"prefix":"a","suffix":"b"}"#,
        "{}",
        r#"{"prefix":"a","prefix":"a"}"#,
    ] {
        let fault = fault(&format!("{{\"a\":[{item}]}}"));
        assert!(
            matches!(fault, PatternFault::NotOneOperator { .. }),
            "{item}"
        );
    }
    let unknown = fault(r#"{"a":[{"foo":"x"}]}"#);
    assert_eq!(
        unknown,
        PatternFault::UnknownOperator {
            name: "foo".to_owned()
        }
    );
}
