//! What happens on the way.

use super::assembly::{Assembly, reports_failures};
use crate::scenario::{Change, Scenario};

impl Assembly {
    /// Has a change happen. What cannot happen is told.
    pub(super) async fn change(&self, scenario: &Scenario, change: &Change) -> Result<(), String> {
        match change {
            Change::Reshard { source, shards } => {
                let Some(memory) = self.sources.get(*source) else {
                    return Ok(());
                };
                let resharded = memory.reshard(*shards);
                let name = scenario
                    .sources
                    .get(*source)
                    .map_or("", |source| &source.name);
                resharded.map_err(|error| {
                    format!("{name} could not get {shards} shards: {}", error.message)
                })
            }
            Change::SourceDown { source, down } => {
                if let Some(memory) = self.sources.get(*source) {
                    memory.set_down(*down);
                }
                Ok(())
            }
            Change::Function { function, change } => {
                if let Some(model) = self.functions.get(*function) {
                    model.change(change);
                }
                Ok(())
            }
            Change::Update { mapping, request } => {
                let Some(uuid) = self.mappings.get(*mapping) else {
                    return Ok(());
                };
                let updated = self.engine.update(*uuid, (**request).clone()).await;
                if let Err(error) = updated {
                    let label = scenario
                        .mappings
                        .get(*mapping)
                        .map_or("", |plan| &plan.label);
                    return Err(format!("{label} could not be updated: {error}"));
                }
                if let Some(types) = &request.function_response_types {
                    let reports = reports_failures(Some(types));
                    self.roster.set_reports_failures(*mapping, reports);
                }
                Ok(())
            }
        }
    }
}
