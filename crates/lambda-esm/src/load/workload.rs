//! The scenario of a load test: the mappings of a configuration, and what arrives.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{CreateEventSourceMapping, Mapping, Source as MappingSource};
use lambda_esm_lab::scenario::{
    Arrivals, Bodies, Distribution, Function, Keys, MappingPlan, Prices, Scenario, Source,
    SourceKind, Span, Workload,
};

use super::arguments::Args;
use crate::config::{Configuration, MappingSettings};
use crate::scenario::{ScenarioFile, name_of};

/// What functions have of memory where nobody says: the least, 128 MB.
const MEMORY_MB: u32 = 128;
/// How long figures are taken where nobody says.
const DURATION: Duration = Duration::from_secs(60);
/// The size of payloads, and the number of keys, where no scenario says.
const BYTES: f64 = 200.0;
const KEYS: u64 = 1_000;
/// By how much the clock of a stream may be behind this one.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

/// Returns the scenario that the arguments, a configuration and a scenario's file make, and what should be known of it.
pub(super) fn scenario(
    args: &Args,
    configuration: &Configuration,
    file: Option<ScenarioFile>,
    now: Timestamp,
) -> (Scenario, Vec<String>) {
    let mut notes = Vec::new();
    if configuration.record.is_some() {
        let note = "`record` has no effect in a load test: `run` records what sources deliver";
        notes.push(note.to_owned());
    }
    let given = file.map(|file| {
        notes.extend(file.notes);
        file.scenario
    });
    let (duration, given_duration) = match (args.duration, &given) {
        (Some(duration), _) => (args.warm_up + duration, None),
        (None, Some(given)) => (given.duration.max(args.warm_up), Some(given.duration)),
        (None, None) => (args.warm_up + DURATION, None),
    };
    let of_given = given.as_ref();
    if let Some(given) = of_given {
        if given_duration.is_none() && given.duration < duration {
            notes.push(format!(
                "Arrivals of the scenario may end after its {} s.",
                given.duration.as_secs_f64()
            ));
        }
        if !given.events.is_empty() {
            notes.push(
                "Events of the scenario are left out: real servers have their own.".to_owned(),
            );
        }
    }
    let options = &configuration.options;
    let mut scenario = Scenario {
        name: of_given.map_or_else(|| stem(configuration), |given| given.name.clone()),
        seed: of_given.map_or(1, |given| given.seed),
        begins: now,
        duration,
        drain: args.drain,
        region: options.region.clone(),
        account_id: options.account_id.clone(),
        pacing: options.pacing,
        sources: Vec::new(),
        functions: Vec::new(),
        mappings: Vec::new(),
        events: Vec::new(),
        expectations: Vec::new(),
        prices: of_given.map_or_else(Prices::default, |given| given.prices.clone()),
    };
    for settings in &configuration.mappings {
        add(&mut scenario, settings, of_given, args, &mut notes);
    }
    let expectations = of_given.map_or(&[][..], |given| &given.expectations);
    for expectation in expectations {
        let labels = scenario.mappings.iter().map(|plan| &plan.label);
        let is_of = |label: &String| labels.clone().any(|known| known == label);
        if expectation.mapping.as_ref().is_none_or(is_of) {
            scenario.expectations.push(expectation.clone());
        } else if let Some(label) = &expectation.mapping {
            notes.push(format!(
                "Nothing is expected of {label}, which the configuration does not have."
            ));
        }
    }
    (scenario, notes)
}

fn stem(configuration: &Configuration) -> String {
    let stem = configuration.file.file_stem().unwrap_or_default();
    lambda_esm_core::text::plain(&stem.to_string_lossy()).into()
}

fn add(
    scenario: &mut Scenario,
    settings: &MappingSettings,
    given: Option<&Scenario>,
    args: &Args,
    notes: &mut Vec<String>,
) {
    let mapping = &settings.mapping;
    let (name, arn) = (name_of(mapping), mapping.source.name());
    let known = |source: &Source| source.name == name && source.arn == arn;
    let source = scenario.sources.iter().position(known);
    let source = source.unwrap_or_else(|| {
        let mut all = given.into_iter().flat_map(|given| &given.sources);
        let same = all.find(|source| source.name == name);
        if let (Some(given), None) = (given, same) {
            notes.push(format!(
                "{name} is no source of the scenario {}: {}/s arrive there.",
                given.name, args.rate
            ));
        }
        scenario.sources.push(Source {
            call_time: Distribution::Fixed(0.0),
            workload: same.map_or_else(
                || workload(args, scenario.duration),
                |source| source.workload.clone(),
            ),
            kind: same.map_or_else(|| kind(mapping), |source| source.kind.clone()),
            name: name.clone(),
            arn,
        });
        scenario.sources.len() - 1
    });
    let called = mapping.function.name();
    let mut functions = scenario.functions.iter();
    let function = functions.position(|function| function.name == called);
    let function = function.unwrap_or_else(|| {
        let mut all = given.into_iter().flat_map(|given| &given.functions);
        let same = all.find(|function| function.name == called);
        if same.is_none() {
            notes.push(format!(
                "The memory of {called} is not known: its cost is that of {MEMORY_MB} MB. A scenario says otherwise."
            ));
        }
        let memory = same.map_or(MEMORY_MB, |function| function.memory_mb);
        scenario.functions.push(real(called, memory));
        scenario.functions.len() - 1
    });
    let plain = format!("{name} -> {called}");
    let labels = scenario.mappings.iter().map(|plan| plan.label.as_str());
    let same = labels.filter(|label| *label == plain || label.starts_with(&format!("{plain} #")));
    let label = match same.count() {
        0 => plain,
        earlier => format!("{plain} #{}", earlier + 1),
    };
    scenario.mappings.push(MappingPlan {
        label,
        source,
        function,
        request: from_now(mapping, &settings.request, scenario.begins),
    });
}

/// Returns a mapping's request that reads what is put from now on, and as little else as its source allows.
fn from_now(
    mapping: &Mapping,
    request: &CreateEventSourceMapping,
    now: Timestamp,
) -> CreateEventSourceMapping {
    let mut request = request.clone();
    match &mapping.source {
        MappingSource::Kinesis(_) => {
            let millis = now.millis() - CLOCKS_DIFFER.as_millis() as i64;
            request.starting_position = Some("AT_TIMESTAMP".to_owned());
            request.starting_position_timestamp = Some(millis as f64 / 1000.0);
        }
        // What is put before a stream is found out would be left out.
        MappingSource::DynamoDb(_) => {
            request.starting_position = Some("TRIM_HORIZON".to_owned());
        }
        _ => {}
    }
    request
}

fn workload(args: &Args, until: Duration) -> Workload {
    let (rate, from) = (args.rate, Duration::ZERO);
    let span = Span { from, until };
    Workload {
        arrivals: vec![if args.poisson {
            Arrivals::Poisson { rate, span }
        } else {
            Arrivals::Constant { rate, span }
        }],
        keys: Keys {
            count: KEYS,
            skew: 0.0,
        },
        size: Distribution::Fixed(BYTES),
        bodies: Bodies::Filler,
    }
}

/// Returns what a source is. How many shards it has, and how long a queue hides messages, is the servers' business.
fn kind(mapping: &Mapping) -> SourceKind {
    match &mapping.source {
        MappingSource::Sqs(sqs) => SourceKind::Sqs {
            fifo: sqs.fifo,
            visibility_timeout: Duration::from_secs(30),
            max_receive_count: None,
        },
        MappingSource::Kinesis(_) => SourceKind::Kinesis {
            shards: 1,
            retention: Duration::from_hours(24),
        },
        MappingSource::DynamoDb(_) => SourceKind::DynamoDb { shards: 1 },
        MappingSource::Kafka(_) => SourceKind::Kafka { partitions: 1 },
        MappingSource::Mq(mq) => match &mq.virtual_host {
            Some(virtual_host) => SourceKind::RabbitMq {
                virtual_host: virtual_host.clone(),
            },
            None => SourceKind::ActiveMq,
        },
        _ => SourceKind::DocumentDb,
    }
}

/// Returns a function of which only name and memory are taken.
fn real(name: &str, memory_mb: u32) -> Function {
    Function {
        name: name.to_owned(),
        memory_mb,
        timeout: Duration::from_secs(900),
        duration: Distribution::Fixed(0.0),
        per_record: Distribution::Fixed(0.0),
        cold_start: Distribution::Fixed(0.0),
        environment_lifetime: Duration::ZERO,
        error_rate: 0.0,
        throttle_rate: 0.0,
        record_error_rate: 0.0,
        poison_rate: 0.0,
        reserved_concurrency: None,
        other_load: Vec::new(),
    }
}
