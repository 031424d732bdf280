//! Says why an event does not match.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};

use crate::filters::Filters;
use crate::predicate::{Leaf, Literal};
use crate::program::{Program, Span};
use crate::record::{Form, Record};
use crate::scratch::{Misfits, Scratch};
use crate::tree::Tree;

/// Most values shown for one field.
const SHOWN: usize = 8;

/// Most characters shown of a value: enough to know it by, of an event that may have megabytes.
const SHOWN_CHARS: usize = 200;

/// Tells for each pattern whether it matched, and if not, why. An empty set of patterns matches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// One entry per pattern, in order.
    pub patterns: Vec<Outcome>,
}

/// What became of one pattern.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Failure {
    /// The field's dotted path.
    pub path: String,
    /// The list of values and operators, as JSON text.
    pub expected: String,
    /// The values that stand there in the event (at most 8), as JSON text of at most 200 characters each: what is
    /// longer ends with `…`.
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

impl Filters {
    /// Tells for each pattern whether a whole event matches it, and if not, why. Slow.
    pub fn explain(&self, event: &[u8]) -> Explanation {
        let mut scratch = Scratch::default();
        let tree = match Tree::parse_all(event) {
            Ok(tree @ Tree::Object(_)) => tree,
            Ok(tree) => {
                return unreadable(self, format!("event is {}, not a JSON object", tree.kind()));
            }
            Err(at) => return unreadable(self, format!("event is not valid JSON at byte {at}")),
        };
        self.walk_event(event, &mut scratch);
        let misfits = Misfits::default();
        explain(self, &scratch, misfits, None, |values| {
            values.gather(&tree, 0, None);
        })
    }

    /// Tells for each pattern whether a record matches it, and if not, why. Slow.
    pub fn explain_record(&self, record: &Record<'_>) -> Explanation {
        let mut scratch = Scratch::default();
        let Some(walked) = record.walk(&self.program, &mut scratch) else {
            return unreadable(self, "metadata is not a valid JSON object".to_owned());
        };
        explain(self, &scratch, walked.misfits, walked.form, |values| {
            for object in record.metadata {
                if let Ok(tree) = Tree::parse_all(object) {
                    values.gather(&tree, 0, walked.data_node);
                }
            }
            let Some(node) = walked.data_node else {
                return;
            };
            match walked.form {
                Some(Form::Json) => {
                    if let Ok(tree) = Tree::parse_all(record.data) {
                        values.gather(&tree, node, None);
                    }
                }
                _ => values.gather(&Tree::String(Cow::Borrowed(record.data)), node, None),
            }
        })
    }
}

fn unreadable(filters: &Filters, reason: String) -> Explanation {
    let outcome = Outcome::Unreadable { reason };
    Explanation {
        patterns: vec![outcome; filters.program.ends.len()],
    }
}

/// For each pattern, takes the alternative in which the fewest fields fail, and says why each does, by the values
/// that are gathered.
fn explain(
    filters: &Filters,
    scratch: &Scratch,
    misfits: Misfits,
    form: Option<Form>,
    gather: impl FnOnce(&mut Values<'_>),
) -> Explanation {
    let program = &*filters.program;
    let mut failing = vec![0_u32; program.ends.last().copied().unwrap_or_default()];
    scratch.each_unmet(program, misfits, &program.alternatives, |_, alternative| {
        failing[alternative] += 1;
    });
    let closest = |pattern: usize| {
        let mut alternatives = program.of_pattern(pattern);
        let fewest = alternatives
            .clone()
            .map(|alternative| failing[alternative])
            .min()?;
        alternatives.find(|alternative| fewest > 0 && failing[*alternative] == fewest)
    };
    let closest: Vec<Option<usize>> = (0..program.ends.len()).map(closest).collect();
    let mut among = vec![0; program.alternatives.len()];
    for alternative in closest.iter().flatten() {
        among[alternative / 64] |= 1 << (alternative % 64);
    }
    let mut fields = Vec::new();
    scratch.each_unmet(program, misfits, &among, |bit, alternative| {
        fields.push((program.pattern(alternative), bit));
    });
    let mut values = Values {
        program,
        misfits: misfits.fields,
        form,
        found: fields
            .iter()
            .map(|(_, bit)| (*bit, Found::default()))
            .collect(),
    };
    gather(&mut values);
    let outcome = |closest: Option<usize>| match closest {
        None => Outcome::Matched,
        Some(_) => Outcome::Failed(Vec::new()),
    };
    let mut patterns: Vec<Outcome> = closest.into_iter().map(outcome).collect();
    for (pattern, bit) in fields {
        if let Outcome::Failed(failures) = &mut patterns[pattern] {
            failures.push(values.failure(bit));
        }
    }
    Explanation { patterns }
}

/// The values at the fields that fail.
struct Values<'p> {
    program: &'p Program,
    /// Those that ask for data of another form than this.
    misfits: Span,
    form: Option<Form>,
    /// By the field's bit.
    found: HashMap<usize, Found>,
}

/// The values at one field.
#[derive(Default)]
struct Found {
    /// The first of them.
    shown: Vec<String>,
    /// One of them is accepted.
    accepted: bool,
}

impl Values<'_> {
    /// Takes in what stands at and below a node, as [`crate::walk::Walk`] does.
    fn gather(&mut self, tree: &Tree<'_>, node: u32, except: Option<u32>) {
        let program = self.program;
        let this = &program.nodes[node as usize];
        let leaf = match tree {
            Tree::Array(items) => {
                return items
                    .iter()
                    .for_each(|item| self.gather(item, node, except));
            }
            Tree::Object(members) => {
                for (name, value) in members {
                    if let Some(child) = program.below(&this.children, name, except) {
                        self.gather(value, child, except);
                    }
                }
                return;
            }
            Tree::Null => Leaf::Literal(Literal::Null),
            Tree::Bool(true) => Leaf::Literal(Literal::True),
            Tree::Bool(false) => Leaf::Literal(Literal::False),
            Tree::Number(text) => Leaf::bare(text.as_bytes(), true),
            Tree::String(text) => Leaf::String(text),
        };
        for bit in this.own.start..this.own.end {
            if self.misfits.contains(bit) {
                continue;
            }
            if let Some(found) = self.found.get_mut(&bit) {
                found.accepted |= program.fields[bit].predicate.accepts(&leaf);
                if found.shown.len() < SHOWN {
                    found.shown.push(cut(tree.render()));
                }
            }
        }
    }

    /// Says why a field fails.
    fn failure(&self, bit: usize) -> Failure {
        let field = &self.program.fields[bit];
        let found = &self.found[&bit];
        let reason = match (found.shown.is_empty(), found.accepted) {
            _ if self.misfits.contains(bit) => match self.form {
                Some(Form::Json) => Reason::DataNotText,
                _ => Reason::DataNotJson,
            },
            (true, _) if !field.predicate.allows_absence() => Reason::Missing,
            (false, false) => Reason::NotAccepted,
            _ => Reason::OtherElement,
        };
        Failure {
            path: String::from_utf8_lossy(&field.path).into_owned(),
            expected: field.source.clone(),
            found: found.shown.clone(),
            reason,
        }
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}
