//! The formats, and how they are told apart.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::node::{Node, Value};

/// What a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// A CloudFormation template, also one that CDK made.
    CloudFormation,
    /// A template of the Serverless Application Model.
    Sam,
    /// A `serverless.yml` of the Serverless Framework.
    Serverless,
    /// What `terraform show -json` prints of a state or a plan.
    Terraform,
    /// What `aws lambda get-event-source-mapping` or `list-event-source-mappings` prints.
    Api,
}

impl Format {
    /// All of them by name.
    pub const NAMES: [(&str, Self); 6] = [
        ("sam", Self::Sam),
        ("cloudformation", Self::CloudFormation),
        ("cdk", Self::CloudFormation),
        ("serverless", Self::Serverless),
        ("terraform", Self::Terraform),
        ("api", Self::Api),
    ];

    /// Tells a template by its content; `None` if it looks like none of them.
    pub(crate) fn of(root: &Node) -> Option<Self> {
        let has = |key: &str| root.get(key).is_some();
        let is_mapping =
            |node: &Node| node.get("UUID").is_some() || node.get("EventSourceMappingArn").is_some();
        if let Value::List(items) = &root.value {
            let all = !items.is_empty()
                && items
                    .iter()
                    .all(|item| is_mapping(item) || item.get("FunctionArn").is_some());
            return all.then_some(Self::Api);
        }
        if has("EventSourceMappings") || is_mapping(root) {
            Some(Self::Api)
        } else if has("terraform_version") || has("format_version") || has("planned_values") {
            Some(Self::Terraform)
        } else if has("Resources") && is_sam(root) {
            Some(Self::Sam)
        } else if has("Resources") || has("AWSTemplateFormatVersion") {
            Some(Self::CloudFormation)
        } else if has("service") && has("provider") || has("functions") {
            Some(Self::Serverless)
        } else {
            None
        }
    }
}

fn is_sam(root: &Node) -> bool {
    let resources = root.get("Resources").map_or(&[][..], Node::members);
    root.get("Transform")
        .is_some_and(|transform| transform.shown().contains("AWS::Serverless"))
        || resources.iter().any(|resource| {
            let kind = resource.node.get("Type").and_then(Node::as_text);
            kind.is_some_and(|kind| kind.starts_with("AWS::Serverless::"))
        })
}

/// Writes it in words.
impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CloudFormation => "a CloudFormation template",
            Self::Sam => "a SAM template",
            Self::Serverless => "a serverless.yml",
            Self::Terraform => "the output of `terraform show -json`",
            Self::Api => "the output of `aws lambda list-event-source-mappings`",
        })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}
