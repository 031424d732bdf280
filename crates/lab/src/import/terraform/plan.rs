//! The resources of a state or a plan, and the configuration behind them.

use std::collections::BTreeMap;

use crate::import::findings::Findings;
use crate::import::imported::ImportSettings;
use crate::import::node::{Node, Position, Value};
use crate::import::place::Place;

/// A state or a plan.
pub(super) struct Plan<'t> {
    pub(super) root: &'t Node,
    pub(super) place: Place,
    pub(super) resources: Vec<Resource<'t>>,
    pub(super) findings: Findings,
    /// Values by reference, such as `local.queue_arn`.
    pub(super) given: &'t BTreeMap<String, String>,
}

/// A resource.
#[derive(Clone)]
pub(super) struct Resource<'t> {
    /// For example `module.shop.aws_sqs_queue.orders[0]`.
    pub(super) address: String,
    /// The modules around it, outermost first, without their indexes.
    pub(super) module: Vec<String>,
    /// The address of the module around it, with its index; empty for the root.
    pub(super) instance: String,
    pub(super) kind: &'t str,
    pub(super) name: &'t str,
    /// Which one it is of those that `count` or `for_each` make.
    pub(super) index: Option<String>,
    pub(super) values: Option<&'t Node>,
    pub(super) at: Position,
}

impl<'t> Resource<'t> {
    /// Returns an attribute that is known.
    pub(super) fn value(&self, attribute: &str) -> Option<&'t Node> {
        let value = self.values?.get(attribute)?;
        (!matches!(value.value, Value::Null)).then_some(value)
    }

    /// Returns an attribute that is known, as text that is not empty.
    pub(super) fn text(&self, attribute: &str) -> Option<String> {
        self.value(attribute)?
            .scalar()
            .filter(|text| !text.is_empty())
    }
}

impl<'t> Plan<'t> {
    /// Finds all resources.
    pub(super) fn read(root: &'t Node, settings: &'t ImportSettings) -> Self {
        let mut resources = Vec::new();
        // What is planned comes before what there is, of which only data sources are of use then.
        for path in [
            &["planned_values", "root_module"][..],
            &["values", "root_module"],
        ] {
            if let Some(module) = root.at_path(path) {
                collect(module, ("", &[]), &mut resources, |_| true);
            }
        }
        if let Some(module) = root.at_path(&["prior_state", "values", "root_module"]) {
            let is_data =
                |resource: &Node| resource.get("mode").and_then(Node::as_text) == Some("data");
            collect(module, ("", &[]), &mut resources, is_data);
        }
        let region_path = [
            "configuration",
            "provider_config",
            "aws",
            "expressions",
            "region",
            "constant_value",
        ];
        let configured = root.at_path(&region_path).and_then(Node::scalar);
        let arn = resources.iter().find_map(|resource: &Resource<'_>| {
            let arn = resource.text("arn")?;
            arn.starts_with("arn:").then_some(arn)
        });
        let part = |index: usize| {
            let part = arn.as_deref()?.split(':').nth(index)?;
            (!part.is_empty()).then_some(part)
        };
        let place = Place::new(
            settings
                .region
                .as_deref()
                .or(configured.as_deref())
                .or_else(|| part(3)),
            settings.account_id.as_deref().or_else(|| part(4)),
        );
        Self {
            root,
            place,
            resources,
            findings: Findings::default(),
            given: &settings.parameters,
        }
    }

    /// Returns the configuration of a module.
    pub(super) fn module(&self, module: &[String]) -> Option<&'t Node> {
        let root = self.root.at_path(&["configuration", "root_module"])?;
        module.iter().try_fold(root, |node, name| {
            node.at_path(&["module_calls", name, "module"])
        })
    }

    /// Returns the configuration of a resource.
    pub(super) fn configuration(&self, resource: &Resource<'_>) -> Option<&'t Node> {
        let module = self.module(&resource.module)?;
        let mut resources = module.get("resources")?.items().iter();
        resources.find(|found| {
            let is = |key: &str, value: &str| found.get(key).and_then(Node::as_text) == Some(value);
            is("type", resource.kind) && is("name", resource.name)
        })
    }

    /// Finds a resource of a module: that of the same instance of it and of an index if there is one, else the first.
    pub(super) fn find(
        &self,
        module: &[String],
        instance: Option<&str>,
        (kind, name): (&str, &str),
        index: Option<&str>,
    ) -> Option<Resource<'t>> {
        let resources = self.resources.iter();
        let same = resources
            .filter(|found| found.module == module && found.kind == kind && found.name == name);
        // The first of those that fit best.
        let best = same.rev().max_by_key(|found| {
            (
                instance == Some(&*found.instance),
                index.is_some() && found.index.as_deref() == index,
            )
        });
        best.cloned()
    }
}

fn collect<'t>(
    module: &'t Node,
    (instance, around): (&str, &[String]),
    found: &mut Vec<Resource<'t>>,
    wanted: impl Fn(&Node) -> bool + Copy,
) {
    for resource in module.get("resources").map_or(&[][..], Node::items) {
        let text = |key: &str| resource.get(key).and_then(Node::as_text);
        let (Some(kind), Some(name), true) = (text("type"), text("name"), wanted(resource)) else {
            continue;
        };
        let address = text("address").map_or_else(|| format!("{kind}.{name}"), str::to_owned);
        found.push(Resource {
            address,
            module: around.to_vec(),
            instance: instance.to_owned(),
            kind,
            name,
            index: resource.get("index").and_then(Node::scalar),
            values: resource.get("values"),
            at: resource.at,
        });
    }
    for child in module.get("child_modules").map_or(&[][..], Node::items) {
        let address = child
            .get("address")
            .and_then(Node::as_text)
            .unwrap_or_default();
        collect(child, (address, &names(address)), found, wanted);
    }
}

/// Returns the names of the modules in an address such as `module.shop["eu"].module.queue`.
fn names(address: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = address;
    while let Some((_, after)) = rest.split_once("module.") {
        let end = after.find(['.', '[']).unwrap_or(after.len());
        names.push(after[..end].to_owned());
        rest = &after[end..];
    }
    names
}
