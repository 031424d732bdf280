//! Variables such as `${self:custom.queue, 'orders'}` (documentation of the Serverless Framework, "Variables").

use crate::import::cloudformation::Template;
use crate::import::node::{Member, Node, Value, join};

/// How deep variables may name variables.
const MOST_STEPS: usize = 32;

/// A file whose variables can be asked for.
#[derive(Clone, Copy)]
pub(super) struct Variables<'t> {
    pub(super) root: &'t Node,
}

impl Variables<'_> {
    /// Returns a value with all variables replaced. What cannot be known is listed in the template's findings.
    pub(super) fn resolve(self, node: &Node, path: &str, template: &mut Template<'_>) -> Node {
        self.steps(node, path, MOST_STEPS, template)
    }

    fn steps(self, node: &Node, path: &str, steps: usize, template: &mut Template<'_>) -> Node {
        let value = match &node.value {
            Value::Text(text) if text.contains("${") => {
                return self.text(text, (node, path), steps, template);
            }
            Value::List(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| {
                    self.steps(item, &format!("{path}[{index}]"), steps, template)
                });
                Value::List(items.collect())
            }
            Value::Map(members) => {
                let mut resolved = Vec::new();
                for member in members {
                    let node = self.steps(&member.node, &join(path, &member.key), steps, template);
                    resolved.push(Member {
                        node,
                        ..member.clone()
                    });
                }
                Value::Map(resolved)
            }
            value => value.clone(),
        };
        Node::new(node.at, value)
    }

    /// Replaces the variables of a text. One that is the whole text may be of any kind.
    fn text(
        self,
        text: &str,
        at: (&Node, &str),
        steps: usize,
        template: &mut Template<'_>,
    ) -> Node {
        let Some(steps) = steps.checked_sub(1) else {
            let (node, path) = at;
            template.findings.refuse(
                node,
                path,
                "a variable names itself",
                "name one of them without the other",
            );
            return Node::text(node.at, "");
        };
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            let Some(end) = closing(after) else {
                made.push_str("${");
                rest = after;
                continue;
            };
            let (inner, behind) = (&after[..end], &after[end + 1..]);
            rest = behind;
            if !is_variable(inner) {
                // A variable of CloudFormation.
                made.push_str(&format!("${{{inner}}}"));
                continue;
            }
            let inner = self
                .text(inner, at, steps, template)
                .scalar()
                .unwrap_or_default();
            let value = self.variable(&inner, at, steps, template);
            if before.is_empty() && made.is_empty() && rest.is_empty() {
                return Node {
                    at: at.0.at,
                    ..value
                };
            }
            made.push_str(&value.scalar().unwrap_or_default());
        }
        made.push_str(rest);
        Node::text(at.0.at, made)
    }

    /// Returns the first of a variable's sources that has a value.
    fn variable(
        self,
        variable: &str,
        (node, path): (&Node, &str),
        steps: usize,
        template: &mut Template<'_>,
    ) -> Node {
        for source in variable.split(',').map(str::trim) {
            if let Some(found) = self.source(source, node, template) {
                let found = Node {
                    at: node.at,
                    ..found
                };
                return self.steps(&found, path, steps, template);
            }
        }
        let first = variable.split(',').next().unwrap_or_default().trim();
        let reason = format!("{first} is not known here");
        let way_out = format!("give it by --parameter '{first}=VALUE'");
        template
            .findings
            .unresolved((node, path), first, reason, way_out)
    }

    fn source(self, source: &str, node: &Node, template: &mut Template<'_>) -> Option<Node> {
        let text = |text: &str| Some(Node::text(node.at, text));
        if let Some(literal) = source.strip_prefix(['\'', '"']) {
            return text(literal.strip_suffix(['\'', '"']).unwrap_or(literal));
        }
        if let Some(given) = template.given(source) {
            return text(&given);
        }
        let Some((kind, address)) = source.split_once(':') else {
            return match source {
                "true" | "false" => Some(Node::new(node.at, Value::Bool(source == "true"))),
                "null" => Some(Node::new(node.at, Value::Null)),
                _ if source.parse::<f64>().is_ok() => {
                    Some(Node::new(node.at, Value::Number(source.to_owned())))
                }
                _ => None,
            };
        };
        match (kind, address) {
            ("self", address) => self.find(address).cloned(),
            ("sls", "stage") => Some(self.stage(node, template)),
            ("opt" | "param" | "env", name) => {
                if let Some(given) = template.given(name) {
                    return text(&given);
                }
                if kind != "param" {
                    return None;
                }
                let stage = self.stage(node, template).scalar().unwrap_or_default();
                let found = ["params", "stages"].iter().find_map(|section| {
                    let of = |stage: &str| match *section {
                        "params" => self.root.at_path(&["params", stage, name]),
                        _ => self.root.at_path(&["stages", stage, "params", name]),
                    };
                    of(&stage).or_else(|| of("default"))
                });
                found.cloned()
            }
            ("aws", "region") => text(&template.place.region.clone()),
            ("aws", "accountId") => text(&template.place.account_id.clone()),
            _ => None,
        }
    }

    /// Returns the stage: that which is given, else the provider's, else `dev`.
    fn stage(self, node: &Node, template: &mut Template<'_>) -> Node {
        if let Some(stage) = template.given("stage") {
            return Node::text(node.at, stage);
        }
        let stage = self.root.at_path(&["provider", "stage"]);
        stage.cloned().unwrap_or_else(|| Node::text(node.at, "dev"))
    }

    fn find(&self, address: &str) -> Option<&Node> {
        address
            .split('.')
            .try_fold(self.root, |node, step| match &node.value {
                Value::List(items) => items.get(step.parse::<usize>().ok()?),
                _ => node.get(step),
            })
    }
}

/// Returns where the `}` is that closes what has begun.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Tells a variable of the framework, such as `self:custom.queue` or `file(names.yml)`, from one of CloudFormation.
fn is_variable(inner: &str) -> bool {
    let end = inner
        .find(|letter: char| !letter.is_ascii_alphanumeric())
        .unwrap_or(inner.len());
    let rest = &inner[end..];
    inner.starts_with(|first: char| first.is_ascii_lowercase())
        && (rest.starts_with('(') || rest.starts_with(':') && !rest.starts_with("::"))
}
