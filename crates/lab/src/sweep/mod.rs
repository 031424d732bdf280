//! Many configurations of one scenario, and the one change that is worth making.

mod bench;
mod candidates;
mod commands;
mod effective;
mod error;
mod judge;
mod memory;
mod outcome;
mod page;
mod parameter;
mod pareto;
mod plan;
mod plot;
mod recommend;
mod run;
mod target;
mod text;
mod values;
mod wording;

pub use bench::{Phase, Runs, SweepProgress};
pub use candidates::SettingChange;
pub use effective::Refusal;
pub use error::{PlanError, SweepError};
pub use memory::{MemoryEffect, ONE_VCPU_MB};
pub use outcome::{
    Broken, ConfigurationReport, ConfigurationResult, Constraint, Figures, MappingDiff,
    Recommendation, SeedCheck, SweepReport, TradeOff, Verdict,
};
pub use page::html;
pub use parameter::Parameter;
pub use pareto::pareto_front;
pub use plan::{Axis, FunctionMemory, MOST_CONFIGURATIONS, Objective, SweepPlan, Variant};
pub use run::sweep;
pub use text::text;
pub use values::{Range, Scale, parse_values};
pub use wording::{changes_in_words, diff_lines};
