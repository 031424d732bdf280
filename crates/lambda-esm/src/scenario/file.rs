//! The file as a whole.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp as Moment;
use lambda_esm_core::filter::Dialect;
use lambda_esm_core::mapping::{Arn, Context, Mapping, Source as MappingSource};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::{Timestamp, text};
use lambda_esm_lab::scenario::{MappingPlan, Prices, Scenario, Source, filter_limits};
use lambda_esm_lab::sweep::SweepPlan;
use uuid::Uuid;

use super::arrivals::ArrivalContext;
use super::events::EventContext;
use super::sources::SourceContext;
use super::{events, expect, functions, prices, sources, sweep, units};
use crate::config::fields::{Field, Section};
use crate::config::mappings;
use crate::config::suggest::known_names;
use crate::config::yaml::{Member, Node, Value};
use crate::config::{Clients, MappingSettings, Problem, Problems};

/// The largest scenario file.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What the clocks of a scenario show at its beginning, where it does not say: a Thursday's midnight.
const BEGINS: Timestamp = Timestamp(1_767_225_600_000);

/// How much longer a scenario goes on at most than records arrive, where it does not say.
const DRAIN: Duration = Duration::from_secs(60 * 60);

/// A scenario that was read.
pub(crate) struct ScenarioFile {
    pub(crate) scenario: Scenario,
    /// What `sweep` tries; `None` if the file does not say.
    pub(crate) sweep: Option<SweepPlan>,
    /// What was given and has no effect, and filters that can never match, in words.
    pub(crate) notes: Vec<String>,
}

impl ScenarioFile {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file.
    pub(crate) fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let name = path.display().to_string();
        let too_large = std::fs::metadata(path).is_ok_and(|found| found.len() > LARGEST);
        let text = if too_large {
            Err("is larger than 16 MiB".to_owned())
        } else {
            std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
        };
        match text {
            Ok(text) => Self::parse(path, &text),
            Err(rule) => {
                let mut problems = Problems::new(&name);
                problems.add(None, "", rule);
                problems.hint("name a scenario, for example config/scenarios/orders.yaml");
                Err(problems.into_sorted())
            }
        }
    }

    /// Tells a scenario from a configuration: it says where records come from.
    pub(crate) fn is_one(text: &str) -> bool {
        let root = Node::parse(text, &mut Problems::new(""));
        let has = |members: &[Member], key: &str| members.iter().any(|member| member.key == key);
        root.is_some_and(|root| match &root.value {
            Value::Map(members) => has(members, "sources") && has(members, "duration"),
            _ => false,
        })
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new(&path.display().to_string());
        let root = Node::parse(text, &mut problems);
        let scenario = root.and_then(|root| read(path, &root, &mut problems));
        match scenario {
            Some(scenario) if problems.is_empty() => Ok(scenario),
            _ => Err(problems.into_sorted()),
        }
    }
}

fn read(path: &Path, root: &Node, problems: &mut Problems) -> Option<ScenarioFile> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut section = Section::new(root, "", problems)?;
    let name = section.take("name");
    let name = name.and_then(|field| field.text(problems).map(str::to_owned));
    let name = name.unwrap_or_else(|| stem(path));
    let seed = section.take("seed");
    let seed = seed.and_then(|field| field.integer(0..=i64::MAX, "", problems));
    let begins = section.take("begins");
    let begins = begins.and_then(|field| moment(&field, problems));
    let duration = section.require("duration", "1h", problems);
    let duration = duration.and_then(|field| units::some_duration(&field, problems));
    let duration = duration.unwrap_or(Duration::from_secs(60 * 60));
    let drain = section.take("drain");
    let drain = drain.and_then(|field| units::duration(&field, problems));
    let mut word = |key, otherwise: &str| {
        let field = section.take(key);
        let text = field.and_then(|field| field.text(problems));
        text.unwrap_or(otherwise).to_owned()
    };
    let region = word("region", "us-east-1");
    let account_id = word("account_id", "000000000000");
    let pacing = section.take("pacing");
    let pacing = pacing.and_then(|field| field.parse(problems));
    let of_arrivals = ArrivalContext {
        folder,
        duration,
        notes: RefCell::default(),
    };
    let of_sources = SourceContext {
        region: &region,
        account_id: &account_id,
        arrivals: &of_arrivals,
    };
    let sources = section.require(
        "sources",
        "{orders: {kind: sqs, arrivals: 100/s}}",
        problems,
    );
    let sources = sources.map(|field| sources::read(&field, &of_sources, problems));
    let sources = sources.unwrap_or_default();
    let functions = section.require("functions", "{worker: {duration: 200ms}}", problems);
    let functions = functions.map(|field| functions::read(&field, folder, duration, problems));
    let functions = functions.unwrap_or_default();
    let names: Vec<String> = functions.iter().map(|each| each.name.clone()).collect();
    let begins = begins.unwrap_or(BEGINS);
    let context = Context {
        region: region.clone(),
        account_id: account_id.clone(),
        uuid: Uuid::nil(),
        now: begins,
        filter_limits: filter_limits(),
        dialect: Dialect::Lambda,
    };
    let field = section.require(
        "mappings",
        "[{EventSourceArn: …, FunctionName: …}]",
        problems,
    );
    let read = field
        .as_ref()
        .map(|field| mappings::read(field, &context, &names, Clients::NotNeeded, problems))
        .unwrap_or_default();
    let told = |settings: &MappingSettings| {
        let filters = settings.mapping.unmatchable_filters();
        settings
            .notes
            .iter()
            .cloned()
            .chain(filters)
            .collect::<Vec<_>>()
    };
    let notes = read.iter().flat_map(told);
    let notes = notes.chain(of_arrivals.notes.take()).collect();
    let mappings = plans(&read, &sources, &names, problems);
    let of_events = EventContext {
        folder,
        duration,
        sources: &sources,
        functions: &functions,
        mappings: &mappings,
    };
    let events = section.take("events");
    let events = events.map(|field| events::read(&field, &of_events, problems));
    let expectations = section.take("expect");
    let expectations = expectations.map(|field| expect::read(&field, &mappings, problems));
    let expectations = expectations.unwrap_or_default();
    let sweep = section.take("sweep");
    let sweep = sweep.and_then(|field| sweep::read(&field, &mappings, &expectations, problems));
    let prices = section.take("prices");
    let prices = prices.and_then(|field| prices::read(&field, folder, problems));
    section.finish(problems);
    let scenario = Scenario {
        name,
        seed: seed.and_then(|seed| seed.try_into().ok()).unwrap_or(1),
        begins,
        duration,
        drain: drain.unwrap_or(DRAIN),
        region,
        account_id,
        pacing: pacing.unwrap_or(Pacing::Aws),
        sources,
        functions,
        mappings,
        events: events.unwrap_or_default(),
        expectations,
        prices: prices.unwrap_or_else(Prices::default),
    };
    Some(ScenarioFile {
        scenario,
        sweep,
        notes,
    })
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(PathBuf::from);
    stem.map_or_else(String::new, |stem| {
        text::plain(&stem.to_string_lossy()).into()
    })
}

fn moment(field: &Field<'_>, problems: &mut Problems) -> Option<Timestamp> {
    let text = field.text(problems)?;
    let moment = text.parse::<Moment>().ok();
    if moment.is_none() {
        problems.refuse(field.node, &field.path, "is no time");
        problems.hint("write for example 2026-01-01T00:00:00Z");
    }
    moment.map(|moment| Timestamp(moment.as_millisecond()))
}

/// Returns the mappings with their places, and a label for each.
fn plans(
    read: &[MappingSettings],
    sources: &[Source],
    functions: &[String],
    problems: &mut Problems,
) -> Vec<MappingPlan> {
    let mut plans: Vec<MappingPlan> = Vec::new();
    for (index, settings) in read.iter().enumerate() {
        let mapping = &settings.mapping;
        let function = mapping.function.name();
        let place = functions.iter().position(|name| name == function);
        let Some(source) = sources.iter().position(|source| is_of(mapping, source)) else {
            let names: Vec<&str> = sources.iter().map(|source| &*source.name).collect();
            let named = name_of(mapping);
            let path = format!("mappings[{index}]");
            let rule = format!("its source {named:?} is not in sources");
            problems.add(settings.location, &path, rule);
            problems.hint(format!("{}; or add it", known_names(&named, &names)));
            continue;
        };
        if matches!(&mapping.source, MappingSource::Kafka(kafka) if kafka.is_queue()) {
            let path =
                format!("mappings[{index}].SelfManagedKafkaEventSourceConfig.ConsumptionMode");
            problems.add(
                settings.location,
                &path,
                "share groups are not simulated yet",
            );
            problems.hint("use Stream, or leave it out: then a consumer group reads the topic");
        }
        let plain = format!("{} -> {function}", sources[source].name);
        let same = plans
            .iter()
            .filter(|plan| plan.label == plain || plan.label.starts_with(&format!("{plain} #")));
        let label = match same.count() {
            0 => plain,
            earlier => format!("{plain} #{}", earlier + 1),
        };
        plans.extend(place.map(|function| MappingPlan {
            label,
            source,
            function,
            request: settings.request.clone(),
        }));
    }
    plans
}

/// Returns the name of a mapping's source, as scenarios name it.
pub(crate) fn name_of(mapping: &Mapping) -> String {
    match &mapping.source {
        MappingSource::Kafka(kafka) => kafka.topic.clone(),
        MappingSource::Mq(mq) => mq.queue.clone(),
        source => {
            let name = source.arn().map(Arn::resource_name);
            name.unwrap_or_default().to_owned()
        }
    }
}

fn is_of(mapping: &Mapping, source: &Source) -> bool {
    name_of(mapping) == source.name || mapping.source.name() == source.arn
}
