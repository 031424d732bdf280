//! What `aws lambda get-event-source-mapping` and `list-event-source-mappings` print.

use super::draft::Draft;
use super::findings::Findings;
use super::gathered::Gathered;
use super::imported::ImportSettings;
use super::node::{Node, Value, join};
use super::place::Place;

/// What is said of a mapping and is no setting of it.
const FACTS: [&str; 7] = [
    "UUID",
    "LastModified",
    "LastProcessingResult",
    "StateTransitionReason",
    "EventSourceMappingArn",
    "NextToken",
    "ResponseMetadata",
];

/// The states of a mapping that polls, or will (Lambda API reference, `State`).
const ENABLED: [&str; 4] = ["Creating", "Enabling", "Enabled", "Updating"];

/// Gathers the mappings.
pub(crate) fn gather(
    root: &Node,
    settings: &ImportSettings,
    gathered: &mut Gathered,
    findings: &mut Findings,
) -> Place {
    let (list, path) = match (&root.value, root.get("EventSourceMappings")) {
        (_, Some(list)) => (list.items(), "EventSourceMappings"),
        (Value::List(items), None) => (items.as_slice(), ""),
        _ => (std::slice::from_ref(root), ""),
    };
    if let Some(list) = root.get("EventSourceMappings")
        && !matches!(list.value, Value::List(_))
    {
        let rule = format!("must be a list of mappings, not {}", list.kind());
        findings.refuse(list, path, rule, "give it as the AWS CLI prints it");
    }
    if let Some(more) = root
        .get("NextToken")
        .filter(|token| !matches!(token.value, Value::Null))
    {
        let reason = "the list goes on behind this page";
        findings.list(
            more,
            "NextToken",
            reason,
            "print it whole: the AWS CLI does without --max-items and --no-paginate",
        );
    }
    for (index, item) in list.iter().enumerate() {
        let path = match &root.value {
            Value::Map(_) if path.is_empty() => String::new(),
            _ => format!("{path}[{index}]"),
        };
        mapping(item, &path, gathered, findings);
    }
    let arn = list
        .iter()
        .find_map(|item| item.get("FunctionArn")?.as_text());
    let part = |index: usize| {
        arn.and_then(|arn| arn.split(':').nth(index))
            .filter(|part| !part.is_empty())
    };
    Place::new(
        settings.region.as_deref().or_else(|| part(3)),
        settings.account_id.as_deref().or_else(|| part(4)),
    )
}

fn mapping(item: &Node, path: &str, gathered: &mut Gathered, findings: &mut Findings) {
    if !matches!(item.value, Value::Map(_)) {
        let rule = format!(
            "must be a mapping as the AWS CLI prints it, not {}",
            item.kind()
        );
        findings.refuse(item, path, rule, "print it with --output json");
        return;
    }
    let mut draft = Draft::new(item.at, path);
    for member in item.members() {
        let path = join(path, &member.key);
        let node = Node {
            at: member.at,
            ..member.node.clone()
        };
        match member.key.as_str() {
            "FunctionArn" => draft.put("FunctionName", path, node),
            "State" => {
                let enabled = node.as_text().is_some_and(|state| ENABLED.contains(&state));
                if node.as_text() == Some("Deleting") {
                    findings.list(
                        &node,
                        &path,
                        "the mapping is being deleted, and is carried as a disabled one",
                        "remove it from the emitted file",
                    );
                }
                draft.put("Enabled", path, Node::new(node.at, Value::Bool(enabled)));
            }
            "FilterCriteriaError" => findings.list(
                &node,
                &path,
                "AWS could not decrypt the filters to show them",
                "add FilterCriteria to the emitted file",
            ),
            fact if FACTS.contains(&fact) => {}
            name => draft.put(name, path, node),
        }
    }
    gathered.drafts.push(draft);
}
