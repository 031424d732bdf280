//! What came of a sweep.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::candidates::SettingChange;
use super::effective::Refusal;
use super::plan::Objective;
use crate::scenario::{Expectation, Metric};

/// The figures of a simulation: times in milliseconds, money in US dollars.
pub type Figures = BTreeMap<Metric, f64>;

/// What came of a sweep. The same plan, scenario and seed give the same, whatever the number of threads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepReport {
    /// What the scenario is called.
    pub name: String,
    /// The seed that all configurations have in common, so that they differ by nothing but their settings.
    pub seed: u64,
    /// What is best.
    pub objective: Objective,
    /// What a configuration must fulfil to be recommended.
    pub constraints: Vec<Constraint>,
    /// The parameters that differ between configurations, as [`SettingChange::parameter`] spells them.
    pub parameters: Vec<String>,
    /// How many configurations were simulated.
    pub simulated: usize,
    /// Whether it was stopped before all were.
    pub stopped: bool,
    /// The configurations in the order of the plan; the first is the scenario's own.
    pub configurations: Vec<ConfigurationReport>,
    /// Their places, the best first: those that fulfil all constraints by the objective, then those that do not, the nearest
    /// first. What was not simulated is not in it.
    pub ranking: Vec<usize>,
    /// Between which of them there is something to choose.
    pub trade_off: TradeOff,
    /// What to do.
    pub verdict: Verdict,
    /// What a reader should know: what the scenario says in vain.
    pub notes: Vec<String>,
}

/// A constraint, and how hard it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Constraint {
    /// What must hold.
    #[serde(flatten)]
    pub expectation: Expectation,
    /// Whether nobody asked for it: what the scenario's own configuration loses and leaves behind, no other may exceed, beyond
    /// what chance explains.
    pub implied: bool,
    /// How many of the configurations that were simulated fulfil it.
    pub fulfilled_by: usize,
}

/// One configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigurationReport {
    /// Its place, from 0.
    pub index: usize,
    /// Its name, if it is a variant.
    pub name: Option<String>,
    /// How it differs from the scenario.
    pub changes: Vec<SettingChange>,
    /// What came of it.
    #[serde(flatten)]
    pub result: ConfigurationResult,
}

/// What came of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ConfigurationResult {
    /// It fulfils all constraints.
    Fits {
        /// Its place among those, from 1.
        rank: usize,
        /// What was seen.
        figures: Figures,
    },
    /// It breaks a constraint.
    RuledOut {
        /// All that it breaks.
        broken: Vec<Broken>,
        /// What was seen.
        figures: Figures,
    },
    /// The service would not take it.
    Refused(Refusal),
    /// It could not be simulated.
    Failed {
        /// Why.
        error: String,
    },
    /// The sweep was stopped before.
    NotRun,
}

impl ConfigurationResult {
    /// Returns what was seen, if it was simulated.
    #[must_use]
    pub const fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Fits { figures, .. } | Self::RuledOut { figures, .. } => Some(figures),
            Self::Refused(_) | Self::Failed { .. } | Self::NotRun => None,
        }
    }
}

/// A constraint that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Broken {
    /// Its place in [`SweepReport::constraints`].
    pub constraint: usize,
    /// What was seen instead.
    pub seen: f64,
}

/// The configurations between which there is something to choose: none is better in both figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeOff {
    /// The two figures, of both of which less is better.
    pub metrics: [Metric; 2],
    /// Those configurations, by the first figure; of such as fulfil the constraints, if there are any.
    pub front: Vec<usize>,
    /// Where one begins to pay much of the one for little of the other.
    pub knee: Option<usize>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// To change something.
    Change(Box<Recommendation>),
    /// To leave it as it is: nothing is better by more than half a percent.
    Keep,
    /// Nothing fulfils the constraints.
    NothingFits {
        /// The constraint that the fewest fulfil, by its place.
        hardest: usize,
        /// The configuration that breaks the fewest, and those the least.
        nearest: usize,
    },
    /// The sweep was stopped before there was anything to compare.
    Unknown,
}

/// The recommended change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// The best configuration, by its place.
    pub winner: usize,
    /// What to change: the fewest settings that get all but 2 % of what the best configuration gets, with the values for
    /// which one pays least: in latency where money is the aim, in money where times are.
    pub changes: Vec<SettingChange>,
    /// What the best configuration has besides or instead, and what matters little.
    pub left_out: Vec<SettingChange>,
    /// What it buys, in words.
    pub buys: String,
    /// What was seen without the change.
    pub before: Figures,
    /// What was seen with it.
    pub after: Figures,
    /// Mappings that change.
    pub mappings: Vec<MappingDiff>,
    /// Commands for a shell that make the change in AWS, and remarks where there is none.
    pub commands: Vec<String>,
    /// Without and with the change, with the scenario's seed and with others.
    pub seeds: Vec<SeedCheck>,
    /// Whether it is better, and fulfils the constraints, with all these seeds.
    pub holds: bool,
}

/// A mapping before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MappingDiff {
    /// Its label.
    pub mapping: String,
    /// Its settings before, as the request that would create it.
    pub before: Value,
    /// Its settings afterwards.
    pub after: Value,
}

/// A comparison with one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedCheck {
    /// The seed.
    pub seed: u64,
    /// The objective's figure without the change.
    pub before: f64,
    /// The same with it.
    pub after: f64,
    /// What is broken with it.
    pub broken: Vec<Broken>,
    /// Whether it is better, and fulfils the constraints.
    pub holds: bool,
}
