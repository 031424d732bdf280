//! The functions of CloudFormation (CloudFormation template reference, "Intrinsic function reference").

use super::kinds::Kind;
use super::template::Template;
use crate::import::findings::is_placeholder;
use crate::import::node::{Member, Node, Value};

impl Template<'_> {
    /// Returns what a function returns; `None` for no value.
    pub(super) fn call(&mut self, function: &str, member: &Member, path: &str) -> Option<Node> {
        let node = &member.node;
        match function {
            "Ref" => self.reference(node, path),
            "Fn::GetAtt" => Some(self.attribute(node, path)),
            "Fn::Sub" => Some(self.substitute(node, path)),
            "Fn::Join" => Some(self.join(node, path)),
            "Fn::Select" => self.select(node, path),
            "Fn::Split" => Some(self.split(node, path)),
            "Fn::FindInMap" => self.find_in_map(node, path),
            "Fn::If" => self.choose(node, path),
            "Fn::ImportValue" => Some(self.import_value(node, path)),
            "Fn::ToJsonString" => {
                let value = self.resolve(node, path)?;
                Some(Node::text(node.at, value.to_json().to_string()))
            }
            "Fn::Length" => {
                let value = self.resolve(node, path)?;
                let length = value.items().len().to_string();
                Some(Node::new(node.at, Value::Number(length)))
            }
            _ => {
                let reason = format!("{function} is not worked out");
                let way_out = "write the value into the emitted file";
                Some(
                    self.findings
                        .unresolved((node, path), function, reason, way_out),
                )
            }
        }
    }

    fn reference(&mut self, node: &Node, path: &str) -> Option<Node> {
        let Some(name) = node.as_text() else {
            return Some(self.misuse(
                node,
                path,
                "Ref takes the name of a parameter or a resource",
            ));
        };
        self.named(name, node, path)
    }

    /// Returns what a parameter, a pseudo parameter or a resource comes to.
    fn named(&mut self, name: &str, node: &Node, path: &str) -> Option<Node> {
        let text = |text: String| Some(Node::text(node.at, text));
        match name {
            "AWS::NoValue" => return None,
            "AWS::Region" => return text(self.place.region.clone()),
            "AWS::AccountId" => return text(self.place.account_id.clone()),
            "AWS::Partition" => return text(self.place.partition().to_owned()),
            "AWS::URLSuffix" => return text("amazonaws.com".to_owned()),
            "AWS::StackName" => {
                let given = self.given(name);
                return text(given.unwrap_or_else(|| "stack".to_owned()));
            }
            _ => {}
        }
        if let Some(parameter) = self.entry("Parameters", name) {
            return Some(self.parameter(name, parameter, node, path));
        }
        if let Some(function) = self.added.get(name) {
            return text(function.clone());
        }
        // SAM: the alias or the version that it makes of a function (SAM developer guide, "Generated resources").
        if let Some((function, which @ ("Alias" | "Version"))) = name.rsplit_once('.') {
            let qualifier = match which {
                "Alias" => self.property(function, "AutoPublishAlias"),
                _ => None,
            };
            let qualifier = qualifier
                .and_then(|alias| alias.scalar())
                .unwrap_or_else(|| "1".to_owned());
            let function = self.name_of(function, node, path)?;
            return text(
                self.place
                    .source("lambda", &format!("{function}:{qualifier}")),
            );
        }
        match self.kind_of(name) {
            Some(kind) => Some(self.resource(name, kind, node, path)),
            None => {
                self.findings.refuse(
                    node,
                    path,
                    format!("there is no parameter and no resource {name:?} in the template"),
                    "see to its spelling, or add it",
                );
                None
            }
        }
    }

    fn parameter(&mut self, name: &str, parameter: &Node, node: &Node, path: &str) -> Node {
        let kind = parameter
            .get("Type")
            .and_then(Node::as_text)
            .unwrap_or("String");
        let way_out = format!("give it by --parameter {name}=VALUE");
        let value = match self.given(name) {
            Some(value) => value,
            None if kind.starts_with("AWS::SSM::") => {
                let reason = format!("the parameter {name} is kept in Parameter Store");
                return self
                    .findings
                    .unresolved((node, path), name, reason, way_out);
            }
            None => match parameter.get("Default").and_then(Node::scalar) {
                Some(value) => value,
                None => {
                    let reason = format!("the parameter {name} has no default");
                    return self
                        .findings
                        .unresolved((node, path), name, reason, way_out);
                }
            },
        };
        let value = if kind.starts_with("List<") || kind == "CommaDelimitedList" {
            let items = value
                .split(',')
                .map(|item| Node::text(node.at, item.trim()));
            Value::List(items.collect())
        } else if kind == "Number" {
            Value::Number(value)
        } else {
            Value::Text(value)
        };
        Node::new(node.at, value)
    }

    fn resource(&mut self, logical: &str, kind: &str, node: &Node, path: &str) -> Node {
        let made = match kind {
            "AWS::Lambda::Alias" => self.alias(logical, node, path),
            "AWS::Lambda::Version" => self
                .function_of(logical)
                .map(|function| format!("{function}:1")),
            "AWS::Kinesis::StreamConsumer" => self.consumer(logical),
            _ => None,
        };
        let made = made.or_else(|| {
            let kind = Kind::of(kind)?;
            let name = self.name_of(logical, node, path)?;
            Some(kind.reference(&name, &self.place))
        });
        made.map_or_else(
            || {
                let reason = format!("what AWS would call {logical} ({kind}) is not known");
                self.unknown_value(logical, &reason, node, path)
            },
            |made| Node::text(node.at, made),
        )
    }

    fn alias(&mut self, logical: &str, node: &Node, path: &str) -> Option<String> {
        let function = self.function_of(logical)?;
        let name = self
            .property(logical, "Name")
            .and_then(|name| name.scalar());
        let name = name.or_else(|| self.name_of(logical, node, path))?;
        Some(format!("{function}:{name}"))
    }

    /// Returns the ARN of the function of an alias or a version.
    fn function_of(&mut self, logical: &str) -> Option<String> {
        let function = self.property(logical, "FunctionName")?.scalar()?;
        if function.starts_with("arn:") {
            Some(function)
        } else {
            Some(self.place.source("lambda", &function))
        }
    }

    fn consumer(&mut self, logical: &str) -> Option<String> {
        let stream = self.property(logical, "StreamARN")?.scalar()?;
        let name = self
            .property(logical, "ConsumerName")
            .and_then(|name| name.scalar());
        let name = name.unwrap_or_else(|| logical.to_owned());
        Some(format!("{stream}/consumer/{name}:1"))
    }

    fn attribute(&mut self, node: &Node, path: &str) -> Node {
        let parts: Vec<String> = match &node.value {
            Value::Text(text) => text.splitn(2, '.').map(str::to_owned).collect(),
            Value::List(items) => {
                let items: Vec<Node> = items.clone();
                items
                    .iter()
                    .filter_map(|item| self.resolve(item, path)?.scalar())
                    .collect()
            }
            _ => Vec::new(),
        };
        let [logical, attribute] = parts.as_slice() else {
            return self.misuse(node, path, "Fn::GetAtt takes a resource and an attribute");
        };
        self.attribute_of(logical, attribute, node, path)
    }

    fn attribute_of(&mut self, logical: &str, attribute: &str, node: &Node, path: &str) -> Node {
        if let Some(function) = self.added.get(logical) {
            return Node::text(node.at, self.place.source("lambda", function));
        }
        let Some(kind) = self.kind_of(logical) else {
            self.findings.refuse(
                node,
                path,
                format!("there is no resource {logical:?} in the template"),
                "see to its spelling, or add it",
            );
            return Node::text(node.at, logical);
        };
        let made = match (kind, attribute) {
            ("AWS::Kinesis::StreamConsumer", "ConsumerARN") => self.consumer(logical),
            _ => Kind::of(kind).and_then(|kind| {
                let name = self.name_of(logical, node, path)?;
                kind.attribute(attribute, &name, &self.place)
            }),
        };
        made.map_or_else(
            || {
                let reason = format!("{attribute} of {logical} ({kind}) is known only to AWS");
                self.unknown_value(&format!("{logical}.{attribute}"), &reason, node, path)
            },
            |made| Node::text(node.at, made),
        )
    }

    fn unknown_value(&mut self, what: &str, reason: &str, node: &Node, path: &str) -> Node {
        if let Some(given) = self.given(what) {
            return Node::text(node.at, given);
        }
        let way_out = format!("give it by --parameter {what}=VALUE");
        self.findings
            .unresolved((node, path), what, reason, way_out)
    }

    /// Reports a function that is not called as it must be.
    fn misuse(&mut self, node: &Node, path: &str, rule: &str) -> Node {
        self.findings.refuse(
            node,
            path,
            rule,
            "write it as in the CloudFormation template reference",
        );
        Node::text(node.at, "")
    }

    fn substitute(&mut self, node: &Node, path: &str) -> Node {
        let (text, variables) = match &node.value {
            Value::Text(text) => (text.as_str(), None),
            Value::List(items) => match items.as_slice() {
                [text, variables] => (text.as_text().unwrap_or_default(), Some(variables)),
                [text] => (text.as_text().unwrap_or_default(), None),
                _ => return self.misuse(node, path, "Fn::Sub takes text, or text and a map"),
            },
            _ => return self.misuse(node, path, "Fn::Sub takes text, or text and a map"),
        };
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return self.misuse(node, path, "Fn::Sub has a ${ that is not closed");
            };
            rest = after;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                made.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let variable = variables.and_then(|variables| variables.get(name));
            let is_named =
                |name: &str| self.entry("Parameters", name).is_some() || name.starts_with("AWS::");
            let value = match (variable, name.split_once('.')) {
                (Some(variable), _) => self.resolve(variable, path),
                (None, Some((_, "Alias" | "Version"))) => self.named(name, node, path),
                (None, Some((logical, attribute))) if !is_named(name) => {
                    Some(self.attribute_of(logical, attribute, node, path))
                }
                (None, _) => self.named(name, node, path),
            };
            let value = value.map(|value| {
                value
                    .scalar()
                    .unwrap_or_else(|| value.to_json().to_string())
            });
            made.push_str(&value.unwrap_or_default());
        }
        made.push_str(rest);
        Node::text(node.at, made)
    }

    fn join(&mut self, node: &Node, path: &str) -> Node {
        let [delimiter, list] = node.items() else {
            return self.misuse(node, path, "Fn::Join takes a delimiter and a list");
        };
        let delimiter = delimiter.scalar().unwrap_or_default();
        let list = self.resolve(list, path);
        let texts: Vec<String> = match &list {
            Some(list) if matches!(list.value, Value::List(_)) => {
                list.items().iter().filter_map(Node::scalar).collect()
            }
            Some(list) => list.scalar().into_iter().collect(),
            None => Vec::new(),
        };
        Node::text(node.at, texts.join(&delimiter))
    }

    fn select(&mut self, node: &Node, path: &str) -> Option<Node> {
        let [index, list] = node.items() else {
            return Some(self.misuse(node, path, "Fn::Select takes an index and a list"));
        };
        let index = self.resolve(index, path).and_then(|index| index.count());
        let list = self.resolve(list, path)?;
        if is_placeholder(&list) {
            return Some(list);
        }
        let item = index.and_then(|index| list.items().get(usize::try_from(index).ok()?));
        match item {
            Some(item) => Some(item.clone()),
            None => Some(self.misuse(
                node,
                path,
                "Fn::Select has an index that the list does not have",
            )),
        }
    }

    fn split(&mut self, node: &Node, path: &str) -> Node {
        let [delimiter, text] = node.items() else {
            return self.misuse(node, path, "Fn::Split takes a delimiter and text");
        };
        let delimiter = delimiter.scalar().unwrap_or_default();
        let text = self.resolve(text, path);
        let text = text.and_then(|text| text.scalar()).unwrap_or_default();
        let parts = text
            .split(delimiter.as_str())
            .map(|part| Node::text(node.at, part));
        Node::new(node.at, Value::List(parts.collect()))
    }

    fn find_in_map(&mut self, node: &Node, path: &str) -> Option<Node> {
        let items = node.items();
        let keys: Vec<Node> = items
            .iter()
            .take(3)
            .filter_map(|key| self.resolve(key, path))
            .collect();
        let [map, first, second] = keys.as_slice() else {
            return Some(self.misuse(node, path, "Fn::FindInMap takes a map and two keys"));
        };
        if let Some(unknown) = keys.iter().find(|key| is_placeholder(key)) {
            return Some(unknown.clone());
        }
        let [map, first, second] = [map, first, second].map(|key| key.scalar().unwrap_or_default());
        let found = self
            .entry("Mappings", &map)
            .and_then(|map| map.at_path(&[&first, &second]));
        if let Some(found) = found {
            // The line of the property says more than that of the map.
            return Some(Node::new(node.at, found.value.clone()));
        }
        if let Some(default) = items.get(3).and_then(|more| more.get("DefaultValue")) {
            return self.resolve(default, path);
        }
        let reason = format!("Mappings has no {map}.{first}.{second}");
        self.findings.refuse(
            node,
            path,
            reason,
            "add it, or name another region or parameter",
        );
        None
    }

    fn choose(&mut self, node: &Node, path: &str) -> Option<Node> {
        let [condition, yes, no] = node.items() else {
            return Some(self.misuse(node, path, "Fn::If takes a condition and two values"));
        };
        let name = condition.scalar().unwrap_or_default();
        let chosen = if self.condition(&name, condition, path) {
            yes
        } else {
            no
        };
        self.resolve(chosen, path)
    }

    fn import_value(&mut self, node: &Node, path: &str) -> Node {
        let name = self
            .resolve(node, path)
            .and_then(|name| name.scalar())
            .unwrap_or_default();
        match self.given(&name) {
            Some(value) => Node::text(node.at, value),
            None => {
                let reason = format!("the export {name} is of another stack");
                let way_out = format!("give it by --parameter {name}=VALUE");
                self.findings
                    .unresolved((node, path), &name, reason, way_out)
            }
        }
    }
}
