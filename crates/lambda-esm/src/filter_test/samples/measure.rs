//! How many samples match, and what each clause loses.

use lambda_esm_filter::{Explanation, Filters, Outcome, Scratch};

use super::read::Sample;
use crate::filter_test::source::Seen;

/// What was counted.
pub(super) struct Measured {
    pub(super) samples: usize,
    /// Samples that match any of the patterns.
    pub(super) matched: usize,
    pub(super) patterns: Vec<PatternCount>,
    /// The clause that loses most; `None` if all samples match.
    pub(super) worst: Option<Worst>,
}

/// What was counted for one pattern.
pub(super) struct PatternCount {
    /// Samples that match it.
    pub(super) matched: usize,
    /// Samples that cannot be matched at all, as they are no JSON.
    pub(super) unreadable: usize,
    /// Those that lose most come first.
    pub(super) clauses: Vec<ClauseCount>,
}

/// What was counted for one clause.
pub(super) struct ClauseCount {
    pub(super) path: String,
    pub(super) expected: String,
    /// Samples that it stops, alone or with others.
    pub(super) stops: usize,
    /// Samples that would match the pattern without it.
    pub(super) without: usize,
    /// The first sample that it stops, best of all alone, and what stands there.
    example: Option<Example>,
}

#[derive(Clone)]
pub(super) struct Example {
    pub(super) name: String,
    pub(super) text: String,
    /// The values at the clause's path, and why they do not do.
    pub(super) found: Vec<String>,
    pub(super) reason: String,
    alone: bool,
}

/// The clause that loses most.
pub(super) struct Worst {
    pub(super) pattern: usize,
    /// Its place in the pattern's list.
    pub(super) clause: usize,
    /// How many more samples would match the pattern without it.
    pub(super) more: usize,
    pub(super) example: Example,
}

/// A pattern with all that is asked of it.
struct Pattern<'f> {
    filters: &'f Filters,
    /// Without each of its clauses.
    without: Vec<Filters>,
    count: PatternCount,
}

/// Counts the samples that each of the patterns matches, and that any of them does.
pub(super) fn measure(patterns: &[Filters], samples: &[Sample]) -> Measured {
    let mut patterns: Vec<Pattern<'_>> = patterns.iter().map(Pattern::new).collect();
    let (mut matched, mut scratch) = (0, Scratch::default());
    for sample in samples {
        let seen = Seen::new(sample.source, &sample.text);
        let passes = |pattern: &mut Pattern<'_>| pattern.look(sample, &seen, &mut scratch);
        // All are asked, whichever is the first to match.
        let met = patterns.iter_mut().map(passes).filter(|met| *met).count();
        matched += usize::from(met > 0);
    }
    let patterns: Vec<PatternCount> = patterns.into_iter().map(Pattern::into_count).collect();
    Measured {
        samples: samples.len(),
        matched,
        worst: worst(&patterns),
        patterns,
    }
}

impl<'f> Pattern<'f> {
    fn new(filters: &'f Filters) -> Self {
        let clause = |(path, expected): (std::borrow::Cow<'_, str>, &str)| ClauseCount {
            path: path.into_owned(),
            expected: expected.to_owned(),
            stops: 0,
            without: 0,
            example: None,
        };
        let clauses: Vec<ClauseCount> = filters.clauses().map(clause).collect();
        Self {
            filters,
            without: (0..clauses.len())
                .map(|clause| filters.without(clause))
                .collect(),
            count: PatternCount {
                matched: 0,
                unreadable: 0,
                clauses,
            },
        }
    }

    /// Counts a sample; returns whether it matches.
    fn look(&mut self, sample: &Sample, seen: &Seen<'_>, scratch: &mut Scratch) -> bool {
        if seen.passes(self.filters, scratch) {
            self.count.matched += 1;
            return true;
        }
        let explanation = seen.explain(self.filters);
        self.count_stops(&explanation, sample);
        for (clause, without) in self.count.clauses.iter_mut().zip(&self.without) {
            if seen.passes(without, scratch) {
                clause.without += 1;
                if clause.example.as_ref().is_none_or(|example| !example.alone) {
                    clause.example = example(&explanation, clause, sample, true);
                }
            }
        }
        false
    }

    fn count_stops(&mut self, explanation: &Explanation, sample: &Sample) {
        match explanation.patterns.first() {
            Some(Outcome::Failed(failures)) => {
                for failure in failures {
                    let mut clauses = self.count.clauses.iter_mut();
                    let fails = |clause: &&mut ClauseCount| {
                        clause.path == failure.path && clause.expected == failure.expected
                    };
                    if let Some(clause) = clauses.find(fails) {
                        clause.stops += 1;
                        if clause.example.is_none() {
                            clause.example = example(explanation, clause, sample, false);
                        }
                    }
                }
            }
            _ => self.count.unreadable += 1,
        }
    }

    fn into_count(mut self) -> PatternCount {
        for clause in &mut self.count.clauses {
            clause.without += self.count.matched;
        }
        self.count.clauses.sort_by_key(|clause| {
            (
                std::cmp::Reverse(clause.without),
                std::cmp::Reverse(clause.stops),
            )
        });
        self.count
    }
}

fn example(
    explanation: &Explanation,
    clause: &ClauseCount,
    sample: &Sample,
    alone: bool,
) -> Option<Example> {
    let failures = match explanation.patterns.first() {
        Some(Outcome::Failed(failures)) => failures.as_slice(),
        _ => &[],
    };
    let failure = failures
        .iter()
        .find(|failure| failure.path == clause.path && failure.expected == clause.expected);
    Some(Example {
        name: sample.name.clone(),
        text: sample.text.to_string(),
        found: failure
            .map(|failure| failure.found.clone())
            .unwrap_or_default(),
        reason: failure
            .map(|failure| failure.reason.to_string())
            .unwrap_or_default(),
        alone,
    })
}

/// Returns the clause without which most more samples would match its pattern; of equals the one that stops most.
fn worst(patterns: &[PatternCount]) -> Option<Worst> {
    let candidates = patterns.iter().enumerate().flat_map(|(index, pattern)| {
        let clauses = pattern.clauses.iter().enumerate();
        clauses.filter_map(move |(place, clause)| {
            let worst = Worst {
                pattern: index,
                clause: place,
                more: clause.without - pattern.matched,
                example: clause.example.clone()?,
            };
            Some((clause.stops, worst))
        })
    });
    let worst = candidates.max_by_key(|(stops, worst)| (worst.more, *stops))?;
    Some(worst.1)
}
