//! The compiled, ORed set of patterns.

use std::borrow::Cow;
use std::sync::Arc;

use crate::dialect::{Dialect, Limits};
use crate::error::{PatternError, PatternFault};
use crate::field::Field;
use crate::pattern::Pattern;
use crate::program::Program;
use crate::record::Record;
use crate::scratch::{Misfits, Scratch};
use crate::standing::Standing;
use crate::walk::Walk;

/// A compiled set of patterns. An event matches if any of them does, or if there are none.
#[derive(Clone, Debug)]
pub struct Filters {
    pub(crate) program: Arc<Program>,
}

impl Filters {
    /// Compiles patterns, given as JSON text.
    ///
    /// # Errors
    ///
    /// If there are too many patterns, or one is too long, is not a JSON object, breaks the
    /// grammar or uses an operator that `dialect` lacks.
    pub fn compile<S: AsRef<str>>(
        patterns: &[S],
        dialect: Dialect,
        limits: Limits,
    ) -> Result<Self, PatternError> {
        if patterns.len() > limits.max_filters {
            return Err(PatternError {
                index: limits.max_filters,
                path: String::new(),
                fault: PatternFault::TooManyFilters {
                    count: patterns.len(),
                    max: limits.max_filters,
                },
            });
        }
        let parse =
            |(index, text): (usize, &S)| {
                Pattern::parse(text.as_ref(), dialect, limits)
                    .map_err(|(path, fault)| PatternError { index, path, fault })
            };
        let patterns = patterns
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            program: Arc::new(Program::new(patterns)),
        })
    }

    /// Returns whether there are no patterns, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.program.ends.is_empty()
    }

    /// Returns whether a whole event, one JSON object, matches. A malformed event matches only
    /// the empty set of patterns.
    pub fn is_match(&self, event: &[u8], scratch: &mut Scratch) -> bool {
        if self.is_empty() {
            return true;
        }
        self.walk_event(event, scratch)
            && scratch
                .first_met(&self.program, Misfits::default())
                .is_some()
    }

    pub(crate) fn walk_event(&self, event: &[u8], scratch: &mut Scratch) -> bool {
        scratch.reset(&self.program);
        Walk::new(event, &self.program, scratch)
            .object_at(0)
            .is_ok()
    }

    /// Returns the position of the first pattern that a record matches, or 0 if there are no
    /// patterns.
    pub fn matches_record(&self, record: &Record<'_>, scratch: &mut Scratch) -> Option<usize> {
        if self.is_empty() {
            return Some(0);
        }
        let walked = record.walk(&self.program, scratch)?;
        let met = scratch.first_met(&self.program, walked.misfits)?;
        Some(self.program.pattern(met))
    }

    /// Returns whether any pattern names a field other than `data_key`. If not, the caller need
    /// not build [`Record::metadata`].
    pub fn needs_metadata(&self, data_key: &str) -> bool {
        let mut names = self.program.nodes[0].children.names();
        names.any(|name| name != data_key.as_bytes())
    }

    /// Returns the clauses of all patterns: each field's dotted path, and its list of values and operators as JSON
    /// text. A clause that several alternatives or patterns share is there once.
    pub fn clauses(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let fields = self.program.fields.iter();
        fields.map(|field| (String::from_utf8_lossy(&field.path), field.source.as_str()))
    }

    /// Returns these patterns without one clause, by its place among all [clauses](Self::clauses): as if it were met
    /// by everything.
    ///
    /// # Panics
    /// If there is no such clause.
    #[must_use]
    pub fn without(&self, clause: usize) -> Self {
        let mut program = Program::clone(&self.program);
        program.forgo(clause);
        Self {
            program: Arc::new(program),
        }
    }

    /// Returns the patterns that name `path` (names joined by dots) itself, not only fields below it: in
    /// [`Record`]s, a pattern that names the data key so asks for plain text.
    pub fn naming(&self, path: &str) -> impl Iterator<Item = usize> {
        let program = &self.program;
        let names = |field: &Field| *field.path == *path.as_bytes();
        let needing = program.needing(program.fields.iter().map(names));
        let names = move |pattern: &usize| {
            let mut alternatives = program.words_of(*pattern);
            alternatives.any(|(word, mask)| needing[word] & mask != 0)
        };
        (0..program.ends.len()).filter(names)
    }

    /// Returns the patterns that nothing can match if only such values stand at a path as `standing` says: each with
    /// one of the fields that it asks for in vain, as a dotted path, and what stands there.
    pub fn unmatchable(
        &self,
        standing: impl Fn(&str) -> Standing,
    ) -> Vec<(usize, String, Standing)> {
        let program = &self.program;
        let in_vain = |field: &Field| {
            let standing = standing(&String::from_utf8_lossy(&field.path));
            let vain = !field.predicate.allows_absence() && !field.predicate.may_accept(standing);
            vain.then_some(standing)
        };
        let in_vain: Vec<Option<Standing>> = program.fields.iter().map(in_vain).collect();
        let needing = program.needing(in_vain.iter().map(Option::is_some));
        let unmet = |pattern: usize| {
            let mut alternatives = program.words_of(pattern);
            if !alternatives.all(|(word, mask)| needing[word] & mask == mask) {
                return None;
            }
            let first = program.of_pattern(pattern).start;
            let (field, standing) = program
                .fields_of(first)
                .find_map(|bit| Some((bit, in_vain[bit]?)))?;
            let path = &program.fields[field].path;
            Some((
                pattern,
                String::from_utf8_lossy(path).into_owned(),
                standing,
            ))
        };
        (0..program.ends.len()).filter_map(unmet).collect()
    }

    /// Returns the patterns that name `data_key` itself and a field below it, in each of their alternatives: data is
    /// plain text or JSON, and cannot be both.
    pub fn torn(&self, data_key: &str) -> impl Iterator<Item = usize> {
        let program = &self.program;
        let at = |field: &Field| *field.path == *data_key.as_bytes();
        let below = |field: &Field| {
            let rest = field.path.strip_prefix(data_key.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"."))
        };
        let at = program.needing(program.fields.iter().map(at));
        let below = program.needing(program.fields.iter().map(below));
        let torn = move |pattern: &usize| {
            let mut alternatives = program.words_of(*pattern);
            alternatives.all(|(word, mask)| at[word] & below[word] & mask == mask)
        };
        (0..program.ends.len()).filter(torn)
    }
}
