//! The conditions of a template.

use super::template::Template;
use crate::import::findings::is_placeholder;
use crate::import::node::Node;

impl Template<'_> {
    /// Tells whether a condition holds. One that cannot be known is taken to hold, and listed.
    pub(crate) fn condition(&mut self, name: &str, node: &Node, path: &str) -> bool {
        let Some(condition) = self.entry("Conditions", name) else {
            let reason = format!("there is no condition {name:?} in the template");
            self.findings
                .refuse(node, path, reason, "see to its spelling, or add it");
            return true;
        };
        if !self.enter(name, node, path) {
            return true;
        }
        let path = format!("Conditions.{name}");
        let holds = self.holds(condition, &path);
        self.leave();
        holds.unwrap_or_else(|| {
            let reason = "cannot be worked out, and is taken to hold";
            self.findings.list(
                condition,
                &path,
                reason,
                "give its parameters by --parameter NAME=VALUE",
            );
            true
        })
    }

    fn holds(&mut self, node: &Node, path: &str) -> Option<bool> {
        let member = node.only_member()?;
        let items = member.node.items();
        match member.key.as_str() {
            "Condition" => {
                let name = member.node.scalar()?;
                Some(self.condition(&name, &member.node, path))
            }
            "Fn::Equals" => {
                let [left, right] = items else { return None };
                let (left, right) = (self.resolve(left, path)?, self.resolve(right, path)?);
                if is_placeholder(&left) || is_placeholder(&right) {
                    return None;
                }
                Some(
                    left.to_json() == right.to_json()
                        || left.scalar().is_some() && left.scalar() == right.scalar(),
                )
            }
            "Fn::Not" => self.holds(items.first()?, path).map(|holds| !holds),
            "Fn::And" => items
                .iter()
                .try_fold(true, |all, item| Some(self.holds(item, path)? && all)),
            "Fn::Or" => items
                .iter()
                .try_fold(false, |any, item| Some(self.holds(item, path)? || any)),
            _ => None,
        }
    }

    /// Tells whether a resource is there: its condition holds.
    pub(crate) fn is_there(&mut self, resource: &Node, path: &str) -> bool {
        match resource.get("Condition") {
            Some(condition) => {
                let name = condition.scalar().unwrap_or_default();
                self.condition(&name, condition, path)
            }
            None => true,
        }
    }
}
