//! Reads maps of the configuration field by field, and collects what is wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::problem::Problems;
use super::suggest::known_names;
use super::yaml::{Location, Member, Node, Value, join};

/// A map that is being read. What was never asked for is unknown, see [`Section::finish`].
pub(crate) struct Section<'a> {
    path: String,
    location: Location,
    members: &'a [Member],
    asked: Vec<&'static str>,
}

/// A member of a map, and its path.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) path: String,
    pub(crate) node: &'a Node,
}

impl<'a> Section<'a> {
    /// Begins to read the map at `path`; `None` if it is no map.
    pub(crate) fn new(node: &'a Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let Value::Map(members) = &node.value else {
            // What stands there in location of a map may be all of it, secrets, too.
            problems.add(
                node.location,
                path,
                format!("must be a map, not {}", node.kind()),
            );
            return None;
        };
        Some(Self {
            path: path.to_owned(),
            location: node.location,
            members,
            asked: Vec::new(),
        })
    }

    /// Returns a member, if it is there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        let member = self.members.iter().find(|member| member.key == key)?;
        Some(Field {
            path: join(&self.path, key),
            node: &member.node,
        })
    }

    /// Returns a member that must be there.
    pub(crate) fn require(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<Field<'a>> {
        let field = self.take(key);
        if field.is_none() {
            problems.add(self.location, &join(&self.path, key), "is missing");
            problems.hint(format!("add for example `{key}: {example}`"));
        }
        field
    }

    /// Reports every member that nobody asked for.
    pub(crate) fn finish(self, problems: &mut Problems) {
        for member in self.members {
            if !self.asked.contains(&member.key.as_str()) {
                problems.add(member.location, &member.path(&self.path), "unknown key");
                problems.hint(known_names(&member.key, &self.asked));
            }
        }
    }
}

fn with_unit(what: &str, unit: &str) -> String {
    let plain = unit.is_empty() || unit.starts_with('(');
    if plain {
        what.to_owned()
    } else {
        format!("{what} of {unit}")
    }
}

impl<'a> Field<'a> {
    /// Reports that the value has the wrong type.
    fn mistyped(&self, wanted: &str, problems: &mut Problems) {
        self.of_another_kind(wanted, problems);
        if !matches!(self.node.value, Value::Null) {
            problems.show(self.node);
        }
    }

    /// Reports that a value of some parts has the wrong type, and does not show what may be all of them.
    fn of_another_kind(&self, wanted: &str, problems: &mut Problems) {
        let location = self.node.location;
        if matches!(self.node.value, Value::Null) {
            problems.add(location, &self.path, format!("is empty; must be {wanted}"));
            problems.hint("give a value, or leave the key out");
        } else {
            let rule = format!("must be {wanted}, not {}", self.node.kind());
            problems.add(location, &self.path, rule);
        }
    }

    pub(crate) fn text(&self, problems: &mut Problems) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value {
            return Some(text);
        }
        self.mistyped("text", problems);
        if matches!(
            self.node.value,
            Value::Bool(_) | Value::Integer(_) | Value::Float(_)
        ) {
            problems.hint("put it in quotes");
        }
        None
    }

    /// Reads text whose values are not to be shown.
    pub(crate) fn secret_text(&self, problems: &mut Problems) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value {
            return Some(text);
        }
        problems.add(
            self.node.location,
            &self.path,
            format!("must be text, not {}", self.node.kind()),
        );
        problems.hint("put it in quotes");
        None
    }

    pub(crate) fn integer(
        &self,
        range: RangeInclusive<i64>,
        unit: &str,
        problems: &mut Problems,
    ) -> Option<i64> {
        let Value::Integer(value) = self.node.value else {
            self.mistyped(&with_unit("a whole number", unit), problems);
            return None;
        };
        if range.contains(&value) {
            return Some(value);
        }
        let (low, high) = (range.start(), range.end());
        problems.refuse(
            self.node,
            &self.path,
            format!("must be {low} to {high} {unit}").trim_end(),
        );
        None
    }

    pub(crate) fn number(
        &self,
        range: RangeInclusive<f64>,
        unit: &str,
        problems: &mut Problems,
    ) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "every legal value is far below 2^53"
        )]
        let value = match self.node.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => {
                self.mistyped(&with_unit("a number", unit), problems);
                return None;
            }
        };
        if range.contains(&value) {
            return Some(value);
        }
        let (low, high) = (range.start(), range.end());
        problems.refuse(
            self.node,
            &self.path,
            format!("must be {low} to {high} {unit}").trim_end(),
        );
        None
    }

    /// Reads a share between none (0) and all (1).
    pub(crate) fn share(&self, problems: &mut Problems) -> Option<f64> {
        self.number(0.0..=1.0, "(1 is every time)", problems)
    }

    /// Reads a time in seconds, fractions allowed.
    pub(crate) fn seconds(
        &self,
        range: RangeInclusive<f64>,
        problems: &mut Problems,
    ) -> Option<Duration> {
        self.number(range, "seconds", problems)
            .map(Duration::from_secs_f64)
    }

    /// Reads a text that parses to `T`.
    pub(crate) fn parse<T>(&self, problems: &mut Problems) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match self.text(problems)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                problems.explain(self.node, &self.path, error.to_string());
                None
            }
        }
    }

    /// Reads one of some words.
    pub(crate) fn choice<T: Copy>(
        &self,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let text = self.text(problems)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let rule = format!("must be {}", names.join(" or "));
        problems.refuse(self.node, &self.path, rule);
        None
    }

    /// Reads yes or no.
    pub(crate) fn flag(&self, problems: &mut Problems) -> Option<bool> {
        if let Value::Bool(value) = self.node.value {
            return Some(value);
        }
        self.mistyped("true or false", problems);
        None
    }

    /// Returns a member, if this is a map that has it.
    pub(crate) fn member(&self, key: &str) -> Option<Self> {
        let Value::Map(members) = &self.node.value else {
            return None;
        };
        let member = members.iter().find(|member| member.key == key)?;
        Some(Self {
            path: join(&self.path, key),
            node: &member.node,
        })
    }

    pub(crate) fn list(&self, problems: &mut Problems) -> Option<Vec<Self>> {
        let Value::List(items) = &self.node.value else {
            self.of_another_kind("a list", problems);
            return None;
        };
        let item = |(index, node)| Self {
            path: format!("{}[{index}]", self.path),
            node,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads a map whose keys are names that the user chose.
    pub(crate) fn entries(&self, problems: &mut Problems) -> Option<Vec<(&'a Member, Self)>> {
        let Value::Map(members) = &self.node.value else {
            self.of_another_kind("a map", problems);
            return None;
        };
        let entry = |member: &'a Member| {
            (
                member,
                Self {
                    path: member.path(&self.path),
                    node: &member.node,
                },
            )
        };
        Some(members.iter().map(entry).collect())
    }

    pub(crate) fn section(&self, problems: &mut Problems) -> Option<Section<'a>> {
        Section::new(self.node, &self.path, problems)
    }
}
