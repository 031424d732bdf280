//! Says why an event does not match.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

use crate::filters::Filters;
use crate::pattern::Field;
use crate::predicate::{Leaf, Literal};
use crate::program::Alternative;
use crate::record::{Form, Mismatch, Record};
use crate::tree::{Tree, quote};
use crate::walk::Scratch;

/// Most values shown for one field.
const SHOWN: usize = 8;

/// Tells for each pattern whether it matched, and if not, why. An empty set of patterns matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// One entry per pattern, in order.
    pub patterns: Vec<Outcome>,
}

/// What became of one pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The pattern matched.
    Matched,
    /// The event or its metadata cannot be read at all.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// These fields failed. With `$or`, those of the alternative that came closest.
    Failed(Vec<Failure>),
}

/// A field of a pattern that an event does not satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The field's dotted path.
    pub path: String,
    /// The list of values and operators, as JSON text.
    pub expected: String,
    /// The values that stand there in the event (at most 8), as JSON text.
    pub found: Vec<String>,
    /// Why they do not satisfy the list.
    pub reason: Reason,
}

/// Why a field is not satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No value stands at the path. Objects and empty lists are no values.
    Missing,
    /// No value at the path is accepted.
    NotAccepted,
    /// Values are accepted, but not together with the pattern's other fields: they stand in
    /// different elements of a list.
    OtherElement,
    /// The field looks into JSON data, but the data is not JSON.
    DataNotJson,
    /// The field asks for plain text, but the data is JSON.
    DataNotText,
}

impl Explanation {
    /// Returns whether any pattern matched, or there is none.
    pub fn is_match(&self) -> bool {
        self.patterns.is_empty() || self.patterns.contains(&Outcome::Matched)
    }

    /// Returns the explanation as JSON, for logs and status pages.
    pub fn to_json(&self) -> Value {
        let patterns: Vec<Value> = self.patterns.iter().map(Outcome::to_json).collect();
        json!({ "matched": self.is_match(), "patterns": patterns })
    }
}

impl Outcome {
    fn to_json(&self) -> Value {
        match self {
            Self::Matched => json!({ "matched": true }),
            Self::Unreadable { reason } => json!({ "matched": false, "reason": reason }),
            Self::Failed(failures) => {
                let failures: Vec<Value> = failures
                    .iter()
                    .map(|failure| {
                        json!({
                            "path": failure.path,
                            "expected": failure.expected,
                            "found": failure.found,
                            "reason": failure.reason.to_string(),
                        })
                    })
                    .collect();
                json!({ "matched": false, "failures": failures })
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.patterns.is_empty() {
            return f.write_str("no filters: everything matches");
        }
        for (index, outcome) in self.patterns.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match outcome {
                Outcome::Matched => write!(f, "filter {index}: matched")?,
                Outcome::Unreadable { reason } => write!(f, "filter {index}: {reason}")?,
                Outcome::Failed(failures) => {
                    write!(f, "filter {index}: no match")?;
                    for failure in failures {
                        write!(f, "\n  {failure}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            expected,
            found,
            reason,
        } = self;
        write!(f, "field `{path}`: {reason}; expected {expected}")?;
        if !found.is_empty() {
            write!(f, ", found {}", found.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no value there",
            Self::NotAccepted => "value not accepted",
            Self::OtherElement => {
                "value accepted, but in another list element than the other fields"
            }
            Self::DataNotJson => "pattern asks for JSON data, data is not JSON",
            Self::DataNotText => "pattern asks for plain text data, data is JSON",
        })
    }
}

/// Explains a whole event.
pub(crate) fn event(filters: &Filters, event: &[u8]) -> Explanation {
    let mut scratch = Scratch::default();
    let tree = match Tree::parse_all(event) {
        Ok(tree @ Tree::Object(_)) => tree,
        Ok(tree) => {
            return unreadable(
                filters,
                format!("event is {}, not a JSON object", tree.kind()),
            );
        }
        Err(at) => return unreadable(filters, format!("event is not valid JSON at byte {at}")),
    };
    filters.walk_event(event, &mut scratch);
    let program = &filters.inner.program;
    explain(filters, |alternative, field, bit| {
        if alternative_met(filters, &scratch, alternative) {
            return None;
        }
        let met = scratch.is_field_met(program, bit);
        (!met).then(|| judge(field, &leaves(&tree, &field.path)))
    })
}

fn alternative_met(filters: &Filters, scratch: &Scratch, alternative: &Alternative) -> bool {
    scratch.is_met(&filters.inner.program, alternative, &[])
}

/// Explains a record.
pub(crate) fn record(filters: &Filters, record: &Record<'_>) -> Explanation {
    let mut scratch = Scratch::default();
    let program = &filters.inner.program;
    let Some(walked) = record.walk(program, &mut scratch) else {
        return unreadable(filters, "metadata is not a valid JSON object".to_owned());
    };
    let view = View::new(record, walked.form);
    explain(filters, |alternative, field, bit| {
        if filters.is_record_met(alternative, record, walked, &scratch) {
            return None;
        }
        match view.misfit(field) {
            Some(_) if record.on_mismatch == Mismatch::IgnoreData => None,
            Some(reason) => Some(failure(field, Vec::new(), reason)),
            None if scratch.is_field_met(program, bit) => None,
            None => Some(judge(field, &view.leaves(field))),
        }
    })
}

fn unreadable(filters: &Filters, reason: String) -> Explanation {
    let outcome = Outcome::Unreadable { reason };
    Explanation {
        patterns: vec![outcome; filters.inner.patterns.len()],
    }
}

/// For each pattern, takes the alternative in which the fewest fields fail.
fn explain(
    filters: &Filters,
    check: impl Fn(&Alternative, &Field, usize) -> Option<Failure>,
) -> Explanation {
    let inner = &filters.inner;
    let mut patterns = vec![None; inner.patterns.len()];
    for alternative in &inner.program.alternatives {
        let fields = &inner.patterns[alternative.pattern].fields;
        let failures: Vec<Failure> = (alternative.first_bit..)
            .zip(&alternative.fields)
            .filter_map(|(bit, field)| check(alternative, &fields[*field], bit))
            .collect();
        let best: &mut Option<Vec<Failure>> = &mut patterns[alternative.pattern];
        if best.as_ref().is_none_or(|best| failures.len() < best.len()) {
            *best = Some(failures);
        }
    }
    let outcome = |failures: Option<Vec<Failure>>| match failures {
        Some(failures) if failures.is_empty() => Outcome::Matched,
        failures => Outcome::Failed(failures.unwrap_or_default()),
    };
    Explanation {
        patterns: patterns.into_iter().map(outcome).collect(),
    }
}

/// A record as trees.
struct View<'a> {
    data_key: &'a [u8],
    form: Option<Form>,
    data: Tree<'a>,
    metadata: Vec<Tree<'a>>,
}

impl<'a> View<'a> {
    fn new(record: &Record<'a>, form: Option<Form>) -> Self {
        let as_text = || Tree::String(Cow::Borrowed(record.data));
        Self {
            data_key: record.data_key.as_bytes(),
            form,
            data: match form {
                Some(Form::Json) => Tree::parse_all(record.data).unwrap_or_else(|_| as_text()),
                _ => as_text(),
            },
            metadata: record
                .metadata
                .iter()
                .filter_map(|text| Tree::parse_all(text).ok())
                .collect(),
        }
    }

    /// Returns what follows the data key in a field's path.
    fn below_data<'f>(&self, field: &'f Field) -> Option<&'f [u8]> {
        let rest = field.path.strip_prefix(self.data_key)?;
        (rest.is_empty() || rest.starts_with(b".")).then_some(rest)
    }

    fn misfit(&self, field: &Field) -> Option<Reason> {
        let plain = self.below_data(field)?.is_empty();
        match self.form {
            Some(Form::Json) if plain => Some(Reason::DataNotText),
            Some(Form::Text) if !plain => Some(Reason::DataNotJson),
            Some(Form::Binary) => Some(Reason::DataNotJson),
            _ => None,
        }
    }

    fn leaves(&self, field: &Field) -> Vec<&Tree<'a>> {
        match self.below_data(field) {
            Some([]) => vec![&self.data],
            Some([_, path @ ..]) => leaves(&self.data, path),
            None => self
                .metadata
                .iter()
                .flat_map(|object| leaves(object, &field.path))
                .collect(),
        }
    }
}

/// Collects the leaves at a dotted path, through arrays.
fn leaves<'t, 'a>(tree: &'t Tree<'a>, path: &[u8]) -> Vec<&'t Tree<'a>> {
    let mut found = Vec::new();
    collect(tree, Some(path), &mut found);
    found
}

/// `path` is `None` once it is used up.
fn collect<'t, 'a>(tree: &'t Tree<'a>, path: Option<&[u8]>, found: &mut Vec<&'t Tree<'a>>) {
    match (tree, path) {
        (Tree::Array(items), _) => items.iter().for_each(|item| collect(item, path, found)),
        (Tree::Object(members), Some(path)) => {
            for (name, value) in members {
                match path.strip_prefix(&**name) {
                    Some([]) => collect(value, None, found),
                    Some([b'.', rest @ ..]) => collect(value, Some(rest), found),
                    _ => {}
                }
            }
        }
        (Tree::Object(_), None) | (_, Some(_)) => {}
        (leaf, None) => found.push(leaf),
    }
}

fn judge(field: &Field, values: &[&Tree<'_>]) -> Failure {
    let accepted = values.iter().any(|value| match value {
        Tree::Null => field.predicate.accepts(&Leaf::Literal(Literal::Null)),
        Tree::Bool(true) => field.predicate.accepts(&Leaf::Literal(Literal::True)),
        Tree::Bool(false) => field.predicate.accepts(&Leaf::Literal(Literal::False)),
        Tree::Number(text) => field.predicate.accepts(&Leaf::bare(text.as_bytes(), true)),
        Tree::String(text) => field.predicate.accepts(&Leaf::String(text)),
        Tree::Array(_) | Tree::Object(_) => false,
    });
    let reason = match (values.is_empty(), accepted) {
        (true, _) if !field.predicate.allows_absence() => Reason::Missing,
        (false, false) => Reason::NotAccepted,
        _ => Reason::OtherElement,
    };
    let shown = values.iter().take(SHOWN).map(|value| match value {
        Tree::String(text) => quote(text),
        other => other.render(),
    });
    failure(field, shown.collect(), reason)
}

fn failure(field: &Field, found: Vec<String>, reason: Reason) -> Failure {
    Failure {
        path: String::from_utf8_lossy(&field.path).into_owned(),
        expected: field.source.clone(),
        found,
        reason,
    }
}
