//! The events of functions that are event source mappings.

use super::access;
use crate::import::cloudformation::Template;
use crate::import::draft::Draft;
use crate::import::node::{Member, Node, Position, Value, join};

/// The events that are mappings, and the service of each source; `None` where the event says it.
const KINDS: [(&str, Option<&str>); 7] = [
    ("sqs", Some("sqs")),
    ("stream", None),
    ("kafka", Some("kafka")),
    ("msk", Some("kafka")),
    ("activemq", Some("mq")),
    ("rabbitmq", Some("mq")),
    ("documentDb", Some("rds")),
];

/// The name of a setting in an event, and in the API.
#[rustfmt::skip]
const NAMES: [(&str, &str); 22] = [
    ("arn", "EventSourceArn"),
    ("cluster", "EventSourceArn"),
    ("batchSize", "BatchSize"),
    ("enabled", "Enabled"),
    ("maximumBatchingWindow", "MaximumBatchingWindowInSeconds"),
    ("batchWindow", "MaximumBatchingWindowInSeconds"),
    ("maximumConcurrency", "ScalingConfig.MaximumConcurrency"),
    ("startingPosition", "StartingPosition"),
    ("startingPositionTimestamp", "StartingPositionTimestamp"),
    ("parallelizationFactor", "ParallelizationFactor"),
    ("maximumRetryAttempts", "MaximumRetryAttempts"),
    ("maximumRecordAgeInSeconds", "MaximumRecordAgeInSeconds"),
    ("bisectBatchOnFunctionError", "BisectBatchOnFunctionError"),
    ("tumblingWindowInSeconds", "TumblingWindowInSeconds"),
    ("functionResponseType", "FunctionResponseTypes"),
    ("topic", "Topics"),
    ("queue", "Queues"),
    ("db", "DocumentDBEventSourceConfig.DatabaseName"),
    ("collection", "DocumentDBEventSourceConfig.CollectionName"),
    ("document", "DocumentDBEventSourceConfig.FullDocument"),
    ("minimumPollers", "ProvisionedPollerConfig.MinimumPollers"),
    ("maximumPollers", "ProvisionedPollerConfig.MaximumPollers"),
];

/// Tells whether an event of this name is an event source mapping.
pub(super) fn is_mapping(kind: &str) -> bool {
    KINDS.iter().any(|(name, _)| *name == kind)
}

/// Reads an event whose variables and functions are resolved.
pub(super) fn draft(
    event: &Member,
    path: &str,
    function: Node,
    template: &mut Template<'_>,
) -> Draft {
    let (kind, settings, at) = (event.key.as_str(), &event.node, event.at);
    let mut draft = Draft::new(at, path);
    let service = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .and_then(|(_, service)| *service);
    let named = settings.get("type").and_then(Node::as_text);
    let of_stream = ["kinesis", "dynamodb"]
        .into_iter()
        .find(|service| named == Some(*service));
    draft.service = service.or(of_stream);
    draft.put("FunctionName", path, function);
    if settings.as_text().is_some() {
        draft.put("EventSourceArn", path, settings.clone());
    }
    let mut accesses = Vec::new();
    for member in settings.members() {
        let path = join(path, &member.key);
        let node = Node {
            at: member.at,
            ..member.node.clone()
        };
        match member.key.as_str() {
            "type" if kind == "stream" => {}
            "filterPatterns" => draft.put("FilterCriteria", path, filters(&node)),
            "bootstrapServers" => {
                let servers = access::map("KAFKA_BOOTSTRAP_SERVERS", member.at, node);
                draft.put("SelfManagedEventSource.Endpoints", path, servers);
            }
            "consumerGroupId" => {
                let holder = match kind {
                    "msk" => "AmazonManagedKafkaEventSourceConfig",
                    _ => "SelfManagedKafkaEventSourceConfig",
                };
                draft.put(join(holder, "ConsumerGroupId"), path, node);
            }
            "accessConfigurations" => {
                accesses.extend(access::all(&node, &path, &mut template.findings))
            }
            "basicAuthArn" => accesses.push(access::one("BASIC_AUTH", node)),
            "virtualHost" => accesses.push(access::one("VIRTUAL_HOST", node)),
            "saslScram512" => accesses.push(access::one("SASL_SCRAM_512_AUTH", node)),
            "smk" => {
                let auth = settings.get("auth").and_then(Node::scalar);
                accesses.push(access::one(auth.as_deref().unwrap_or("BASIC_AUTH"), node));
            }
            "auth" if settings.get("smk").is_some() => {}
            "destinations" => destination(&node, &path, &mut draft, template),
            "consumer" => {}
            name => {
                let api = NAMES.iter().find(|(known, _)| *known == name);
                draft.put(api.map_or(name, |(_, api)| api), path, node);
            }
        }
    }
    if !accesses.is_empty() {
        let node = Node::new(at, Value::List(accesses));
        draft.put("SourceAccessConfigurations", path, node);
    }
    add_defaults(kind, settings, at, path, &mut draft);
    consumer(settings, path, &mut draft, template);
    draft
}

/// Adds what the framework sets where the file does not (its documentation of each event).
fn add_defaults(kind: &str, settings: &Node, at: Position, path: &str, draft: &mut Draft) {
    let is_stream = kind == "stream";
    if is_stream && settings.get("batchSize").is_none() {
        draft.put(
            "BatchSize",
            path,
            Node::new(at, Value::Number("10".to_owned())),
        );
    }
    if (is_stream || matches!(kind, "kafka" | "msk" | "documentDb"))
        && settings.get("startingPosition").is_none()
    {
        draft.put("StartingPosition", path, Node::text(at, "TRIM_HORIZON"));
    }
}

/// Reads what a stream is read by: a consumer of the framework's, or one that is named.
fn consumer(settings: &Node, path: &str, draft: &mut Draft, template: &mut Template<'_>) {
    let Some(member) = settings.member("consumer") else {
        return;
    };
    let path = join(path, "consumer");
    let stream = settings
        .get("arn")
        .and_then(Node::scalar)
        .unwrap_or_default();
    let named = member.node.scalar().unwrap_or_default();
    let arn = match (member.node.boolean(), named.as_str()) {
        (Some(false), _) => return,
        (Some(true), _) => format!("{stream}/consumer/{}:1", consumer_name(&stream)),
        (None, arn) if arn.starts_with("arn:") => arn.to_owned(),
        (None, name) if !name.is_empty() => format!("{stream}/consumer/{name}:1"),
        _ => {
            let reason = "must be true, or a consumer's ARN or name";
            template.findings.list(
                &member.node,
                &path,
                reason,
                "see to its spelling, or leave it out",
            );
            return;
        }
    };
    // Put last, it takes the place of the stream.
    draft.put("EventSourceArn", path, Node::text(member.at, arn));
}

fn consumer_name(stream: &str) -> &str {
    stream.rsplit('/').next().unwrap_or(stream)
}

/// Reads a list of patterns, each of which is an object.
fn filters(node: &Node) -> Node {
    let filters = node
        .items()
        .iter()
        .map(|pattern| access::map("Pattern", pattern.at, pattern.clone()));
    let filters = Node::new(node.at, Value::List(filters.collect()));
    access::map("Filters", node.at, filters)
}

fn destination(node: &Node, path: &str, draft: &mut Draft, template: &mut Template<'_>) {
    for member in node.members() {
        let path = join(path, &member.key);
        if member.key != "onFailure" {
            crate::import::shape::unknown(&member.node, &path, &mut template.findings);
            continue;
        }
        let arn = member.node.get("arn").unwrap_or(&member.node);
        draft.put(
            "DestinationConfig.OnFailure.Destination",
            path.as_str(),
            arn.clone(),
        );
        if let Some(kind) = member.node.get("type") {
            let reason = "only says which permission the function needs";
            let way_out = "nothing to do: the destination's ARN tells what it is";
            template
                .findings
                .list(kind, &join(&path, "type"), reason, way_out);
        }
    }
}
