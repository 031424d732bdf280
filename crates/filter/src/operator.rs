//! Reads the items of a field's list.

use std::borrow::Cow;

use crate::dialect::Dialect;
use crate::error::PatternFault;
use crate::number::comparable;
use crate::predicate::{Bound, Literal, Not, Number, Range, Strings, Test, TextTest};
use crate::text::{Block, Folded, Wildcard};
use crate::tree::Tree;

type Parsed<T> = Result<T, PatternFault>;

const IGNORE_CASE: &str = "equals-ignore-case";

/// Reads one item of a field's list.
pub(crate) fn item(tree: &Tree<'_>, dialect: Dialect) -> Parsed<Test> {
    Ok(match tree {
        Tree::Null => Test::Literal(Literal::Null),
        Tree::Bool(true) => Test::Literal(Literal::True),
        Tree::Bool(false) => Test::Literal(Literal::False),
        Tree::String(text) => Test::String((**text).into()),
        Tree::Number(text) => Test::Number(Number {
            text: text.as_bytes().into(),
            value: comparable(text.as_bytes()),
        }),
        Tree::Array(_) => return Err(PatternFault::NestedList),
        Tree::Object(members) => {
            let (name, operand) = only_member(members)?;
            operator(&String::from_utf8_lossy(name), operand, dialect)?
        }
    })
}

fn only_member<'t, 'a>(
    members: &'t [(Cow<'a, [u8]>, Tree<'a>)],
) -> Parsed<(&'t [u8], &'t Tree<'a>)> {
    match members {
        [(name, operand)] => Ok((name, operand)),
        _ => Err(PatternFault::NotOneOperator {
            count: members.len(),
        }),
    }
}

fn operator(name: &str, operand: &Tree<'_>, dialect: Dialect) -> Parsed<Test> {
    if matches!(name, "wildcard" | "cidr" | "exactly") {
        only_in_eventbridge(name, dialect)?;
    }
    Ok(match name {
        "exists" => match operand {
            Tree::Bool(true) => Test::Present,
            Tree::Bool(false) => Test::Absent,
            _ => return Err(wrong(name, operand, "true or false")),
        },
        "prefix" => Test::Text(match ignoring_case(name, operand)? {
            Some(folded) => TextTest::PrefixIgnoreCase(folded),
            None => TextTest::Prefix(text(name, operand)?.into()),
        }),
        "suffix" => Test::Text(match ignoring_case(name, operand)? {
            Some(folded) => TextTest::SuffixIgnoreCase(folded),
            None => TextTest::Suffix(text(name, operand)?.into()),
        }),
        "exactly" => Test::String(text(name, operand)?.into()),
        "anything-but" => Test::AnythingBut(anything_but(operand, dialect)?),
        "numeric" => Test::Range(numeric(operand)?),
        IGNORE_CASE | "wildcard" | "cidr" => Test::Text(text_test(name, operand)?),
        _ => {
            return Err(PatternFault::UnknownOperator {
                name: name.to_owned(),
            });
        }
    })
}

fn only_in_eventbridge(name: &str, dialect: Dialect) -> Parsed<()> {
    match dialect {
        Dialect::EventBridge => Ok(()),
        Dialect::Lambda => Err(PatternFault::OtherDialect {
            name: name.to_owned(),
            dialect: Dialect::EventBridge,
        }),
    }
}

/// Reads an operator that takes one string.
fn text_test(name: &str, operand: &Tree<'_>) -> Parsed<TextTest> {
    let value = text(name, operand)?;
    match name {
        IGNORE_CASE => Ok(TextTest::IgnoreCase(Folded::new(value))),
        "prefix" => Ok(TextTest::Prefix(value.into())),
        "suffix" => Ok(TextTest::Suffix(value.into())),
        "wildcard" => Wildcard::new(value).map(TextTest::Wildcard).ok_or_else(|| {
            wrong(
                name,
                operand,
                r"a string without `**` whose backslashes stand before `*` or `\`",
            )
        }),
        _ => std::str::from_utf8(value)
            .ok()
            .and_then(Block::new)
            .map(TextTest::Block)
            .ok_or_else(|| wrong(name, operand, "an address block such as 10.0.0.0/8")),
    }
}

/// Reads `{"equals-ignore-case": …}` inside `prefix` or `suffix`.
fn ignoring_case(name: &str, operand: &Tree<'_>) -> Parsed<Option<Folded>> {
    let Tree::Object(members) = operand else {
        return Ok(None);
    };
    match only_member(members)? {
        (inner, operand) if inner == IGNORE_CASE.as_bytes() => {
            Ok(Some(Folded::new(text(IGNORE_CASE, operand)?)))
        }
        _ => Err(wrong(
            name,
            operand,
            "a string or {\"equals-ignore-case\": a string}",
        )),
    }
}

fn anything_but(operand: &Tree<'_>, dialect: Dialect) -> Parsed<Not> {
    const NAME: &str = "anything-but";
    const EXPECTED: &str =
        "a string, a number, or a non-empty list of only strings or only numbers";
    let items = match operand {
        Tree::Object(members) => return anything_but_operator(members, dialect),
        Tree::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    match items.first() {
        Some(Tree::String(_)) => {
            let strings = items.iter().map(|item| match item {
                Tree::String(text) => Ok((**text).into()),
                _ => Err(wrong(NAME, operand, EXPECTED)),
            });
            Ok(Not::Strings(Strings::new(strings.collect::<Parsed<_>>()?)))
        }
        Some(Tree::Number(_)) => {
            let numbers = items.iter().map(|item| match item {
                Tree::Number(text) => exact(NAME, text),
                _ => Err(wrong(NAME, operand, EXPECTED)),
            });
            Ok(Not::Numbers(numbers.collect::<Parsed<_>>()?))
        }
        _ => Err(wrong(NAME, operand, EXPECTED)),
    }
}

fn anything_but_operator(members: &[(Cow<'_, [u8]>, Tree<'_>)], dialect: Dialect) -> Parsed<Not> {
    let (inner, operand) = only_member(members)?;
    let inner = String::from_utf8_lossy(inner);
    let name = format!("anything-but/{inner}");
    if !matches!(&*inner, "prefix" | "suffix" | IGNORE_CASE | "wildcard") {
        return Err(PatternFault::UnknownOperator { name });
    }
    only_in_eventbridge(&name, dialect)?;
    let items = match operand {
        Tree::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let tests = items.iter().map(|item| {
        if matches!(&*inner, "prefix" | "suffix") && text(&name, item)?.is_empty() {
            return Err(wrong(&name, item, "a string that is not empty"));
        }
        text_test(&inner, item)
    });
    Ok(Not::Texts(tests.collect::<Parsed<_>>()?))
}

fn numeric(operand: &Tree<'_>) -> Parsed<Range> {
    const NAME: &str = "numeric";
    const EXPECTED: &str = "[\"=\", n], [\"<\", n], [\"<=\", n], [\">\", n], [\">=\", n], \
        or a lower and then a greater upper bound such as [\">\", 0, \"<=\", 5]";
    let fail = || wrong(NAME, operand, EXPECTED);
    let Tree::Array(items) = operand else {
        return Err(fail());
    };
    let bound = |sign: &Tree<'_>, number: &Tree<'_>, strict: &[u8], loose: &[u8]| {
        let (Tree::String(sign), Tree::Number(number)) = (sign, number) else {
            return Err(fail());
        };
        let inclusive = **sign == *loose;
        if !inclusive && **sign != *strict {
            return Err(fail());
        }
        Ok(Bound {
            value: exact(NAME, number)?,
            inclusive,
        })
    };
    let (lowest, highest) = (f64::NEG_INFINITY, f64::INFINITY);
    match items.as_slice() {
        [sign, number] => match sign {
            Tree::String(text) if **text == *b"=" => {
                let only = bound(sign, number, b"=", b"=")?;
                Ok(Range {
                    from: only,
                    to: only,
                })
            }
            Tree::String(text) if text.starts_with(b"<") => Ok(Range {
                from: Bound {
                    value: lowest,
                    inclusive: false,
                },
                to: bound(sign, number, b"<", b"<=")?,
            }),
            _ => Ok(Range {
                from: bound(sign, number, b">", b">=")?,
                to: Bound {
                    value: highest,
                    inclusive: false,
                },
            }),
        },
        [low_sign, low, high_sign, high] => {
            let from = bound(low_sign, low, b">", b">=")?;
            let to = bound(high_sign, high, b"<", b"<=")?;
            if from.value < to.value {
                Ok(Range { from, to })
            } else {
                Err(fail())
            }
        }
        _ => Err(fail()),
    }
}

fn exact(operator: &str, number: &str) -> Parsed<f64> {
    comparable(number.as_bytes()).ok_or_else(|| PatternFault::InexactNumber {
        operator: operator.to_owned(),
        number: number.to_owned(),
    })
}

fn text<'t>(operator: &str, operand: &'t Tree<'_>) -> Parsed<&'t [u8]> {
    match operand {
        Tree::String(text) => Ok(text),
        _ => Err(wrong(operator, operand, "a string")),
    }
}

fn wrong(operator: &str, operand: &Tree<'_>, expected: &'static str) -> PatternFault {
    PatternFault::Operand {
        operator: operator.to_owned(),
        found: operand.render(),
        expected,
    }
}

/// Returns whether ruler-like engines reserve a field name inside `$or`.
///
/// Source: EventBridge event-ruler documentation, "The `$or` primitive".
pub(crate) fn is_reserved_in_or(name: &[u8]) -> bool {
    const RESERVED: [&str; 24] = [
        "exactly",
        "equals-ignore-case",
        "prefix",
        "suffix",
        "anything-but",
        "exists",
        "wildcard",
        "numeric",
        "cidr",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    ];
    RESERVED.iter().any(|reserved| reserved.as_bytes() == name)
}
