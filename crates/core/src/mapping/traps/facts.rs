//! What is known around a mapping.

use std::time::Duration;

use crate::mapping::model::Mapping;
use crate::setters;

/// What is known around a mapping, by whoever knows it: a configuration, a scenario, a template, the source
/// itself. A trap that needs a fact which is not known is not looked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// The function's timeout.
    pub function_timeout: Option<Duration>,
    /// The function's reserved concurrency in AWS, where more is throttled.
    pub reserved_concurrency: Option<u32>,
    /// How many invocations the function takes at a time where lambda-esm calls it; more wait in line.
    pub concurrency: Option<u32>,
    /// The queue's visibility timeout.
    pub visibility_timeout: Option<Duration>,
    /// The queue's redrive policy.
    pub redrive: Option<Redrive>,
    /// How many open shards the stream has, or partitions the topic.
    pub shards: Option<u32>,
    /// How long the stream keeps its records; 24 h is taken for DynamoDB, which has no other.
    pub retention: Option<Duration>,
    /// All mappings beside this one; this one may be among them.
    pub mappings: &'a [&'a Mapping],
}

/// Whether a queue moves messages to a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redrive {
    /// It has no redrive policy.
    Never,
    /// Messages that were received so often, `maxReceiveCount`.
    After(u32),
}

setters!(Facts<'_> {
    with_function_timeout sets function_timeout: Option<Duration>,
    with_reserved_concurrency sets reserved_concurrency: Option<u32>,
    with_concurrency sets concurrency: Option<u32>,
    with_visibility_timeout sets visibility_timeout: Option<Duration>,
    with_redrive sets redrive: Option<Redrive>,
    with_shards sets shards: Option<u32>,
    with_retention sets retention: Option<Duration>,
});

impl<'a> Facts<'a> {
    /// Returns facts of which only the mappings are known.
    #[must_use]
    pub fn of(mappings: &'a [&'a Mapping]) -> Self {
        Self {
            mappings,
            ..Self::default()
        }
    }

    /// Returns the others among the mappings.
    pub(super) fn others(&self, mapping: &Mapping) -> impl Iterator<Item = &'a Mapping> {
        let uuid = mapping.uuid;
        let mappings = self.mappings.iter().copied();
        mappings.filter(move |other| other.uuid != uuid)
    }
}
