//! The mappings of a template.

use super::resources::{function, left_out, source};
use super::sam;
use super::template::Template;
use crate::import::draft::Draft;
use crate::import::gathered::Gathered;
use crate::import::node::{Member, Node, Value, join};

/// Gathers what the resources of a template say.
pub(crate) fn gather(template: &mut Template<'_>, gathered: &mut Gathered) {
    if let Some(resources) = template.root.get("Resources")
        && !matches!(resources.value, Value::Map(_))
    {
        let way_out = "write each resource as NAME: { Type: …, Properties: … }";
        template.findings.refuse(
            resources,
            "Resources",
            format!("must be a map, not {}", resources.kind()),
            way_out,
        );
    }
    for resource in template.resources() {
        let path = join("Resources", &resource.key);
        if resource.key.starts_with("Fn::") {
            let reason = format!(
                "{} is worked out by AWS before it reads the template",
                resource.key
            );
            let way_out = "import the template that CloudFormation shows as processed";
            template
                .findings
                .list(&resource.node, &path, reason, way_out);
            continue;
        }
        if !matches!(resource.node.value, Value::Map(_)) {
            let way_out = "write a resource as NAME: { Type: …, Properties: … }";
            template.findings.refuse(
                &resource.node,
                &path,
                format!("must be a map, not {}", resource.node.kind()),
                way_out,
            );
            continue;
        }
        let kind = resource
            .node
            .get("Type")
            .and_then(Node::as_text)
            .unwrap_or_default();
        match kind {
            "AWS::Lambda::EventSourceMapping" => mapping(template, resource, &path, gathered),
            "AWS::Lambda::Function" => {
                let found = function(template, resource, &path);
                gathered.functions.extend(found);
            }
            "AWS::Serverless::Function" => sam::function(template, resource, &path, gathered),
            _ => source(template, resource, &path, gathered),
        }
    }
}

fn mapping(template: &mut Template<'_>, resource: &Member, path: &str, gathered: &mut Gathered) {
    if !template.is_there(&resource.node, path) {
        left_out(template, resource, path);
        return;
    }
    let path = join(path, "Properties");
    let mut draft = Draft::new(resource.at, path.clone());
    let properties = resource
        .node
        .get("Properties")
        .map_or(&[][..], Node::members);
    for property in properties {
        let path = join(&path, &property.key);
        let target = match property.key.as_str() {
            "KmsKeyArn" => "KMSKeyArn",
            key => key,
        };
        if let Some(node) = template.resolve(&property.node, &path) {
            draft.put(
                target,
                path,
                Node {
                    at: property.at,
                    ..node
                },
            );
        }
    }
    gathered.drafts.push(draft);
}
