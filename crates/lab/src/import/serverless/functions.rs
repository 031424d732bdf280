//! The functions of a `serverless.yml`, and the resources beside them.

use super::events;
use super::variables::Variables;
use crate::import::cloudformation::{self, Template};
use crate::import::findings::{Findings, is_placeholder};
use crate::import::gathered::Gathered;
use crate::import::imported::{ImportSettings, ImportedFunction, Origin};
use crate::import::node::{Member, Node, Value, join};
use crate::import::place::Place;

/// The timeout and the memory of functions whose file does not say (documentation of the Serverless Framework,
/// "Functions").
const DEFAULTS: (u32, u32) = (6, 1024);

/// Gathers what the file says.
pub(crate) fn gather(
    root: &Node,
    settings: &ImportSettings,
    gathered: &mut Gathered,
) -> (Place, Findings) {
    let variables = Variables { root };
    let nothing = Node::new(root.at, Value::Null);
    let mut template = Template::new(
        &nothing,
        Place::new(settings.region.as_deref(), settings.account_id.as_deref()),
        settings.parameters.clone(),
    );
    if settings.region.is_none()
        && let Some(region) = root.at_path(&["provider", "region"])
    {
        let region = variables.resolve(region, "provider.region", &mut template);
        let region = region.scalar().filter(|_| !is_placeholder(&region));
        template.place = Place::new(region.as_deref(), settings.account_id.as_deref());
    }
    let resources = resources(root, variables, &mut template);
    template.root = &resources;
    let functions = functions(root, variables, &mut template);
    for (function, logical) in &functions {
        template
            .added
            .insert(logical.clone(), function.name.clone());
    }
    cloudformation::gather(&mut template, gathered);
    let described = members(root.get("functions"));
    for ((function, _), member) in functions.into_iter().zip(described) {
        let path = join("functions", &member.key);
        events_of(
            &member,
            &path,
            &function.name,
            variables,
            &mut template,
            gathered,
        );
        gathered.functions.push(function);
    }
    template.list_unused();
    (template.place, template.findings)
}

/// Returns the members of a section, which may also be a list of maps.
fn members(section: Option<&Node>) -> Vec<Member> {
    let Some(section) = section else {
        return Vec::new();
    };
    let listed = section
        .items()
        .iter()
        .flat_map(|item| item.members().iter());
    section.members().iter().chain(listed).cloned().collect()
}

/// Returns the CloudFormation template of the section `resources`, its variables replaced where that matters.
fn resources(root: &Node, variables: Variables<'_>, template: &mut Template<'_>) -> Node {
    let mut sections: Vec<Member> = Vec::new();
    for section in members(root.get("resources")) {
        let mut entries = Vec::new();
        for entry in section.node.members() {
            let path = format!("resources.{}.{}", section.key, entry.key);
            let kind = entry
                .node
                .get("Type")
                .and_then(Node::as_text)
                .unwrap_or_default();
            let matters = section.key != "Resources" || cloudformation::is_known(kind);
            let node = if matters {
                variables.resolve(&entry.node, &path, template)
            } else {
                entry.node.clone()
            };
            entries.push(Member {
                node,
                ..entry.clone()
            });
        }
        match sections.iter_mut().find(|known| known.key == section.key) {
            Some(Member {
                node:
                    Node {
                        value: Value::Map(known),
                        ..
                    },
                ..
            }) => known.extend(entries),
            _ => sections.push(Member {
                node: Node::new(section.node.at, Value::Map(entries)),
                ..section
            }),
        }
    }
    Node::new(root.at, Value::Map(sections))
}

/// Reads the functions, each with the logical id that the framework gives it.
fn functions(
    root: &Node,
    variables: Variables<'_>,
    template: &mut Template<'_>,
) -> Vec<(ImportedFunction, String)> {
    let mut scalar = |node: Option<&Node>, path: &str| {
        let node = variables.resolve(node?, path, template);
        let node = template.resolve(&node, path)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    };
    let service = root.get("service");
    let service = scalar(
        service.and_then(|service| service.get("name")).or(service),
        "service",
    );
    let service = service
        .and_then(|name| name.scalar())
        .unwrap_or_else(|| "service".to_owned());
    let stage = Node::text(root.at, "${sls:stage}");
    let stage = scalar(Some(&stage), "provider.stage")
        .and_then(|stage| stage.scalar())
        .unwrap_or_default();
    let mut functions = Vec::new();
    for member in members(root.get("functions")) {
        let path = join("functions", &member.key);
        let mut value = |key: &str| {
            let own = scalar(member.node.get(key), &join(&path, key));
            own.or_else(|| scalar(root.at_path(&["provider", key]), &join("provider", key)))
        };
        let name = value("name").filter(|_| member.node.get("name").is_some());
        let name = name.and_then(|name| name.scalar());
        let function = ImportedFunction {
            name: name.unwrap_or_else(|| format!("{service}-{stage}-{}", member.key)),
            timeout_seconds: Some(
                value("timeout")
                    .and_then(|node| node.count())
                    .unwrap_or(DEFAULTS.0),
            ),
            memory_mb: Some(
                value("memorySize")
                    .and_then(|node| node.count())
                    .unwrap_or(DEFAULTS.1),
            ),
            reserved_concurrency: value("reservedConcurrency").and_then(|node| node.count()),
            runtime: value("runtime").and_then(|node| node.scalar()),
            handler: value("handler").and_then(|node| node.scalar()),
            origin: Some(Origin {
                line: member.at.line,
                path,
            }),
        };
        functions.push((function, logical_id(&member.key)));
    }
    functions
}

/// Returns the logical id of a function (documentation of the Serverless Framework, "Resources").
fn logical_id(key: &str) -> String {
    let key = key.replace('-', "Dash").replace('_', "Underscore");
    let mut letters = key.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!(
        "{}{}LambdaFunction",
        first.unwrap_or_default(),
        letters.as_str()
    )
}

fn events_of(
    function: &Member,
    path: &str,
    name: &str,
    variables: Variables<'_>,
    template: &mut Template<'_>,
    gathered: &mut Gathered,
) {
    let Some(events) = function.node.get("events") else {
        return;
    };
    let path = join(path, "events");
    let events = variables.resolve(events, &path, template);
    if !matches!(events.value, Value::List(_) | Value::Null) {
        let rule = format!("must be a list of events, not {}", events.kind());
        template
            .findings
            .refuse(&events, &path, rule, "write events: [ { sqs: … } ]");
    }
    for (index, item) in events.items().iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(event) = item.members().first() else {
            other(item, &path, &item.shown(), template);
            continue;
        };
        let path = join(&path, &event.key);
        if !events::is_mapping(&event.key) {
            other(item, &path, &event.key, template);
            continue;
        }
        let Some(node) = template.resolve(&event.node, &path) else {
            continue;
        };
        let event = Member {
            node,
            ..event.clone()
        };
        let function = Node::text(function.at, name);
        let draft = events::draft(&event, &path, function, template);
        gathered.drafts.push(draft);
    }
}

/// Lists an event that is no event source mapping.
fn other(item: &Node, path: &str, kind: &str, template: &mut Template<'_>) {
    let reason = format!("{kind} calls the function without an event source mapping");
    template.findings.list(
        item,
        path,
        reason,
        "nothing to do: only mappings are imported",
    );
}
