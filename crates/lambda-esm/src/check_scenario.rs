//! `lambda-esm check` of a scenario, and of a template, which is checked as the scenario that is made of it.

use std::path::Path;

use lambda_esm_core::mapping::Trap;
use lambda_esm_lab::scenario::MappingPlan;
use serde_json::json;

use crate::config::Problem;
use crate::failure::Failure;
use crate::scenario::ScenarioFile;
use crate::{import, output, traps};

/// A scenario to check, and where it comes from.
pub(crate) struct Checked {
    file: ScenarioFile,
    /// `scenario` or `template`.
    kind: &'static str,
    /// What of a template could not be carried.
    not_carried: Vec<String>,
}

/// Returns what is checked if `path` is a scenario or a template; its problems where it is a scenario with problems.
pub(crate) fn read(path: &Path) -> Option<Result<Checked, Vec<Problem>>> {
    let text = std::fs::read_to_string(path).ok()?;
    if ScenarioFile::is_one(&text) {
        let file = ScenarioFile::parse(path, &text);
        return Some(file.map(|file| Checked {
            file,
            kind: "scenario",
            not_carried: Vec::new(),
        }));
    }
    let (text, not_carried) = import::as_scenario(path, &text)?;
    let file = ScenarioFile::parse(path, &text).ok()?;
    Some(Ok(Checked {
        file,
        kind: "template",
        not_carried,
    }))
}

impl Checked {
    /// Says what each mapping will do, and which of its settings are traps.
    pub(crate) fn tell(&self, as_json: bool) -> Result<(), Failure> {
        let scenario = &self.file.scenario;
        let of_mappings: Vec<(&MappingPlan, Vec<String>, Vec<Trap>)> = scenario
            .mappings
            .iter()
            .zip(scenario.explained())
            .zip(scenario.traps())
            .map(|((plan, explained), traps)| (plan, explained, traps))
            .collect();
        if as_json {
            let mappings: Vec<_> = of_mappings
                .iter()
                .map(|(plan, explanation, traps)| {
                    json!({
                        "label": plan.label,
                        "request": plan.request,
                        "explanation": explanation,
                        "traps": traps,
                    })
                })
                .collect();
            return output::json(&json!({
                "valid": true,
                "kind": self.kind,
                "problems": [],
                "mappings": mappings,
                "not_carried": self.not_carried,
                "notes": self.file.notes,
            }));
        }
        let mut text = format!("a valid {}\n", self.kind);
        for (plan, explanation, traps) in of_mappings {
            text.push_str(&format!("\n{}\n", plan.label));
            for sentence in explanation {
                text.push_str(&format!("  {sentence}\n"));
            }
            text.extend(traps.iter().map(traps::lines));
        }
        for note in self.file.notes.iter().chain(&self.not_carried) {
            text.push_str(&format!("note: {note}\n"));
        }
        output::line(text.trim_end())
    }
}
