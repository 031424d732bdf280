//! The events of SAM's functions (SAM developer guide, "EventSource").

use super::resources::{self, left_out};
use super::template::Template;
use crate::import::draft::Draft;
use crate::import::gathered::Gathered;
use crate::import::node::{Member, Node, Value, join};

/// The events that are event source mappings: the type, the service of its source, and the property that names that.
const MAPPED: [(&str, &str, &str); 7] = [
    ("SQS", "sqs", "Queue"),
    ("Kinesis", "kinesis", "Stream"),
    ("DynamoDB", "dynamodb", "Stream"),
    ("MSK", "kafka", "Stream"),
    ("SelfManagedKafka", "kafka", "KafkaBootstrapServers"),
    ("MQ", "mq", "Broker"),
    ("DocumentDB", "rds", "Cluster"),
];

/// The events that call a function without one.
const CALLED: [&str; 15] = [
    "AlexaSkill",
    "Api",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "EventBridgeRule",
    "HttpApi",
    "IoTRule",
    "S3",
    "SNS",
    "Schedule",
    "ScheduleV2",
    "WebSocket",
    "AppSync",
    "Function",
];

/// Reads a function and its events.
pub(super) fn function(
    template: &mut Template<'_>,
    resource: &Member,
    path: &str,
    gathered: &mut Gathered,
) {
    let Some(found) = resources::function(template, resource, path) else {
        return;
    };
    let is_there = template.is_there(&resource.node, path);
    // With it, events call the alias (SAM developer guide, `AutoPublishAlias`).
    let alias = template.property(&resource.key, "AutoPublishAlias");
    let globals = template
        .root
        .at_path(&["Globals", "Function", "AutoPublishAlias"]);
    let alias = alias.or_else(|| template.resolve(globals?, "Globals.Function.AutoPublishAlias"));
    let name = match alias.and_then(|alias| alias.scalar()) {
        Some(alias) => format!("{}:{alias}", found.name),
        None => found.name.clone(),
    };
    gathered.functions.push(found);
    let path = join(path, "Properties.Events");
    let events = resource.node.at_path(&["Properties", "Events"]);
    let is_call = |events: &&Node| {
        events
            .only_member()
            .is_some_and(|only| only.key.starts_with("Fn::"))
    };
    let chosen = events
        .filter(is_call)
        .and_then(|events| template.resolve(events, &path));
    let events = chosen.as_ref().or(events);
    if let Some(events) = events
        && !matches!(events.value, Value::Map(_))
    {
        let rule = format!("must be a map of events by name, not {}", events.kind());
        template.findings.refuse(
            events,
            &path,
            rule,
            "write Events: { Orders: { Type: SQS, Properties: … } }",
        );
    }
    for member in events.map_or(&[][..], Node::members) {
        let path = join(&path, &member.key);
        if is_there {
            event(
                template,
                member,
                &path,
                Node::text(resource.at, name.as_str()),
                gathered,
            );
        } else {
            let resource = Member {
                at: member.at,
                ..resource.clone()
            };
            left_out(template, &resource, &path);
        }
    }
}

fn event(
    template: &mut Template<'_>,
    member: &Member,
    path: &str,
    function: Node,
    gathered: &mut Gathered,
) {
    let kind = member.node.get("Type");
    let Some(kind) = kind.and_then(Node::as_text) else {
        template.findings.refuse(
            &member.node,
            path,
            "has no Type",
            "say for example Type: SQS",
        );
        return;
    };
    let Some((_, service, source)) = MAPPED.iter().find(|(name, ..)| *name == kind) else {
        not_mapped(template, member, path, kind);
        return;
    };
    let mut draft = Draft::new(member.at, path);
    draft.service = Some(service);
    draft.put("FunctionName", path, function);
    let path = join(path, "Properties");
    for property in member.node.get("Properties").map_or(&[][..], Node::members) {
        let path = join(&path, &property.key);
        let Some(node) = template.resolve(&property.node, &path) else {
            continue;
        };
        let node = Node {
            at: property.at,
            ..node
        };
        match property.key.as_str() {
            "KafkaBootstrapServers" => {
                let servers = Member {
                    key: property.key.clone(),
                    at: property.at,
                    node,
                };
                let endpoints = Node::new(property.at, Value::Map(vec![servers]));
                draft.put("SelfManagedEventSource.Endpoints", path, endpoints);
            }
            name if name == *source => draft.put("EventSourceArn", path, node),
            name @ ("ConsumerGroupId" | "SchemaRegistryConfig") => {
                let holder = match kind {
                    "MSK" => "AmazonManagedKafkaEventSourceConfig",
                    _ => "SelfManagedKafkaEventSourceConfig",
                };
                draft.put(join(holder, name), path, node);
            }
            name @ ("DatabaseName" | "CollectionName" | "FullDocument") => {
                draft.put(join("DocumentDBEventSourceConfig", name), path, node);
            }
            "KmsKeyArn" => draft.put("KMSKeyArn", path, node),
            "DynamicPolicyName" | "SecretsManagerKmsKeyId" => template.findings.list(
                &node,
                &path,
                "only says what the function's role may do",
                "nothing to do: nobody asks for permissions here",
            ),
            name => draft.put(name, path, node),
        }
    }
    gathered.drafts.push(draft);
}

/// Lists an event that is no event source mapping, and refuses one that is nothing.
fn not_mapped(template: &mut Template<'_>, member: &Member, path: &str, kind: &str) {
    let node = Node::text(member.at, kind);
    let path = join(path, "Type");
    if member
        .node
        .at_path(&["Properties", "SqsSubscription"])
        .is_some()
    {
        let reason = "SAM makes a queue and a mapping of it";
        let way_out =
            "write an event of type SQS instead, and a queue that is subscribed to the topic";
        template.findings.list(&node, &path, reason, way_out);
    } else if CALLED.contains(&kind) {
        let reason = format!("{kind} calls the function without an event source mapping");
        template.findings.list(
            &node,
            &path,
            reason,
            "nothing to do: only mappings are imported",
        );
    } else {
        let types: Vec<&str> = MAPPED.iter().map(|(name, ..)| *name).collect();
        let way_out = format!("event source mappings are {}", types.join(", "));
        template
            .findings
            .refuse(&node, &path, "is no type of event", way_out);
    }
}
