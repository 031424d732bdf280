//! The mappings, spelled as in the Lambda API.

use std::time::Duration;

use lambda_esm_core::mapping::Context;
use lambda_esm_core::mapping::{
    ApiError, AwsDestination, CreateEventSourceMapping, KafkaDestination, Mapping, Source,
    StreamSettings, duplicate_error,
};
use uuid::Uuid;

use super::clients::Client;
use super::fields::Field;
use super::functions;
use super::problem::Problems;
use super::yaml::{self, Location, Member, Misfit, Node, Value, join};

/// Members of `get-event-source-mapping` output that are facts about the mapping it came from, and no
/// settings.
const FACTS: [&str; 7] = [
    "UUID",
    "LastModified",
    "LastProcessingResult",
    "StateTransitionReason",
    "EventSourceMappingArn",
    "FilterCriteriaError",
    "ResponseMetadata",
];

/// One mapping of the configuration, valid by all rules that need no server.
pub(crate) struct MappingSettings {
    /// Where it begins in the file.
    pub(crate) location: Location,
    /// The request that creates it.
    pub(crate) request: CreateEventSourceMapping,
    /// What the request means.
    pub(crate) mapping: Mapping,
    /// What was given and has no effect, in words.
    pub(crate) notes: Vec<String>,
}

impl MappingSettings {
    /// Tells whether the mapping reads a stream, of which a checkpoint is kept.
    pub(crate) const fn is_stream(&self) -> bool {
        stream(&self.mapping.source).is_some()
    }

    /// Tells whether it joins a consumer group that is named by its UUID.
    pub(crate) fn has_group_by_uuid(&self) -> bool {
        match &self.mapping.source {
            Source::Kafka(kafka) => {
                !kafka.is_queue() && kafka.consumer_group_id == self.mapping.uuid.to_string()
            }
            _ => false,
        }
    }

    /// Tells whether it looks at the failures of single records.
    pub(crate) const fn reports_failures(&self) -> bool {
        match &self.mapping.source {
            Source::Sqs(sqs) => sqs.report_batch_item_failures,
            source => match stream(source) {
                Some(settings) => settings.report_batch_item_failures,
                None => false,
            },
        }
    }

    /// Returns the length of its tumbling windows, if it has any.
    pub(crate) fn tumbling_window(&self) -> Option<Duration> {
        stream(&self.mapping.source)?.lanes.tumbling_window()
    }
}

/// Returns the settings that all streams share; `None` if the source is none.
const fn stream(source: &Source) -> Option<&StreamSettings> {
    match source {
        Source::Kinesis(kinesis) => Some(&kinesis.settings),
        Source::DynamoDb(dynamodb) => Some(&dynamodb.settings),
        _ => None,
    }
}

/// Returns the on-failure destination that an AWS client tells.
fn on_failure(source: &Source) -> Option<AwsDestination> {
    match source {
        Source::Kafka(kafka) => match kafka.on_failure()? {
            KafkaDestination::Aws(destination) => Some(destination),
            _ => None,
        },
        source => stream(source)?.on_failure.clone(),
    }
}

/// Whether mappings are to run with the clients of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clients {
    /// A source whose client is missing is refused.
    Needed,
    /// Sources are simulated.
    NotNeeded,
}

/// Reads all mappings. `known` are the configured functions.
pub(crate) fn read(
    field: &Field<'_>,
    context: &Context,
    known: &[String],
    clients: Clients,
    problems: &mut Problems,
) -> Vec<MappingSettings> {
    let items = field.list(problems).unwrap_or_default();
    if items.is_empty() && matches!(field.node.value, Value::List(_)) {
        problems.add(
            field.node.location,
            &field.path,
            "is empty, so there is nothing to do",
        );
        problems.hint("add a mapping, or with `api: {}` leave the key out");
    }
    let mut mappings: Vec<MappingSettings> = Vec::new();
    for item in items {
        let Some(settings) = one(&item, context, known, clients, problems) else {
            continue;
        };
        let same = mappings.iter().find_map(|earlier| {
            let conflict = duplicate_error(&earlier.mapping, &settings.mapping)?;
            Some((earlier.location, conflict))
        });
        if let Some((earlier, conflict)) = same {
            // The UUID that the text ends with says nothing to the reader of a file.
            let text = conflict
                .message
                .split(" Please ")
                .next()
                .unwrap_or_default()
                .to_owned();
            problems.explain(item.node, &item.path, text);
            problems.hint(format!(
                "the one in line {} is the same; remove one",
                earlier.line
            ));
        }
        mappings.push(settings);
    }
    mappings
}

fn one(
    item: &Field<'_>,
    context: &Context,
    known: &[String],
    clients: Clients,
    problems: &mut Problems,
) -> Option<MappingSettings> {
    let Value::Map(members) = &item.node.value else {
        let rule = format!("must be a map, not {}", item.node.kind());
        problems.add(item.node.location, &item.path, rule);
        return None;
    };
    let before = problems.len();
    let mut notes = Vec::new();
    let mut request = request(item, members, &mut notes, problems);
    from_output(item, members, &mut request, problems);
    let request = request.without_empty_destination();
    if problems.len() > before {
        return None;
    }
    let context = Context {
        uuid: Uuid::new_v4(),
        ..context.clone()
    };
    let mapping = match Mapping::create(request.clone(), &context) {
        Ok(mapping) => mapping,
        Err(error) => {
            refused(item, &error, problems);
            return None;
        }
    };
    let function = find(members, "FunctionName").or_else(|| find(members, "FunctionArn"));
    let at = function.map_or(item.node, |member| &member.node);
    functions::check_known(mapping.function.name(), at, &item.path, known, problems);
    if clients == Clients::Needed {
        check_clients(item, &mapping.source, problems);
    }
    if mapping.kms_key_arn.is_some() {
        notes.push("KMSKeyArn has no effect: filters are kept as they are".to_owned());
    }
    if !mapping.metrics.is_empty() {
        notes.push("MetricsConfig has no effect: every metric is always there".to_owned());
    }
    Some(MappingSettings {
        location: item.node.location,
        request,
        mapping,
        notes,
    })
}

/// Reads the request. A member that does not fit is reported and left out, so that the next one is found.
fn request(
    item: &Field<'_>,
    members: &[Member],
    notes: &mut Vec<String>,
    problems: &mut Problems,
) -> CreateEventSourceMapping {
    let given = |key: &&str| find(members, key).is_some();
    let facts: Vec<&str> = FACTS.into_iter().filter(given).collect();
    if !facts.is_empty() {
        notes.push(format!(
            "{} describe another mapping, and have no effect",
            facts.join(", ")
        ));
    }
    let mut without = facts;
    without.extend(["State", "FunctionArn"]);
    loop {
        match yaml::read(item.node, &without) {
            Ok(request) => return request,
            Err(misfit) => {
                let key = misfit.path.first().cloned();
                report(item, misfit, problems);
                match members
                    .iter()
                    .find(|member| Some(&member.key) == key.as_ref())
                {
                    Some(member) if !without.contains(&member.key.as_str()) => {
                        without.push(&member.key);
                    }
                    _ => return CreateEventSourceMapping::default(),
                }
            }
        }
    }
}

fn report(item: &Field<'_>, misfit: Misfit, problems: &mut Problems) {
    let mut path = item.path.clone();
    for step in &misfit.path {
        path = if step.starts_with('[') {
            path + step
        } else {
            join(&path, step)
        };
    }
    problems.add(
        misfit.location.unwrap_or(item.node.location),
        &path,
        misfit.rule,
    );
    if let Some(hint) = misfit.hint {
        problems.hint(hint);
    }
}

/// Translates what `get-event-source-mapping` prints in location of request members.
fn from_output(
    item: &Field<'_>,
    members: &[Member],
    request: &mut CreateEventSourceMapping,
    problems: &mut Problems,
) {
    if let Some(member) = find(members, "FunctionArn") {
        let path = join(&item.path, "FunctionArn");
        let arn = Field {
            path,
            node: &member.node,
        }
        .text(problems)
        .map(str::to_owned);
        if request.function_name.is_none() {
            request.function_name = arn;
        }
    }
    if let Some(member) = find(members, "State") {
        let field = Field {
            path: join(&item.path, "State"),
            node: &member.node,
        };
        let states = [
            ("Enabled", true),
            ("Enabling", true),
            ("Creating", true),
            ("Updating", true),
            ("Disabled", false),
            ("Disabling", false),
        ];
        let enabled = field.choice(&states, problems);
        if request.enabled.is_none() {
            request.enabled = enabled;
        }
    }
}

fn find<'a>(members: &'a [Member], key: &str) -> Option<&'a Member> {
    members.iter().find(|member| member.key == key)
}

/// Reports what the API would answer, at the member it is about.
fn refused(item: &Field<'_>, error: &ApiError, problems: &mut Problems) {
    let named = error
        .message
        .split("at '")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let steps: Vec<&str> = match (named, error.field) {
        (Some(path), _) => path.split('.').collect(),
        (None, Some(field)) => vec![field],
        (None, None) => Vec::new(),
    };
    let (node, path) = descend(item, &steps);
    let shows_value = error.message.contains("Value '");
    if shows_value || matches!(node.value, Value::List(_) | Value::Map(_)) {
        problems.explain(node, &path, error.message.clone());
    } else {
        problems.refuse(node, &path, error.message.clone());
    }
    if let Some(hint) = &error.hint {
        problems.hint(hint.clone());
    }
}

/// Follows the path of a member as the API names it as far as the file has it.
fn descend<'a>(item: &Field<'a>, steps: &[&str]) -> (&'a Node, String) {
    let (mut node, mut path) = (item.node, item.path.clone());
    for step in steps {
        let Value::Map(members) = &node.value else {
            break;
        };
        let Some(member) = members
            .iter()
            .find(|member| member.key.eq_ignore_ascii_case(step))
        else {
            path = join(&path, step);
            break;
        };
        node = &member.node;
        path = member.path(&path);
    }
    (node, path)
}

/// Refuses sources that cannot be read, and destinations that cannot be told, since no client is built in.
fn check_clients(item: &Field<'_>, source: &Source, problems: &mut Problems) {
    let on_failure = on_failure(source);
    for (client, steps) in [
        (Some(Client::of_source(source)), &["EventSourceArn"][..]),
        (
            on_failure.as_ref().map(Client::of_destination),
            &["DestinationConfig", "OnFailure", "Destination"],
        ),
    ] {
        if let Some((rule, hint)) = client.and_then(Client::missing) {
            let (node, path) = descend(item, steps);
            problems.refuse(node, &path, rule);
            problems.hint(hint);
        }
    }
}
