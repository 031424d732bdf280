//! The filters of a mapping: as given, and compiled.

use std::sync::Arc;

use lambda_esm_filter::{Dialect, Filters, Limits};

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
        let found = self
            .compiled
            .unmatchable(|path| members::can_have(kind, path));
        let more = found.len().saturating_sub(TOLD);
        let says = |(index, path): (usize, String)| {
            let (pattern, path) = (cut(&self.patterns[index]), cut(path));
            format!(
                "filter {index}, {pattern}, can never match: no record of {} has a value at {path}",
                kind.words()
            )
        };
        let mut texts: Vec<_> = found.into_iter().take(TOLD).map(says).collect();
        if more > 0 {
            texts.push(format!("filters can never match in {more} more places"));
        }
        texts
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
