//! The compiled, ORed set of patterns.

use std::sync::Arc;

use crate::dialect::{Dialect, Limits};
use crate::error::{PatternError, PatternFault};
use crate::explain::{self, Explanation};
use crate::pattern::{Field, Pattern};
use crate::program::{Alternative, Program};
use crate::record::{Mismatch, Record, Walked};
use crate::walk::{Scratch, Walk};

/// A compiled set of patterns. An event matches if any of them does, or if there are none.
#[derive(Clone, Debug)]
pub struct Filters {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) program: Program,
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
        let program = Program::new(&patterns);
        Ok(Self {
            inner: Arc::new(Inner { patterns, program }),
        })
    }

    /// Returns whether there are no patterns, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.inner.patterns.is_empty()
    }

    /// Returns whether a whole event, one JSON object, matches. A malformed event matches only
    /// the empty set of patterns.
    pub fn is_match(&self, event: &[u8], scratch: &mut Scratch) -> bool {
        if self.is_empty() {
            return true;
        }
        let program = &self.inner.program;
        self.walk_event(event, scratch)
            && program
                .alternatives
                .iter()
                .any(|alternative| scratch.is_met(program, alternative, &[]))
    }

    pub(crate) fn walk_event(&self, event: &[u8], scratch: &mut Scratch) -> bool {
        let program = &self.inner.program;
        scratch.reset(program.words);
        Walk::new(event, program, scratch).object_at(0).is_ok()
    }

    /// Returns the position of the first pattern that a record matches, or 0 if there are no
    /// patterns.
    pub fn matches_record(&self, record: &Record<'_>, scratch: &mut Scratch) -> Option<usize> {
        if self.is_empty() {
            return Some(0);
        }
        let program = &self.inner.program;
        let walked = record.walk(program, scratch)?;
        let met = program
            .alternatives
            .iter()
            .find(|alternative| self.is_record_met(alternative, record, walked, scratch))?;
        Some(met.pattern)
    }

    pub(crate) fn is_record_met(
        &self,
        alternative: &Alternative,
        record: &Record<'_>,
        walked: Walked,
        scratch: &Scratch,
    ) -> bool {
        let program = &self.inner.program;
        let misfits = walked.misfits(program);
        match record.on_mismatch {
            Mismatch::Drop => {
                let misfit = misfits
                    .iter()
                    .any(|fields| overlap(&alternative.need, fields));
                !misfit && scratch.is_met(program, alternative, &[])
            }
            Mismatch::IgnoreData => scratch.is_met(program, alternative, &misfits),
        }
    }

    /// Returns whether any pattern names a field other than `data_key`. If not, the caller need
    /// not build [`Record::metadata`].
    pub fn needs_metadata(&self, data_key: &str) -> bool {
        let mut fields = self
            .inner
            .patterns
            .iter()
            .flat_map(|pattern| &pattern.fields);
        fields.any(|field| {
            let first = field.path.split(|&byte| byte == b'.').next();
            first != Some(data_key.as_bytes())
        })
    }

    /// Returns the patterns that name `path` (names joined by dots) itself, not only fields below it: in
    /// [`Record`]s, a pattern that names the data key so asks for plain text.
    pub fn naming(&self, path: &str) -> impl Iterator<Item = usize> {
        let names = |pattern: &Pattern| {
            let mut fields = pattern.fields.iter();
            fields.any(|field| *field.path == *path.as_bytes())
        };
        let patterns = self.inner.patterns.iter().enumerate();
        patterns.filter_map(move |(index, pattern)| names(pattern).then_some(index))
    }

    /// Returns the patterns that nothing can match if a value stands only at paths for which `can_have`
    /// holds: each with one of the fields that it asks for in vain, as a dotted path.
    pub fn unmatchable(&self, can_have: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
        let in_vain = |field: &Field| {
            let path = String::from_utf8_lossy(&field.path);
            (!field.predicate.allows_absence() && !can_have(&path)).then(|| path.into_owned())
        };
        let unmet = |pattern: &Pattern| {
            let mut first = None;
            for fields in &pattern.alternatives {
                let unmet = fields
                    .iter()
                    .find_map(|&field| in_vain(&pattern.fields[field]))?;
                first.get_or_insert(unmet);
            }
            first
        };
        let patterns = self.inner.patterns.iter().enumerate();
        patterns
            .filter_map(|(index, pattern)| Some((index, unmet(pattern)?)))
            .collect()
    }

    /// Tells for each pattern whether a whole event matches it, and if not, why. Slow.
    pub fn explain(&self, event: &[u8]) -> Explanation {
        explain::event(self, event)
    }

    /// Tells for each pattern whether a record matches it, and if not, why. Slow.
    pub fn explain_record(&self, record: &Record<'_>) -> Explanation {
        explain::record(self, record)
    }
}

fn overlap(one: &[(u32, u64)], other: &[(u32, u64)]) -> bool {
    one.iter().any(|(word, mask)| {
        other
            .iter()
            .any(|(other_word, other_mask)| word == other_word && mask & other_mask != 0)
    })
}
