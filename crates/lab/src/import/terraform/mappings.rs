//! The mappings, functions and sources of a state or a plan.

use super::names::{ASSIGNED, is_unset, name, translate};
use super::plan::{Plan, Resource};
use crate::import::draft::Draft;
use crate::import::findings::Findings;
use crate::import::gathered::{Broker, Gathered};
use crate::import::imported::{ImportSettings, ImportedFunction, ImportedSource, Origin};
use crate::import::node::{Node, Value, join};
use crate::import::parse::parse;
use crate::import::place::Place;

/// Gathers what the resources say.
pub(crate) fn gather(
    root: &Node,
    settings: &ImportSettings,
    gathered: &mut Gathered,
) -> (Place, Findings) {
    let mut plan = Plan::read(root, settings);
    if plan.root.get("planned_values").is_none() && plan.root.get("values").is_none() {
        let (reason, way_out) = match root.get("resources") {
            Some(_) => (
                "is a state file itself",
                "give the output of `terraform show -json`",
            ),
            None => (
                "has neither values nor planned_values",
                "give the output of `terraform show -json` of a state or a plan that is not empty",
            ),
        };
        plan.findings
            .refuse_at(root.at, "values", None, (reason, way_out));
    }
    for resource in plan.resources.clone() {
        match resource.kind {
            "aws_lambda_event_source_mapping" => mapping(&mut plan, &resource, gathered),
            "aws_lambda_function" => gathered.functions.extend(function(&plan, &resource)),
            _ => source(&mut plan, &resource, gathered),
        }
    }
    (plan.place, plan.findings)
}

fn mapping(plan: &mut Plan<'_>, resource: &Resource<'_>, gathered: &mut Gathered) {
    let mut draft = Draft::new(resource.at, resource.address.as_str());
    let configured = plan
        .configuration(resource)
        .and_then(|found| found.get("expressions"));
    let mut attributes: Vec<&str> = Vec::new();
    for holder in [resource.values, configured].into_iter().flatten() {
        for member in holder.members() {
            if !attributes.contains(&member.key.as_str()) {
                attributes.push(&member.key);
            }
        }
    }
    for attribute in attributes
        .into_iter()
        .filter(|attribute| !ASSIGNED.contains(attribute))
    {
        let Some(node) = plan.attribute(resource, attribute) else {
            continue;
        };
        if is_unset(&node) {
            continue;
        }
        let path = join(&resource.address, attribute);
        match name(attribute) {
            Some(api) => draft.put_unless_unset(api, path, translate(api, &node)),
            None => draft.put(attribute, path, node),
        }
    }
    gathered.drafts.push(draft);
}

fn origin(resource: &Resource<'_>) -> Option<Origin> {
    Some(Origin {
        line: resource.at.line,
        path: resource.address.clone(),
    })
}

fn function(plan: &Plan<'_>, resource: &Resource<'_>) -> Option<ImportedFunction> {
    let count = |attribute: &str| resource.value(attribute).and_then(Node::count);
    Some(ImportedFunction {
        name: plan.name_of(resource)?,
        timeout_seconds: Some(count("timeout").unwrap_or(3)),
        memory_mb: Some(count("memory_size").unwrap_or(128)),
        // -1, which is no count, is for none.
        reserved_concurrency: count("reserved_concurrent_executions"),
        runtime: resource.text("runtime"),
        handler: resource.text("handler"),
        origin: origin(resource),
    })
}

fn source(plan: &mut Plan<'_>, resource: &Resource<'_>, gathered: &mut Gathered) {
    let count = |attribute: &str| resource.value(attribute).and_then(Node::count);
    let arn = |plan: &Plan<'_>, attribute: &str| {
        resource
            .text(attribute)
            .or_else(|| plan.made(resource, attribute))
    };
    match resource.kind {
        "aws_sqs_queue" => {
            let Some(arn) = arn(plan, "arn") else { return };
            let policy = redrive(plan, resource);
            let of_policy = |key: &str| policy.as_ref().and_then(|policy| policy.get(key));
            gathered.sources.push(ImportedSource::Queue {
                fifo: arn.ends_with(".fifo"),
                visibility_timeout_seconds: Some(count("visibility_timeout_seconds").unwrap_or(30)),
                max_receive_count: of_policy("maxReceiveCount").and_then(Node::count),
                dead_letter_queue: of_policy("deadLetterTargetArn").and_then(Node::scalar),
                arn,
                origin: origin(resource),
            });
        }
        "aws_kinesis_stream" => {
            let Some(arn) = arn(plan, "arn") else { return };
            let mode = resource
                .value("stream_mode_details")
                .and_then(|list| list.items().first()?.get("stream_mode"));
            let on_demand = mode.and_then(Node::as_text) == Some("ON_DEMAND");
            gathered.sources.push(ImportedSource::KinesisStream {
                shards: if on_demand {
                    None
                } else {
                    count("shard_count")
                },
                on_demand,
                retention_hours: Some(count("retention_period").unwrap_or(24)),
                arn,
                origin: origin(resource),
            });
        }
        "aws_dynamodb_table" => {
            let Some(arn) = arn(plan, "stream_arn") else {
                return;
            };
            if resource.value("stream_enabled").and_then(Node::boolean) == Some(true) {
                let view = resource.text("stream_view_type");
                gathered.sources.push(ImportedSource::TableStream {
                    arn,
                    view,
                    origin: origin(resource),
                });
            }
        }
        "aws_mq_broker" => {
            let Some(arn) = arn(plan, "arn") else { return };
            gathered.brokers.push(Broker {
                arn,
                engine: resource.text("engine_type"),
                origin: origin(resource),
            });
        }
        _ => {}
    }
}

/// Returns the redrive policy of a queue, which is JSON as text, also if it is a resource by itself.
fn redrive(plan: &Plan<'_>, queue: &Resource<'_>) -> Option<Node> {
    let apart = || {
        let url = queue.text("id").or_else(|| queue.text("url"))?;
        let mut policies = plan.resources.iter();
        let policy = policies.find(|policy| {
            policy.kind == "aws_sqs_queue_redrive_policy"
                && policy.text("queue_url").as_ref() == Some(&url)
        });
        policy?.text("redrive_policy")
    };
    let text = queue.text("redrive_policy").or_else(apart)?;
    let policy = parse(text.as_bytes()).ok()?;
    matches!(policy.value, Value::Map(_)).then_some(policy)
}
