//! What a scenario's settings come to: legal or refused, with the defaults spelled out.

use lambda_esm_core::filter::Dialect;
use lambda_esm_core::mapping::{
    ApiError, Context, CreateEventSourceMapping, ErrorCode, Mapping, check_function_timeout,
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::target::Target;
use crate::scenario::{Function, MappingPlan, Scenario, Source, SourceKind, filter_limits};

/// The most shards or partitions of a source; our choice, as Kinesis's quota can be raised.
const MOST_SHARDS: u64 = 10_000;

/// A configuration that the service would not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The mapping, function or source.
    pub of: String,
    /// The error's code, as the service names it.
    pub code: &'static str,
    /// The service's words.
    pub message: String,
    /// A way out.
    pub hint: Option<String>,
}

/// The settings of a legal scenario: those of mappings as requests that create them, with the defaults spelled out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effective {
    pub(super) mappings: Vec<Value>,
    functions: Vec<Value>,
    sources: Vec<Value>,
}

impl Effective {
    /// Finds out what a scenario's settings come to.
    pub(super) fn of(scenario: &Scenario) -> Result<Self, Refusal> {
        let functions: Result<_, _> = scenario.functions.iter().map(function).collect();
        let sources: Result<_, _> = scenario.sources.iter().map(source).collect();
        let mappings = scenario.mappings.iter().map(|plan| {
            let request = mapping(scenario, plan).map_err(|error| refusal(&plan.label, error))?;
            Ok(serde_json::to_value(request.to_request()).unwrap_or_default())
        });
        Ok(Self {
            functions: functions?,
            sources: sources?,
            mappings: mappings.collect::<Result<_, _>>()?,
        })
    }

    /// Returns a setting; `null` where there is none.
    pub(super) fn get(&self, target: Target) -> Value {
        let list = match target.setting.list() {
            "mappings" => &self.mappings,
            "functions" => &self.functions,
            _ => &self.sources,
        };
        let pointer = format!("/{}", target.setting.name().replace('.', "/"));
        let value = list.get(target.index);
        let value = value.and_then(|value| value.pointer(&pointer));
        value.cloned().unwrap_or_default()
    }
}

/// What validation needs beside the request.
pub(super) fn context(scenario: &Scenario) -> Context {
    Context {
        region: scenario.region.clone(),
        account_id: scenario.account_id.clone(),
        uuid: Uuid::nil(),
        now: scenario.begins,
        filter_limits: filter_limits(),
        dialect: Dialect::default(),
    }
}

/// Makes the mapping as the service would.
fn mapping(scenario: &Scenario, plan: &MappingPlan) -> Result<Mapping, ApiError> {
    let mapping = Mapping::create(plan.request.clone(), &context(scenario))?;
    if let Some(function) = scenario.functions.get(plan.function) {
        let visibility = match scenario.sources.get(plan.source).map(|source| &source.kind) {
            Some(SourceKind::Sqs {
                visibility_timeout, ..
            }) => Some(*visibility_timeout),
            _ => None,
        };
        check_function_timeout(&mapping, function.timeout, visibility)?;
    }
    Ok(mapping)
}

/// Reads a request that [`Effective`] has written.
pub(super) fn request(effective: &Value) -> CreateEventSourceMapping {
    serde_json::from_value(effective.clone()).unwrap_or_default()
}

fn function(function: &Function) -> Result<Value, Refusal> {
    let timeout = function.timeout.as_secs();
    let limits = [
        ("memorySize", u64::from(function.memory_mb), 128, 10_240),
        ("timeout", timeout, 1, 900),
    ];
    for (member, value, least, most) in limits {
        if !(least..=most).contains(&value) {
            let (side, bound) = if value < least {
                ("greater", least)
            } else {
                ("less", most)
            };
            let message = format!(
                "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
                 {side} than or equal to {bound}"
            );
            let error = ApiError::new(ErrorCode::Validation, message);
            return Err(refusal(&function.name, error));
        }
    }
    Ok(json!({
        "memory_mb": function.memory_mb,
        "reserved_concurrency": function.reserved_concurrency,
        "timeout": timeout,
    }))
}

fn source(source: &Source) -> Result<Value, Refusal> {
    let (settings, limits) = match source.kind {
        SourceKind::Sqs {
            visibility_timeout,
            max_receive_count,
            ..
        } => {
            let visibility = visibility_timeout.as_secs();
            let settings = json!({
                "max_receive_count": max_receive_count,
                "visibility_timeout": visibility,
            });
            let receives = u64::from(max_receive_count.unwrap_or(1));
            let limits = vec![
                ("VisibilityTimeout", visibility, 0, 43_200),
                ("maxReceiveCount", receives, 1, 1_000),
            ];
            (settings, limits)
        }
        SourceKind::Kinesis { shards, retention } => (
            json!({ "shards": shards, "retention": retention.as_secs() }),
            vec![("ShardCount", count(shards), 1, MOST_SHARDS)],
        ),
        SourceKind::DynamoDb { shards } => (
            json!({ "shards": shards }),
            vec![("shards", count(shards), 1, MOST_SHARDS)],
        ),
        SourceKind::Kafka { partitions } => (
            json!({ "partitions": partitions }),
            vec![("partitions", count(partitions), 1, MOST_SHARDS)],
        ),
        SourceKind::RabbitMq { .. } | SourceKind::ActiveMq | SourceKind::DocumentDb => {
            (Value::Null, Vec::new())
        }
    };
    for (name, value, least, most) in limits {
        if !(least..=most).contains(&value) {
            let message = format!(
                "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
            );
            let error = ApiError::new(ErrorCode::InvalidParameterValue, message);
            return Err(refusal(&source.name, error));
        }
    }
    Ok(settings)
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn refusal(of: &str, error: ApiError) -> Refusal {
    Refusal {
        of: of.to_owned(),
        code: error.code.name(),
        message: error.message,
        hint: error.hint,
    }
}
