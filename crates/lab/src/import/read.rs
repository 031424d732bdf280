//! Reads a template.

use super::api;
use super::cloudformation::{self, Template};
use super::findings::Findings;
use super::format::Format;
use super::gathered::Gathered;
use super::imported::{ImportSettings, Imported};
use super::node::{Node, Value};
use super::parse::parse;
use super::place::Place;
use super::problem::ImportProblem;
use super::serverless;
use super::terraform;

/// Imports a template: YAML or JSON in UTF-8, 4 MiB at most.
///
/// # Errors
/// All that makes it unreadable, in the order of the template: broken syntax, functions of templates that are misused,
/// references to nothing or in a circle, no mapping at all.
pub fn import(bytes: &[u8], settings: &ImportSettings) -> Result<Imported, Vec<ImportProblem>> {
    let root = parse(bytes).map_err(|problem| vec![*problem])?;
    let format = settings
        .format
        .or_else(|| Format::of(&root))
        .ok_or_else(|| vec![unrecognised(&root)])?;
    let place = Place::new(settings.region.as_deref(), settings.account_id.as_deref());
    let mut gathered = Gathered::default();
    match format {
        Format::CloudFormation | Format::Sam => {
            let mut template = Template::new(&root, place, settings.parameters.clone());
            cloudformation::gather(&mut template, &mut gathered);
            template.list_unused();
            gathered.finish(format, template.place, template.findings)
        }
        Format::Api => {
            let mut findings = Findings::default();
            let place = api::gather(&root, settings, &mut gathered, &mut findings);
            gathered.finish(format, place, findings)
        }
        Format::Terraform => {
            let (place, findings) = terraform::gather(&root, settings, &mut gathered);
            gathered.finish(format, place, findings)
        }
        Format::Serverless => {
            let (place, findings) = serverless::gather(&root, settings, &mut gathered);
            gathered.finish(format, place, findings)
        }
    }
}

fn unrecognised(root: &Node) -> ImportProblem {
    let reason = match &root.value {
        Value::Map(_) => "looks like none of the templates that can be imported".to_owned(),
        _ => format!("must be a map of sections, not {}", root.kind()),
    };
    ImportProblem {
        line: Some(root.at.line),
        column: Some(root.at.column),
        ..ImportProblem::whole(
            reason,
            "name a SAM, CloudFormation or CDK template, a serverless.yml, or the output of `terraform show -json` or \
             `aws lambda list-event-source-mappings`; --format says how to read it",
        )
    }
}
