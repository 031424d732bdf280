//! Collects the violations of single members, in the words of AWS's request framework.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use crate::excerpt::cut;
use crate::mapping::error::{ApiError, ErrorCode};

/// How many violations a message names.
const NAMED: usize = 10;
/// How many items of a list are looked at to show them: more than any list has that is legal.
const LISTED: usize = 100;

/// A member under examination: the request's parameter it belongs to, and its path in the message.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    /// The parameter as the wire spells it.
    pub(super) field: &'static str,
    /// For example `sourceAccessConfigurations.1.member.uRI`.
    pub(super) path: &'a str,
}

/// What is wrong with a request so far.
#[derive(Default)]
pub(super) struct Violations {
    field: Option<&'static str>,
    /// Of the first [`NAMED`].
    texts: Vec<String>,
    count: usize,
}

impl Violations {
    /// Ends the examination.
    ///
    /// # Errors
    /// One `ValidationException` that names every violation, or the first [`NAMED`] and how many more there are.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        let count = self.count;
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        let list = self.texts.join("; ");
        let more = match count - self.texts.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message = format!("{count} validation error{plural} detected: {list}{more}");
        Err(ApiError {
            field: self.field,
            ..ApiError::new(ErrorCode::Validation, message)
        })
    }

    /// The member must be present.
    pub(super) fn required(&mut self, member: Member<'_>, present: bool) {
        if !present {
            self.add(member, "null", "Member must not be null");
        }
    }

    /// The number must lie in the range.
    pub(super) fn range(
        &mut self,
        member: Member<'_>,
        value: Option<i64>,
        range: RangeInclusive<i64>,
    ) {
        let Some(value) = value else { return };
        let rule = if value < *range.start() {
            format!(
                "Member must have value greater than or equal to {}",
                range.start()
            )
        } else if value > *range.end() {
            format!(
                "Member must have value less than or equal to {}",
                range.end()
            )
        } else {
            return;
        };
        self.add(member, quoted(value), &rule);
    }

    /// The text must have a number of characters in the range.
    pub(super) fn length(
        &mut self,
        member: Member<'_>,
        value: Option<&str>,
        range: RangeInclusive<usize>,
    ) {
        let Some(value) = value else { return };
        if let Some(rule) = length_rule(value.chars().count(), &range) {
            self.add(member, quoted(value), &rule);
        }
    }

    /// The list must have a number of items in the range.
    pub(super) fn items<T: Display>(
        &mut self,
        member: Member<'_>,
        values: Option<&[T]>,
        range: RangeInclusive<usize>,
    ) {
        let Some(values) = values else { return };
        if let Some(rule) = length_rule(values.len(), &range) {
            self.add(member, quoted(List(values)), &rule);
        }
    }

    /// The text must be one of the members of an enumeration.
    pub(super) fn one_of(&mut self, member: Member<'_>, value: Option<&str>, legal: &[&str]) {
        let Some(value) = value else { return };
        if !legal.contains(&value) {
            let rule = format!("Member must satisfy enum value set: {}", List(legal));
            self.add(member, quoted(value), &rule);
        }
    }

    /// Every text of the list must be one of the members of an enumeration.
    pub(super) fn each_of(
        &mut self,
        member: Member<'_>,
        values: Option<&[String]>,
        legal: &[&str],
    ) {
        let Some(values) = values else { return };
        if values.iter().any(|value| !legal.contains(&value.as_str())) {
            let rule = format!(
                "Member must satisfy constraint: [Member must satisfy enum value set: {}]",
                List(legal)
            );
            self.add(member, quoted(List(values)), &rule);
        }
    }

    /// The text must match a pattern, which `matches` decides.
    pub(super) fn pattern(
        &mut self,
        member: Member<'_>,
        value: Option<&str>,
        (pattern, matches): (&str, fn(&str) -> bool),
    ) {
        let Some(value) = value else { return };
        if !matches(value) {
            let rule = format!("Member must satisfy regular expression pattern: {pattern}");
            self.add(member, quoted(value), &rule);
        }
    }

    fn add(&mut self, member: Member<'_>, shown: impl Display, rule: &str) {
        self.field.get_or_insert(member.field);
        self.count += 1;
        if self.count > NAMED {
            return;
        }
        let path = member.path;
        self.texts.push(format!(
            "Value {shown} at '{path}' failed to satisfy constraint: {rule}"
        ));
    }
}

fn quoted(value: impl Display) -> impl Display {
    fmt::from_fn(move |out| write!(out, "'{}'", cut(&value)))
}

fn length_rule(length: usize, range: &RangeInclusive<usize>) -> Option<String> {
    if length < *range.start() {
        Some(format!(
            "Member must have length greater than or equal to {}",
            range.start()
        ))
    } else if length > *range.end() {
        Some(format!(
            "Member must have length less than or equal to {}",
            range.end()
        ))
    } else {
        None
    }
}

struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[")?;
        for (index, value) in self.0.iter().take(LISTED).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(out, "{separator}{value}")?;
        }
        match self.0.len() {
            ..=LISTED => out.write_str("]"),
            length => write!(out, ", ... ({length} items)]"),
        }
    }
}
