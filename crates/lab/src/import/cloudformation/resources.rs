//! The functions and the sources of a template.

use super::template::Template;
use crate::import::gathered::{Broker, Gathered};
use crate::import::imported::{ImportedFunction, ImportedSource, Origin};
use crate::import::node::{Member, Node};

/// The timeout and the memory of functions whose template does not say (Lambda API reference, `CreateFunction`).
const DEFAULTS: (u32, u32) = (3, 128);

/// The visibility timeout of a queue whose template does not say, in seconds (SQS API reference, `CreateQueue`).
pub(crate) const VISIBILITY_SECONDS: u32 = 30;

/// The retention of a stream whose template does not say, in hours (Kinesis API reference, `CreateStream`).
pub(crate) const RETENTION_HOURS: u32 = 24;

/// Reads a function.
pub(super) fn function(
    template: &mut Template<'_>,
    resource: &Member,
    path: &str,
) -> Option<ImportedFunction> {
    let logical = &resource.key;
    let name = template.name_of(logical, &resource.node, path)?;
    let globals = template.root.at_path(&["Globals", "Function"]);
    let mut value = |property: &str| {
        let own = template.property(logical, property);
        own.or_else(|| {
            template.resolve(
                globals?.get(property)?,
                &format!("Globals.Function.{property}"),
            )
        })
    };
    Some(ImportedFunction {
        name,
        timeout_seconds: Some(
            value("Timeout")
                .and_then(|node| node.count())
                .unwrap_or(DEFAULTS.0),
        ),
        memory_mb: Some(
            value("MemorySize")
                .and_then(|node| node.count())
                .unwrap_or(DEFAULTS.1),
        ),
        reserved_concurrency: value("ReservedConcurrentExecutions").and_then(|node| node.count()),
        runtime: value("Runtime").and_then(|node| node.scalar()),
        handler: value("Handler").and_then(|node| node.scalar()),
        origin: Some(origin(resource, path)),
    })
}

fn origin(resource: &Member, path: &str) -> Origin {
    Origin {
        line: resource.at.line,
        path: path.to_owned(),
    }
}

/// Reads a resource that a mapping may read.
pub(super) fn source(
    template: &mut Template<'_>,
    resource: &Member,
    path: &str,
    gathered: &mut Gathered,
) {
    let logical = &resource.key;
    let kind = resource
        .node
        .get("Type")
        .and_then(Node::as_text)
        .unwrap_or_default();
    let service = match kind {
        "AWS::SQS::Queue" => "sqs",
        "AWS::Kinesis::Stream" => "kinesis",
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => "dynamodb",
        "AWS::AmazonMQ::Broker" => "mq",
        _ => return,
    };
    let Some(name) = template.name_of(logical, &resource.node, path) else {
        return;
    };
    let arn = template.place.source(service, &name);
    let origin = Some(origin(resource, path));
    let mut value = |property: &str| template.property(logical, property);
    match service {
        "sqs" => {
            let redrive = value("RedrivePolicy");
            let redrive = |key: &str| redrive.as_ref().and_then(|policy| policy.get(key));
            gathered.sources.push(ImportedSource::Queue {
                fifo: name.ends_with(".fifo"),
                visibility_timeout_seconds: Some(
                    value("VisibilityTimeout")
                        .and_then(|node| node.count())
                        .unwrap_or(VISIBILITY_SECONDS),
                ),
                max_receive_count: redrive("maxReceiveCount").and_then(Node::count),
                dead_letter_queue: redrive("deadLetterTargetArn").and_then(Node::scalar),
                arn,
                origin,
            });
        }
        "kinesis" => {
            let mode = value("StreamModeDetails");
            let mode = mode.as_ref().and_then(|details| details.get("StreamMode"));
            let shards = value("ShardCount").and_then(|node| node.count());
            let on_demand = mode.and_then(Node::as_text) == Some("ON_DEMAND");
            gathered.sources.push(ImportedSource::KinesisStream {
                shards: if on_demand { None } else { shards },
                on_demand,
                retention_hours: Some(
                    value("RetentionPeriodHours")
                        .and_then(|node| node.count())
                        .unwrap_or(RETENTION_HOURS),
                ),
                arn,
                origin,
            });
        }
        "dynamodb" => {
            if let Some(stream) = value("StreamSpecification") {
                let view = stream.get("StreamViewType").and_then(Node::scalar);
                gathered
                    .sources
                    .push(ImportedSource::TableStream { arn, view, origin });
            }
        }
        _ => {
            let engine = value("EngineType").and_then(|engine| engine.scalar());
            gathered.brokers.push(Broker {
                arn,
                engine,
                origin,
            });
        }
    }
}

/// Lists a mapping whose condition does not hold.
pub(super) fn left_out(template: &mut Template<'_>, member: &Member, path: &str) {
    let condition = member
        .node
        .get("Condition")
        .and_then(Node::scalar)
        .unwrap_or_default();
    let reason = format!("its condition {condition} does not hold");
    let way_out = "give parameters with which it holds by --parameter NAME=VALUE";
    template.findings.list(
        &Node::new(member.at, member.node.value.clone()),
        path,
        reason,
        way_out,
    );
}
