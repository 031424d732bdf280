//! Values that a plan does not know yet: it tells which other values they are made of.

use super::plan::{Plan, Resource};
use crate::import::node::{Member, Node, Position, Value, join};

/// How many references are followed from one to the next.
const MOST_STEPS: usize = 32;

/// Where a reference stands.
#[derive(Clone)]
struct Scope {
    module: Vec<String>,
    /// The address of the module, with its index; `None` if it may be any of those that there are.
    instance: Option<String>,
    /// Which one the resource is of those that `count` or `for_each` make.
    index: Option<String>,
}

/// What a value comes to.
enum Found {
    Node(Node),
    /// It is not known, and why.
    Unknown(String),
}

impl Plan<'_> {
    /// Returns an attribute: as it is known, else by what the configuration says it is made of. `None` if it is not set.
    pub(super) fn attribute(&mut self, resource: &Resource<'_>, name: &str) -> Option<Node> {
        let expression = self.configuration(resource);
        let expression = expression.and_then(|found| found.at_path(&["expressions", name]));
        let scope = Scope {
            module: resource.module.clone(),
            instance: Some(resource.instance.clone()),
            index: resource.index.clone(),
        };
        let path = join(&resource.address, name);
        // What is not known yet is left out of the values; what is known to be nothing is there.
        let known = resource.values.and_then(|values| values.get(name));
        let fallback = Node::new(resource.at, Value::Null);
        self.combine(known, expression, &scope, (&fallback, &path))
    }

    /// Puts together what is known of a value and what the configuration says of it.
    fn combine(
        &mut self,
        known: Option<&Node>,
        expression: Option<&Node>,
        scope: &Scope,
        (fallback, path): (&Node, &str),
    ) -> Option<Node> {
        let Some(expression) = expression else {
            return known.cloned();
        };
        if expression.get("references").is_none() && expression.get("constant_value").is_none() {
            return self.block(known, expression, scope, (fallback, path));
        }
        if let Some(known) = known {
            return Some(known.clone());
        }
        // A text that is made of several values has a name for its first reference, say, and is no ARN.
        let must_be_arn = path.ends_with("_arn");
        let is_arn = |node: &Node| node.as_text().is_some_and(|text| text.starts_with("arn:"));
        match self.expression(expression, scope, MOST_STEPS)? {
            Found::Node(node) if !must_be_arn || is_arn(&node) => Some(Node {
                at: fallback.at,
                ..node
            }),
            found => {
                let reference = match found {
                    Found::Unknown(reference) => reference,
                    Found::Node(node) => node.shown(),
                };
                let shown = Node::text(fallback.at, reference.as_str());
                let reason = format!(
                    "is known only when the plan is carried out: it is made of {reference}"
                );
                let way_out =
                    format!("import the state after that, or give --parameter {reference}=VALUE");
                Some(
                    self.findings
                        .unresolved((&shown, path), &reference, reason, way_out),
                )
            }
        }
    }

    fn block(
        &mut self,
        known: Option<&Node>,
        expression: &Node,
        scope: &Scope,
        (fallback, path): (&Node, &str),
    ) -> Option<Node> {
        match &expression.value {
            Value::List(items) => {
                let mut combined = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let known = known.and_then(|known| known.items().get(index));
                    let path = format!("{path}[{index}]");
                    combined.extend(self.combine(known, Some(item), scope, (fallback, &path)));
                }
                let more = known.map_or(&[][..], Node::items).iter().skip(items.len());
                combined.extend(more.cloned());
                Some(Node::new(fallback.at, Value::List(combined)))
            }
            Value::Map(members)
                if known.is_none_or(|known| matches!(known.value, Value::Map(_))) =>
            {
                let mut combined: Vec<Member> = known.map_or(&[][..], Node::members).to_vec();
                for member in members {
                    let path = join(path, &member.key);
                    let known = known.and_then(|known| known.get(&member.key));
                    let Some(node) =
                        self.combine(known, Some(&member.node), scope, (fallback, &path))
                    else {
                        continue;
                    };
                    match combined.iter_mut().find(|found| found.key == member.key) {
                        Some(found) => found.node = node,
                        None => combined.push(Member {
                            key: member.key.clone(),
                            at: fallback.at,
                            node,
                        }),
                    }
                }
                Some(Node::new(fallback.at, Value::Map(combined)))
            }
            _ => known.cloned(),
        }
    }

    fn expression(&self, expression: &Node, scope: &Scope, steps: usize) -> Option<Found> {
        if let Some(constant) = expression.get("constant_value") {
            return Some(Found::Node(constant.clone()));
        }
        // Terraform names the whole before its parts: the first reference says most.
        let first = expression.get("references")?.items().first()?.as_text()?;
        Some(self.reference(first, scope, steps))
    }

    fn reference(&self, reference: &str, scope: &Scope, steps: usize) -> Found {
        if let Some(given) = self.given.get(reference) {
            return Found::Node(Node::text(Position::default(), given.as_str()));
        }
        let found = steps.checked_sub(1).and_then(|steps| {
            let parts = split(reference);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            match parts.as_slice() {
                ["var", name, ..] => self.variable(name, scope, steps),
                ["module", name, output, ..] => self.output(name, output, scope, steps),
                [
                    "each" | "count" | "local" | "path" | "terraform" | "self",
                    ..,
                ] => None,
                ["data", kind, name, attribute, ..] | [kind, name, attribute, ..] => {
                    self.resource_attribute(kind, name, attribute, scope)
                }
                _ => None,
            }
        });
        found.unwrap_or_else(|| Found::Unknown(reference.to_owned()))
    }

    fn resource_attribute(
        &self,
        kind: &str,
        name: &str,
        attribute: &str,
        scope: &Scope,
    ) -> Option<Found> {
        let (name, index) = match name.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_matches(['[', ']', '"']))),
            None => (name, scope.index.as_deref()),
        };
        let resource = self.find(
            &scope.module,
            scope.instance.as_deref(),
            (kind, name),
            index,
        )?;
        let known = resource.value(attribute).cloned();
        let made = || Some(Node::text(resource.at, self.made(&resource, attribute)?));
        known.or_else(made).map(Found::Node)
    }

    fn variable(&self, name: &str, scope: &Scope, steps: usize) -> Option<Found> {
        let Some((call, around)) = scope.module.split_last() else {
            let value = self.root.at_path(&["variables", name, "value"])?;
            return Some(Found::Node(value.clone()));
        };
        let call = self.module(around)?.at_path(&["module_calls", call])?;
        match call.at_path(&["expressions", name]) {
            Some(expression) => {
                let scope = Scope {
                    module: around.to_vec(),
                    instance: None,
                    index: None,
                };
                self.expression(expression, &scope, steps)
            }
            None => {
                let default = call.at_path(&["module", "variables", name, "default"])?;
                Some(Found::Node(default.clone()))
            }
        }
    }

    fn output(&self, call: &str, output: &str, scope: &Scope, steps: usize) -> Option<Found> {
        let call = call.split('[').next().unwrap_or(call);
        let mut module = scope.module.clone();
        module.push(call.to_owned());
        let expression = self
            .module(&module)?
            .at_path(&["outputs", output, "expression"])?;
        let scope = Scope {
            module,
            instance: None,
            index: None,
        };
        self.expression(expression, &scope, steps)
    }
}

/// Splits a reference at its dots, but for those within brackets.
fn split(reference: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for letter in reference.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if letter == '.' && depth == 0 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}
