//! A template: its sections, and what a value of it comes to.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kind;
use crate::import::findings::Findings;
use crate::import::node::{Member, Node, Value, join};
use crate::import::place::Place;

/// A template whose values can be asked for. Values are resolved when asked for, so that nothing is said of parts that
/// have nothing to do with event source mappings.
pub(crate) struct Template<'t> {
    pub(crate) root: &'t Node,
    pub(crate) place: Place,
    /// Values of parameters and exports by name.
    given: BTreeMap<String, String>,
    /// The names in it that were asked for.
    used: BTreeSet<String>,
    /// Functions that a framework adds to the template, by logical id.
    pub(crate) added: BTreeMap<String, String>,
    pub(crate) findings: Findings,
    /// The names and conditions that are being resolved.
    pub(super) under_way: Vec<String>,
}

impl<'t> Template<'t> {
    pub(crate) fn new(root: &'t Node, place: Place, given: BTreeMap<String, String>) -> Self {
        Self {
            root,
            place,
            given,
            used: BTreeSet::new(),
            added: BTreeMap::new(),
            findings: Findings::default(),
            under_way: Vec::new(),
        }
    }

    /// Returns an entry of a section, such as a resource.
    pub(super) fn entry(&self, section: &str, name: &str) -> Option<&'t Node> {
        self.root.get(section)?.get(name)
    }

    /// Returns the resources.
    pub(crate) fn resources(&self) -> &'t [Member] {
        self.root.get("Resources").map_or(&[], Node::members)
    }

    /// Returns a value that was given for a parameter, an export or a variable.
    pub(crate) fn given(&mut self, name: &str) -> Option<String> {
        let value = self.given.get(name)?;
        self.used.insert(name.to_owned());
        Some(value.clone())
    }

    /// Lists what was given and nothing has asked for.
    pub(crate) fn list_unused(&mut self) {
        let unused = self
            .given
            .iter()
            .filter(|(name, _)| !self.used.contains(*name));
        for (name, value) in unused
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Vec<_>>()
        {
            let node = Node::text(crate::import::node::Position::default(), value);
            let reason = "no value that matters for a mapping asks for this parameter";
            self.findings.list(
                &node,
                &join("--parameter", &name),
                reason,
                "see to its spelling, or leave it out",
            );
        }
    }

    /// Returns the properties of a resource.
    pub(crate) fn properties(&self, logical: &str) -> Option<&'t Node> {
        self.entry("Resources", logical)?.get("Properties")
    }

    /// Returns a property of a resource as it is meant.
    pub(crate) fn property(&mut self, logical: &str, name: &str) -> Option<Node> {
        let node = self.properties(logical)?.get(name)?;
        self.resolve(node, &format!("Resources.{logical}.Properties.{name}"))
    }

    /// Returns the type of a resource.
    pub(crate) fn kind_of(&self, logical: &str) -> Option<&'t str> {
        self.entry("Resources", logical)?.get("Type")?.as_text()
    }

    /// Returns the name of a resource: what it is named, else its logical id.
    pub(crate) fn name_of(&mut self, logical: &str, node: &Node, path: &str) -> Option<String> {
        if let Some(name) = self.added.get(logical) {
            return Some(name.clone());
        }
        let kind = Kind::of(self.kind_of(logical)?)?;
        if !self.enter(logical, node, path) {
            return Some(logical.to_owned());
        }
        let name = self
            .property(logical, kind.named_by())
            .and_then(|name| name.scalar());
        let fifo = self
            .properties(logical)
            .and_then(|properties| {
                properties
                    .get("FifoQueue")
                    .or_else(|| properties.get("FifoTopic"))
            })
            .and_then(Node::boolean)
            .unwrap_or_default();
        self.leave();
        Some(name.unwrap_or_else(|| kind.default_name(logical, fifo)))
    }

    /// Notes that something is being resolved; `false` if it is already, which is a circle.
    pub(super) fn enter(&mut self, name: &str, node: &Node, path: &str) -> bool {
        if self.under_way.iter().any(|known| known == name) {
            let circle = format!("{} → {name}", self.under_way.join(" → "));
            let reason = format!("refers to itself: {circle}");
            self.findings
                .refuse(node, path, reason, "name one of them without the other");
            return false;
        }
        self.under_way.push(name.to_owned());
        true
    }

    pub(super) fn leave(&mut self) {
        self.under_way.pop();
    }

    /// Returns a value with all functions of CloudFormation replaced by what they return; `None` for no value.
    pub(crate) fn resolve(&mut self, node: &Node, path: &str) -> Option<Node> {
        match &node.value {
            Value::Map(members) => {
                if let [member] = members.as_slice()
                    && (member.key == "Ref" || member.key.starts_with("Fn::"))
                {
                    return self.call(&member.key, member, path);
                }
                let mut resolved = Vec::new();
                for member in members {
                    if let Some(node) = self.resolve(&member.node, &join(path, &member.key)) {
                        resolved.push(Member {
                            node,
                            ..member.clone()
                        });
                    }
                }
                Some(Node::new(node.at, Value::Map(resolved)))
            }
            Value::List(items) => {
                let mut resolved = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if let Some(item) = self.resolve(item, &format!("{path}[{index}]")) {
                        resolved.push(item);
                    }
                }
                Some(Node::new(node.at, Value::List(resolved)))
            }
            Value::Text(text) if text.contains("{{resolve:") => Some(self.findings.unresolved(
                (node, path),
                "dynamic-reference",
                "a dynamic reference is known only to AWS",
                "write the value into the emitted file",
            )),
            _ => Some(node.clone()),
        }
    }
}
