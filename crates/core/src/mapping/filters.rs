//! The filters of a mapping: as given, and compiled.

use std::sync::Arc;

use lambda_esm_filter::{Dialect, Filters, Limits, Standing};

use super::arn::SourceKind;
use super::error::ApiError;
use super::structures::{Filter, FilterCriteria};
use crate::event::members;
use crate::excerpt::cut;

/// How many places are named at which patterns can never match.
const TOLD: usize = 10;

/// At least one filter, compiled, with the request's text for the answer.
#[derive(Clone, Debug)]
pub struct FilterSet {
    patterns: Vec<String>,
    compiled: Arc<Filters>,
}

impl FilterSet {
    /// Compiles what a request gave; `None` if it holds no filter, which means everything passes
    /// (recorded: an empty list is dropped).
    ///
    /// # Errors
    /// `Invalid filter pattern definition.` for a pattern that is no pattern, or asks for plain text as
    /// the data of a stream (Lambda developer guide, filtering of Kinesis and DynamoDB: refused at creation
    /// and update); and the service's text for too many or too long ones.
    pub(super) fn compile(
        criteria: FilterCriteria,
        kind: SourceKind,
        dialect: Dialect,
        limits: Limits,
    ) -> Result<Option<Self>, ApiError> {
        let filters = criteria.filters.unwrap_or_default();
        if filters.is_empty() {
            return Ok(None);
        }
        // A filter without a pattern is none: the empty text fails to compile.
        let patterns: Vec<String> = filters
            .into_iter()
            .map(|filter| filter.pattern.unwrap_or_default())
            .collect();
        let compiled = Filters::compile(&patterns, dialect, limits).map_err(|error| {
            ApiError::invalid("FilterCriteria", error.service_message()).hint(error.to_string())
        })?;
        let json = match kind {
            SourceKind::Kinesis | SourceKind::KinesisConsumer => "data",
            SourceKind::DynamoDbStream => "dynamodb",
            _ => "",
        };
        if let Some(plain) = compiled.naming(json).next().filter(|_| !json.is_empty()) {
            return Err(
                ApiError::invalid("FilterCriteria", "Invalid filter pattern definition.").hint(
                    format!(
                        "filter {plain}: the pattern of {json} must be an object, since records of {} are matched \
                         as JSON only",
                        kind.words()
                    ),
                ),
            );
        }
        Ok(Some(Self {
            patterns,
            compiled: Arc::new(compiled),
        }))
    }

    /// Returns the patterns as given.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Returns the compiled filters.
    #[must_use]
    pub fn compiled(&self) -> &Arc<Filters> {
        &self.compiled
    }

    /// Says which patterns no record of this kind of source can match, and why: the first ten such places.
    /// Lambda takes them.
    #[must_use]
    pub fn unmatchable(&self, kind: SourceKind) -> Vec<String> {
        let found = self.in_vain(kind);
        let more = found.len().saturating_sub(TOLD);
        let says = |(index, reason): (usize, String)| {
            let pattern = cut(&self.patterns[index]);
            format!("filter {index}, {pattern}, can never match: {reason}")
        };
        let mut texts: Vec<_> = found.into_iter().take(TOLD).map(says).collect();
        if more > 0 {
            texts.push(format!("filters can never match in {more} more places"));
        }
        texts
    }

    /// Returns the patterns that no record of this kind of source can match, and why.
    pub(super) fn in_vain(&self, kind: SourceKind) -> Vec<(usize, String)> {
        let (records, data_key) = (kind.words(), data_key(kind));
        let torn = self
            .compiled
            .torn(data_key)
            .filter(|_| !data_key.is_empty());
        let torn: Vec<usize> = torn.collect();
        let of_torn = torn.iter().map(|&index| {
            let reason = format!("{data_key} cannot be plain text and JSON at the same time");
            (index, reason)
        });
        let of_members = self
            .compiled
            .unmatchable(|path| members::standing(kind, path));
        let of_members = of_members
            .into_iter()
            .filter(|(index, ..)| !torn.contains(index))
            .map(|(index, path, standing)| {
                let path = cut(path);
                let always = match standing {
                    Standing::Text => "text",
                    Standing::Number => "a number",
                    Standing::Boolean => "true or false",
                    _ => {
                        return (
                            index,
                            format!("no record of {records} has a value at {path}"),
                        );
                    }
                };
                let reason =
                    format!("what stands at {path} of a record of {records} is always {always}");
                (index, reason)
            });
        of_torn.chain(of_members).collect()
    }

    /// Returns the filters as the API shows them.
    #[must_use]
    pub fn criteria(&self) -> FilterCriteria {
        let filter = |pattern: &String| Filter {
            pattern: Some(pattern.clone()),
        };
        FilterCriteria {
            filters: Some(self.patterns.iter().map(filter).collect()),
        }
    }
}

/// Returns the member that is plain text or JSON, where a pattern for the other of the two matches nothing (Lambda
/// developer guide, filtering of each source); empty where there is none.
const fn data_key(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::SqsStandard | SourceKind::SqsFifo => "body",
        SourceKind::Kinesis | SourceKind::KinesisConsumer => "data",
        _ => "",
    }
}
