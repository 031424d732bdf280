//! A mapping on its way: legal in everything but its filters.

use lambda_esm_filter::{Dialect, Limits};

use super::error::ApiError;
use super::filters::FilterSet;
use super::model::Mapping;
use super::structures::FilterCriteria;

/// A mapping whose filters are not compiled yet. That takes by far the longest of all that a request needs, so
/// whoever serves others meanwhile can look for conflicts first, and compile elsewhere.
#[derive(Clone, Debug)]
pub struct UncompiledMapping {
    pub(super) mapping: Mapping,
    pub(super) criteria: Option<FilterCriteria>,
    pub(super) dialect: Dialect,
    pub(super) limits: Limits,
}

impl UncompiledMapping {
    /// Returns the mapping as it will be, but for new filters.
    #[must_use]
    pub const fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Tells whether there is something to compile: not if an update leaves the filters as they are.
    #[must_use]
    pub const fn has_filters(&self) -> bool {
        self.criteria.is_some()
    }

    /// Compiles the filters.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a pattern that is none, or too many or too long ones.
    pub fn compile(self) -> Result<Mapping, ApiError> {
        let mut mapping = self.mapping;
        if let Some(criteria) = self.criteria {
            let kind = mapping.source.kind();
            mapping.filters = FilterSet::compile(criteria, kind, self.dialect, self.limits)?;
        }
        Ok(mapping)
    }
}
