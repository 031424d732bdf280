//! What each member of a request looks like (Lambda API reference, `CreateEventSourceMapping`), and how the looser
//! spellings of templates become that.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::findings::{Findings, is_placeholder};
use super::node::{Node, Value, join};

/// The shape of a member.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Text,
    Integer,
    Boolean,
    /// Seconds since the Unix epoch; also an ISO 8601 date with time.
    Time,
    /// A JSON object as text; also the object itself.
    Json,
    Texts,
    Structure(&'static [(&'static str, Self)]),
    Structures(&'static [(&'static str, Self)]),
    /// Texts by name; also a list of `Key` and `Value`.
    Tags,
    /// Lists of servers by kind.
    Endpoints,
}

use Shape::{Boolean, Endpoints, Integer, Structure, Structures, Tags, Text, Texts, Time};

const ACCESS: &[(&str, Shape)] = &[("Type", Text), ("URI", Text)];

const DESTINATION: &[(&str, Shape)] = &[("Destination", Text)];

const REGISTRY: &[(&str, Shape)] = &[
    ("SchemaRegistryURI", Text),
    ("EventRecordFormat", Text),
    ("AccessConfigs", Structures(ACCESS)),
    (
        "SchemaValidationConfigs",
        Structures(&[("Attribute", Text)]),
    ),
];

const REQUEST: &[(&str, Shape)] = &[
    ("EventSourceArn", Text),
    ("FunctionName", Text),
    ("Enabled", Boolean),
    ("BatchSize", Integer),
    (
        "FilterCriteria",
        Structure(&[("Filters", Structures(&[("Pattern", Shape::Json)]))]),
    ),
    ("KMSKeyArn", Text),
    ("MetricsConfig", Structure(&[("Metrics", Texts)])),
    ("LoggingConfig", Structure(&[("SystemLogLevel", Text)])),
    (
        "ScalingConfig",
        Structure(&[("MaximumConcurrency", Integer)]),
    ),
    ("MaximumBatchingWindowInSeconds", Integer),
    ("ParallelizationFactor", Integer),
    ("StartingPosition", Text),
    ("StartingPositionTimestamp", Time),
    (
        "DestinationConfig",
        Structure(&[
            ("OnFailure", Structure(DESTINATION)),
            ("OnSuccess", Structure(DESTINATION)),
        ]),
    ),
    ("MaximumRecordAgeInSeconds", Integer),
    ("BisectBatchOnFunctionError", Boolean),
    ("MaximumRetryAttempts", Integer),
    ("Tags", Tags),
    ("TumblingWindowInSeconds", Integer),
    ("Topics", Texts),
    ("Queues", Texts),
    ("SourceAccessConfigurations", Structures(ACCESS)),
    (
        "SelfManagedEventSource",
        Structure(&[("Endpoints", Endpoints)]),
    ),
    ("FunctionResponseTypes", Texts),
    (
        "AmazonManagedKafkaEventSourceConfig",
        Structure(&[
            ("ConsumerGroupId", Text),
            ("SchemaRegistryConfig", Structure(REGISTRY)),
        ]),
    ),
    (
        "SelfManagedKafkaEventSourceConfig",
        Structure(&[
            ("ConsumerGroupId", Text),
            ("ConsumptionMode", Text),
            ("SchemaRegistryConfig", Structure(REGISTRY)),
        ]),
    ),
    (
        "DocumentDBEventSourceConfig",
        Structure(&[
            ("DatabaseName", Text),
            ("CollectionName", Text),
            ("FullDocument", Text),
        ]),
    ),
    (
        "ProvisionedPollerConfig",
        Structure(&[
            ("MinimumPollers", Integer),
            ("MaximumPollers", Integer),
            ("PollerGroupName", Text),
        ]),
    ),
];

/// Returns the shape of a member by its path, such as `ScalingConfig.MaximumConcurrency`.
pub(crate) fn shape(path: &str) -> Option<Shape> {
    let mut shape = Structure(REQUEST);
    for step in path.split('.') {
        let Structure(members) = shape else {
            return None;
        };
        shape = members.iter().find(|(name, _)| *name == step)?.1;
    }
    Some(shape)
}

/// Turns a value into what the request has; `None` if it has no place there, which is then listed.
pub(crate) fn convert(
    node: &Node,
    shape: Shape,
    path: &str,
    findings: &mut Findings,
) -> Option<Json> {
    if matches!(node.value, Value::Null) {
        return None;
    }
    match shape {
        // That it is not known was listed where that was found.
        Integer | Boolean | Time if is_placeholder(node) => None,
        Integer => or_list(
            node.integer().map(Json::from),
            "an integer",
            node,
            path,
            findings,
        ),
        Boolean => or_list(
            node.boolean().map(Json::from),
            "true or false",
            node,
            path,
            findings,
        ),
        Time => or_list(
            seconds(node),
            "a time, in seconds since 1970 or as 2026-01-01T00:00:00Z",
            node,
            path,
            findings,
        ),
        Text => or_list(node.scalar().map(Json::from), "text", node, path, findings),
        Shape::Json => {
            let text = match &node.value {
                Value::Map(_) => Some(node.to_json().to_string()),
                _ => node.scalar(),
            };
            or_list(
                text.map(Json::from),
                "a JSON object as text",
                node,
                path,
                findings,
            )
        }
        Texts => texts(node, path, findings),
        Structure(members) => structure(node, members, path, findings),
        Structures(members) => {
            if !matches!(node.value, Value::List(_)) {
                return or_list(None, "a list", node, path, findings);
            }
            let items = node.items().iter().enumerate();
            let items = items.filter_map(|(index, item)| {
                structure(item, members, &format!("{path}[{index}]"), findings)
            });
            Some(items.collect())
        }
        Tags => tags(node, path, findings),
        Endpoints => {
            let mut kinds = Map::new();
            for member in node.members() {
                let path = join(path, &member.key);
                let key = match member.key.as_str() {
                    "KafkaBootstrapServers" => "KAFKA_BOOTSTRAP_SERVERS",
                    key => key,
                };
                if let Some(servers) = texts(&member.node, &path, findings) {
                    kinds.insert(key.to_owned(), servers);
                }
            }
            or_list(
                (!kinds.is_empty()).then_some(Json::Object(kinds)),
                "a map of servers",
                node,
                path,
                findings,
            )
        }
    }
}

fn or_list(
    value: Option<Json>,
    expected: &str,
    node: &Node,
    path: &str,
    findings: &mut Findings,
) -> Option<Json> {
    if value.is_none() {
        let reason = format!("must be {expected}, not {}", node.kind());
        findings.list(
            node,
            path,
            reason,
            "AWS would refuse it, too: correct the template",
        );
    }
    value
}

fn structure(
    node: &Node,
    members: &[(&str, Shape)],
    path: &str,
    findings: &mut Findings,
) -> Option<Json> {
    if !matches!(node.value, Value::Map(_)) {
        return or_list(None, "a map", node, path, findings);
    }
    let mut structure = Map::new();
    for member in node.members() {
        let path = join(path, &member.key);
        match members.iter().find(|(name, _)| *name == member.key) {
            Some((name, shape)) => {
                if let Some(value) = convert(&member.node, *shape, &path, findings) {
                    structure.insert((*name).to_owned(), value);
                }
            }
            None if member.key == "Type" && path.ends_with(".OnFailure.Type") => findings.list(
                &member.node,
                &path,
                "only says which permission the function needs",
                "nothing to do: the destination's ARN tells what it is",
            ),
            None => unknown(&member.node, &path, findings),
        }
    }
    Some(Json::Object(structure))
}

/// Lists a property that the API does not have.
pub(crate) fn unknown(node: &Node, path: &str, findings: &mut Findings) {
    findings.list(
        node,
        path,
        "the API of event source mappings has no such property",
        "see to its spelling, or leave it out",
    );
}

/// Reads a list of texts, a list of them separated by commas, or one text.
fn texts(node: &Node, path: &str, findings: &mut Findings) -> Option<Json> {
    let texts: Option<Vec<String>> = match &node.value {
        Value::List(items) => items.iter().map(Node::scalar).collect(),
        _ => node.scalar().map(|text| {
            let parts = text.split(',').map(|part| part.trim().to_owned());
            parts.collect()
        }),
    };
    or_list(
        texts.map(Json::from),
        "a list of texts",
        node,
        path,
        findings,
    )
}

fn tags(node: &Node, path: &str, findings: &mut Findings) -> Option<Json> {
    let pairs: Option<Map<String, Json>> = match &node.value {
        Value::Map(members) => members
            .iter()
            .map(|member| Some((member.key.clone(), member.node.scalar()?.into())))
            .collect(),
        Value::List(items) => items
            .iter()
            .map(|item| {
                let text = |key| item.get(key).and_then(Node::scalar);
                Some((text("Key")?, text("Value")?.into()))
            })
            .collect(),
        _ => None,
    };
    or_list(
        pairs.map(Json::Object),
        "a map of texts, or a list of Key and Value",
        node,
        path,
        findings,
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this age fit a double, which the API has"
)]
fn seconds(node: &Node) -> Option<Json> {
    let text = node.scalar()?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(Json::from(seconds));
    }
    let time: Timestamp = text.parse().ok()?;
    Some(Json::from(time.as_millisecond() as f64 / 1000.0))
}
