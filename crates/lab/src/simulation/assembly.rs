//! The engine of a scenario, with its sources and functions.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::mapping::{CreateEventSourceMapping, DestinationConfig};
use lambda_esm_engine::memory::{MemoryDestination, MemoryStreamOptions};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use uuid::Uuid;

use super::effort::Effort;
use super::error::SimulationError;
use crate::arrivals::{Chance, Records};
use crate::function::FunctionModel;
use crate::recorder::{Identity, MappingSpec, Observed, Recorder, Roster, SourceSpec, kind_of};
use crate::scenario::{Change, MappingPlan, Scenario, SourceKind, filter_limits};
use crate::world::{Intake, Names, SourceInMemory};

/// What makes failed records known as such.
const REPORTS_FAILURES: &str = "ReportBatchItemFailures";

/// All that takes part in a simulation.
pub(super) struct Assembly {
    pub(super) clock: Clock,
    pub(super) engine: Engine,
    pub(super) roster: Arc<Roster>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) sources: Vec<SourceInMemory>,
    pub(super) functions: Vec<FunctionModel>,
    pub(super) mappings: Vec<Uuid>,
}

impl Assembly {
    /// Puts everything together, and creates the mappings. Nothing arrives yet.
    pub(super) async fn new(scenario: &Scenario, effort: Effort) -> Result<Self, SimulationError> {
        let clock = Clock::starting_at(scenario.begins);
        let kinds = scenario.sources.iter().map(|source| kind_of(&source.kind));
        let identity: Arc<dyn Identity> = Arc::new(Names(kinds.collect()));
        let roster = Arc::new(roster(scenario));
        let recorder = match effort {
            Effort::Least => Recorder::aside(clock, roster.clone(), identity.clone()),
            #[cfg(test)]
            Effort::Whole => Recorder::new(clock, roster.clone(), identity.clone()),
        };
        let recorder = Arc::new(recorder);
        let options = EngineOptions::default()
            .with_region(scenario.region.clone())
            .with_account_id(scenario.account_id.clone())
            .with_pacing(scenario.pacing)
            .with_filter_limits(filter_limits())
            .with_transition(Duration::ZERO)
            .with_detail(has_filters(scenario))
            .with_event_detail(effort.event_detail())
            .with_seed(Some(Chance::new(scenario.seed, "engine").next_u64()));
        let observer = recorder.clone();
        let mut builder = Engine::builder()
            .options(options)
            .clock(clock)
            .observer(move |event| observer.decided(event));
        let mut sources = Vec::new();
        for (place, source) in scenario.sources.iter().enumerate() {
            let mut plans = scenario.mappings.iter();
            let mapping = plans.position(|plan| plan.source == place);
            let is_read = effort != Effort::Least
                || has_filters(scenario)
                || !matches!(source.kind, SourceKind::Kinesis { .. });
            let records = Records::new(scenario, source, is_read);
            let chance = Chance::new(scenario.seed, &format!("calls {}", source.name));
            let (recorder, call_time) = (recorder.clone(), &source.call_time);
            let intake = Intake::new(clock, recorder, place, mapping, records, call_time, chance);
            let name = format!("messages {}", source.name);
            let seed = Chance::new(scenario.seed, &name).next_u64();
            let memory = SourceInMemory::new(source, intake, seed);
            builder = memory.serve(source, builder);
            sources.push(memory);
        }
        let fifo = scenario.sources.iter().map(|source| match source.kind {
            SourceKind::Sqs { fifo, .. } => fifo,
            _ => false,
        });
        let fifo: Vec<bool> = fifo.collect();
        let mut functions = Vec::new();
        for function in &scenario.functions {
            let model = FunctionModel::new(
                scenario,
                function,
                clock,
                roster.clone(),
                identity.clone(),
                fifo.clone(),
            );
            let observed = Observed::new(model.clone(), recorder.clone());
            builder = builder.function(function.name.clone(), observed);
            functions.push(model);
        }
        for destination in destinations(scenario) {
            builder = builder.destination(destination, MemoryDestination::new(0));
        }
        let engine = builder.build();
        let mut mappings = Vec::new();
        for (place, plan) in scenario.mappings.iter().enumerate() {
            let created = engine.create(request(scenario, plan)).await;
            let created = created.map_err(|error| SimulationError::Mapping {
                label: plan.label.clone(),
                error,
            })?;
            let uuid = created.uuid.parse().unwrap_or_default();
            recorder.assign(uuid, place);
            mappings.push(uuid);
        }
        Ok(Self {
            clock,
            engine,
            roster,
            recorder,
            sources,
            functions,
            mappings,
        })
    }
}

/// Returns who takes part in a scenario.
pub(crate) fn roster(scenario: &Scenario) -> Roster {
    let sources = scenario.sources.iter().map(|source| SourceSpec {
        kind: kind_of(&source.kind),
        topic: match source.kind {
            SourceKind::Kafka { .. } => source.name.clone(),
            _ => String::new(),
        },
        retention: match source.kind {
            SourceKind::Kinesis { retention, .. } => Some(retention),
            SourceKind::DynamoDb { .. } => Some(MemoryStreamOptions::dynamo_db().retention),
            SourceKind::DocumentDb => Some(MemoryStreamOptions::document_db().retention),
            _ => None,
        },
    });
    let mappings = scenario.mappings.iter().map(|plan| MappingSpec {
        label: plan.label.clone(),
        source: plan.source,
        function: plan.function,
        reports_failures: reports_failures(plan.request.function_response_types.as_ref()),
    });
    Roster::new(sources.collect(), mappings.collect())
}

pub(super) fn reports_failures(types: Option<&Vec<String>>) -> bool {
    types.is_some_and(|types| types.iter().any(|name| name == REPORTS_FAILURES))
}

/// Returns what a mapping is created with: what its plan says, and its source and function where that does not.
fn request(scenario: &Scenario, plan: &MappingPlan) -> CreateEventSourceMapping {
    let mut request = plan.request.clone();
    if request.event_source_arn.is_none() && request.self_managed_event_source.is_none() {
        let source = scenario.sources.get(plan.source);
        request.event_source_arn = source.map(|source| source.arn.clone());
    }
    if request.function_name.is_none() {
        let function = scenario.functions.get(plan.function);
        request.function_name = function.map(|function| function.name.clone());
    }
    request
}

/// Tells whether a mapping has filters, now or later: only then do decisions have to name records.
fn has_filters(scenario: &Scenario) -> bool {
    let created = scenario.mappings.iter();
    let mut created = created.map(|plan| &plan.request.filter_criteria);
    created.any(Option::is_some)
        || scenario.events.iter().any(|event| match &event.change {
            Change::Update { request, .. } => request.filter_criteria.is_some(),
            _ => false,
        })
}

/// Returns the on-failure destinations of all mappings.
fn destinations(scenario: &Scenario) -> Vec<String> {
    let of = |config: &Option<DestinationConfig>| {
        config.as_ref()?.on_failure.as_ref()?.destination.clone()
    };
    let created = scenario.mappings.iter();
    let created = created.filter_map(|plan| of(&plan.request.destination_config));
    let updated = scenario
        .events
        .iter()
        .filter_map(|event| match &event.change {
            Change::Update { request, .. } => of(&request.destination_config),
            _ => None,
        });
    created.chain(updated).collect()
}
