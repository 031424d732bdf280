//! Telling an engine that what it knows of the outside may be out of date.
//!
//! What a source or a function says about itself is asked when a mapping begins, and when it is changed. Whoever knows
//! of a change can say so: then it is asked again at once, and mappings that wait for something missing begin.

use lambda_esm_core::mapping::{ApiError, FunctionRef, Mapping};
use uuid::Uuid;

use crate::engine::Engine;
use crate::registered::names;
use crate::registry::not_found;

impl Engine {
    /// Has a mapping look its source up again, and ask it and its function what they are: timeouts, concurrency,
    /// visibility, limits. Waits for nothing. A mapping that is asking already asks once more.
    ///
    /// # Errors
    /// Fails if there is no such mapping.
    pub fn refresh(&self, uuid: Uuid) -> Result<(), ApiError> {
        let entries = self.registry.read();
        let entry = entries.get(&uuid).ok_or_else(not_found)?;
        entry.facts_changed.notify_one();
        Ok(())
    }

    /// Says that an event source was made, changed or deleted: its mappings [ask again](Self::refresh). It is named by
    /// its ARN, or as it was registered ([`EngineBuilder::source`](crate::EngineBuilder::source)). Returns how many
    /// mappings it has.
    pub fn source_changed(&self, name: &str) -> usize {
        self.refresh_all(|mapping| {
            mapping.source.arn().is_some_and(|arn| {
                // The ARN of a consumer, or of a table's stream, begins with that of its stream or table.
                let within = arn.as_str().strip_prefix(name);
                names(arn).contains(&name) || within.is_some_and(|rest| rest.starts_with('/'))
            })
        })
    }

    /// Says that a function was made, changed or deleted: its mappings [ask again](Self::refresh). It is named as in a
    /// mapping, by name or ARN; all of its versions and aliases are meant. Returns how many mappings it has.
    pub fn function_changed(&self, name: &str) -> usize {
        let Some(function) = FunctionRef::parse(name) else {
            return 0;
        };
        self.refresh_all(|mapping| mapping.function.name() == function.name())
    }

    fn refresh_all(&self, is_meant: impl Fn(&Mapping) -> bool) -> usize {
        let entries = self.registry.read();
        let meant = entries.values().filter(|entry| is_meant(&entry.mapping));
        meant.map(|entry| entry.facts_changed.notify_one()).count()
    }
}
