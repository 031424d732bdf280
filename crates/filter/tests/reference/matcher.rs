//! A slow matcher that follows the rules to the letter: flatten the event, multiply out the
//! pattern, try every choice of values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A leaf of an event: its dotted path, its value and the array elements it stands in.
struct Leaf<'a> {
    path: String,
    value: &'a Value,
    elements: Elements,
}

/// An index for each array, which is known by its place in the event.
type Elements = BTreeMap<String, usize>;

/// A path's list of values and operators.
type Fields = BTreeMap<String, Vec<Value>>;

pub(crate) fn matches(pattern: &Value, event: &Value) -> bool {
    let mut leaves = Vec::new();
    flatten(event, "", "", &Elements::new(), &mut leaves);
    let mut alternatives = vec![Fields::new()];
    multiply(pattern.as_object().unwrap(), "", &mut alternatives);
    alternatives.iter().any(|fields| {
        let fields: Vec<_> = fields.iter().collect();
        choose(&fields, &leaves, &Elements::new(), &mut Vec::new())
    })
}

fn flatten<'a>(
    value: &'a Value,
    path: &str,
    place: &str,
    elements: &Elements,
    leaves: &mut Vec<Leaf<'a>>,
) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = join(path, name);
                flatten(member, &path, &format!("{place}/{name}"), elements, leaves);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut elements = elements.clone();
                if item.is_object() || item.is_array() {
                    elements.insert(place.to_owned(), index);
                }
                flatten(item, path, &format!("{place}/{index}"), &elements, leaves);
            }
        }
        leaf => {
            leaves.push(Leaf {
                path: path.to_owned(),
                value: leaf,
                elements: elements.clone(),
            });
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn multiply(pattern: &Map<String, Value>, path: &str, alternatives: &mut Vec<Fields>) {
    for (name, value) in pattern {
        match value {
            Value::Array(branches) if name == "$or" => {
                let mut all = Vec::new();
                for branch in branches {
                    let mut of_branch = alternatives.clone();
                    multiply(branch.as_object().unwrap(), path, &mut of_branch);
                    all.extend(of_branch);
                }
                *alternatives = all;
            }
            Value::Array(items) => {
                for fields in alternatives.iter_mut() {
                    fields.insert(join(path, name), items.clone());
                }
            }
            Value::Object(members) => multiply(members, &join(path, name), alternatives),
            _ => panic!("{value}"),
        }
    }
}

/// Picks a leaf for each field, or leaves it out to see at the end whether it is absent.
fn choose<'f>(
    fields: &[(&'f String, &'f Vec<Value>)],
    leaves: &[Leaf<'_>],
    elements: &Elements,
    left_out: &mut Vec<&'f String>,
) -> bool {
    let Some(((path, items), rest)) = fields.split_first() else {
        return left_out.iter().all(|path| {
            !leaves
                .iter()
                .any(|leaf| leaf.path == **path && together(elements, leaf).is_some())
        });
    };
    for leaf in leaves.iter().filter(|leaf| leaf.path == **path) {
        if let Some(elements) = together(elements, leaf)
            && items.iter().any(|item| accepts(item, leaf.value))
            && choose(rest, leaves, &elements, left_out)
        {
            return true;
        }
    }
    if items.contains(&serde_json::json!({ "exists": false })) {
        left_out.push(path);
        let met = choose(rest, leaves, elements, left_out);
        left_out.pop();
        return met;
    }
    false
}

/// Joins array elements, unless a leaf stands in another element of the same array.
fn together(elements: &Elements, leaf: &Leaf<'_>) -> Option<Elements> {
    let mut all = elements.clone();
    for (array, index) in &leaf.elements {
        if *all.entry(array.clone()).or_insert(*index) != *index {
            return None;
        }
    }
    Some(all)
}

fn accepts(item: &Value, value: &Value) -> bool {
    let Value::Object(operator) = item else {
        return equal(item, value);
    };
    let (name, operand) = operator.iter().next().unwrap();
    let operands = operand
        .as_array()
        .map_or_else(|| std::slice::from_ref(operand), Vec::as_slice);
    match (name.as_str(), value) {
        ("exists", _) => operand == true,
        ("anything-but", _) => !match operand {
            Value::Object(inner) => {
                let (name, operand) = inner.iter().next().unwrap();
                let operands = operand
                    .as_array()
                    .map_or_else(|| std::slice::from_ref(operand), Vec::as_slice);
                value.as_str().is_some_and(|value| {
                    operands
                        .iter()
                        .any(|operand| text_accepts(name, operand, value))
                })
            }
            _ => operands.iter().any(|operand| equal(operand, value)),
        },
        ("numeric", Value::Number(number)) => {
            let number = number.as_f64().unwrap();
            operands.chunks(2).all(|bound| {
                let limit = bound[1].as_f64().unwrap();
                match bound[0].as_str().unwrap() {
                    "=" => number == limit,
                    "<" => number < limit,
                    "<=" => number <= limit,
                    ">" => number > limit,
                    ">=" => number >= limit,
                    sign => panic!("{sign}"),
                }
            })
        }
        (name, Value::String(value)) => text_accepts(name, operand, value),
        _ => false,
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn text_accepts(name: &str, operand: &Value, value: &str) -> bool {
    if let Some(operand) = operand.get("equals-ignore-case") {
        return text_accepts(
            name,
            &operand.as_str().unwrap().to_lowercase().into(),
            &value.to_lowercase(),
        );
    }
    let Some(operand) = operand.as_str() else {
        return false;
    };
    match name {
        "prefix" => value.starts_with(operand),
        "suffix" => value.ends_with(operand),
        "equals-ignore-case" => value.to_lowercase() == operand.to_lowercase(),
        "wildcard" => wildcard_accepts(operand, value),
        _ => false,
    }
}

fn wildcard_accepts(pattern: &str, value: &str) -> bool {
    match pattern.chars().next() {
        None => value.is_empty(),
        Some('*') => (0..=value.len())
            .filter(|start| value.is_char_boundary(*start))
            .any(|start| wildcard_accepts(&pattern[1..], &value[start..])),
        Some(literal) => value
            .strip_prefix(literal)
            .is_some_and(|rest| wildcard_accepts(&pattern[literal.len_utf8()..], rest)),
    }
}
