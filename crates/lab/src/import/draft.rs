//! From the properties of a template to a request that is valid.

use lambda_esm_core::mapping::{Context, CreateEventSourceMapping, FunctionRef, Mapping};
use lambda_esm_engine::{Clock, EngineOptions};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::findings::{Findings, PLACEHOLDER};
use super::imported::{ImportedMapping, Origin};
use super::node::{Node, Position, Value, join};
use super::place::Place;
use super::shape::{convert, shape, unknown};

/// The most filters of a mapping, after an increase of the quota (Lambda developer guide, "Lambda event filtering").
pub(crate) const MOST_FILTERS: usize = 10;

/// What the mapping would be without; nothing can stand in for these.
const ESSENTIAL: [&str; 3] = ["EventSourceArn", "FunctionName", "SelfManagedEventSource"];

/// A mapping as a template has it: every property is resolved, and has the name that the API gives it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) at: Position,
    pub(crate) path: String,
    /// The service of the source as ARNs name it; `None` if only the ARN tells.
    pub(crate) service: Option<&'static str>,
    properties: Vec<Property>,
}

#[derive(Debug)]
struct Property {
    /// Where in the request, such as `ScalingConfig.MaximumConcurrency`.
    target: String,
    /// Where in the template.
    path: String,
    node: Node,
    /// Whether 0, false and nothing say that it is not set.
    zero_is_unset: bool,
}

impl Property {
    fn is_unset(&self) -> bool {
        self.zero_is_unset
            && match &self.node.value {
                Value::Null | Value::Bool(false) => true,
                Value::Number(digits) => digits == "0",
                Value::Text(text) => text.is_empty(),
                Value::List(items) => items.is_empty(),
                _ => false,
            }
    }
}

impl Draft {
    pub(crate) fn new(at: Position, path: impl Into<String>) -> Self {
        Self {
            at,
            path: path.into(),
            service: None,
            properties: Vec::new(),
        }
    }

    /// Adds a property: where it is in the request, where it is in the template, and its value.
    pub(crate) fn put(&mut self, target: impl Into<String>, path: impl Into<String>, node: Node) {
        self.properties.push(Property {
            target: target.into(),
            path: path.into(),
            node,
            zero_is_unset: false,
        });
    }

    /// Adds a property for which 0, false and nothing say that it is not set, where the source does not have it.
    pub(crate) fn put_unless_unset(&mut self, target: &str, path: String, node: Node) {
        self.put(target, path, node);
        if let Some(last) = self.properties.last_mut() {
            last.zero_is_unset = true;
        }
    }

    /// Tells whether it has a property.
    pub(crate) fn has(&self, target: &str) -> bool {
        self.properties
            .iter()
            .any(|property| property.target.split('.').next() == Some(target))
    }

    /// Makes the request. What does not fit is listed, at the worst the mapping as a whole.
    pub(crate) fn carry(
        mut self,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<(ImportedMapping, Mapping)> {
        let context = context(place);
        self.guess_service();
        loop {
            let mut request = self.request(place, findings);
            let request: CreateEventSourceMapping = match serde_json::from_value(request.take()) {
                Ok(request) => request,
                Err(error) => {
                    self.give_up(&format!("cannot be read: {error}"), findings);
                    return None;
                }
            };
            let request = request.without_empty_destination();
            match Mapping::create(request.clone(), &context) {
                Ok(mapping) => {
                    let origin = Origin {
                        line: self.at.line,
                        path: self.path,
                    };
                    return Some((ImportedMapping { request, origin }, mapping));
                }
                Err(error) => {
                    let way_out = error
                        .hint
                        .as_deref()
                        .unwrap_or("AWS would refuse it, too: correct the template");
                    let field = error.field.unwrap_or_default();
                    if ESSENTIAL.contains(&field)
                        || !self.remove(field, &error.message, way_out, findings)
                    {
                        self.give_up(&error.message, findings);
                        return None;
                    }
                }
            }
        }
    }

    fn give_up(&self, reason: &str, findings: &mut Findings) {
        let properties = self.properties.iter().map(|property| {
            let key = property.target.clone();
            (key, property.node.to_json())
        });
        let shown: Map<String, Json> = properties.collect();
        let node = Node::text(self.at, Json::Object(shown).to_string());
        let way_out = "AWS would refuse the mapping, too: correct the template, or give what is missing by --parameter NAME=VALUE";
        findings.list(
            &node,
            &self.path,
            format!("the whole mapping is refused: {reason}"),
            way_out,
        );
    }

    /// Takes the service of the source from what only one kind of source has, if its ARN is not known.
    fn guess_service(&mut self) {
        let by_shape = [
            ("DocumentDBEventSourceConfig", "rds"),
            ("Queues", "mq"),
            ("Topics", "kafka"),
        ];
        let by_word = [
            ("queue", "sqs"),
            ("sqs", "sqs"),
            ("table", "dynamodb"),
            ("dynamo", "dynamodb"),
        ];
        let shaped = by_shape.iter().find(|(target, _)| self.has(target));
        let source = self
            .properties
            .iter()
            .find(|property| property.target == "EventSourceArn");
        let words = source.map(|property| property.node.shown().to_ascii_lowercase());
        let words = words.unwrap_or_default();
        let named = by_word.iter().find(|(word, _)| words.contains(word));
        let guess = match shaped.or(named) {
            Some((_, service)) => service,
            None if self.has("StartingPosition") => "kinesis",
            None => "sqs",
        };
        self.service.get_or_insert(guess);
    }

    /// Makes the request of what is left.
    fn request(&mut self, place: &Place, findings: &mut Findings) -> Json {
        let mut request = Json::Object(Map::new());
        let mut index = 0;
        while let Some(property) = self.properties.get(index) {
            let Some(shape) = shape(&property.target) else {
                unknown(&property.node, &property.path, findings);
                self.properties.remove(index);
                continue;
            };
            if let Some(mut value) = convert(&property.node, shape, &property.path, findings) {
                self.stand_in(&property.target, &mut value, place);
                insert(&mut request, &property.target, value);
            }
            index += 1;
        }
        request
    }

    /// Makes what is not known pass for what it must be: an ARN, a server.
    fn stand_in(&self, target: &str, value: &mut Json, place: &Place) {
        let step = target.rsplit('.').next().unwrap_or_default();
        match value {
            Json::String(text) if target == "FunctionName" => {
                *text = place.short_function(text).to_owned();
            }
            Json::String(text) if text.contains(PLACEHOLDER) && !text.contains(':') => match step {
                "EventSourceArn" => {
                    *text = place.source(self.service.unwrap_or("sqs"), text);
                }
                "Destination" => *text = place.source("sqs", text),
                "KMSKeyArn" => *text = place.source("kms", text),
                "URI" => *text = place.source("secretsmanager", text),
                "KAFKA_BOOTSTRAP_SERVERS" => text.push_str(":9092"),
                _ => {}
            },
            Json::Array(items) => items
                .iter_mut()
                .for_each(|item| self.stand_in(target, item, place)),
            Json::Object(members) => members
                .iter_mut()
                .for_each(|(key, value)| self.stand_in(&join(target, key), value, place)),
            _ => {}
        }
    }

    /// Removes what the API refuses; `false` if there is nothing to remove.
    fn remove(
        &mut self,
        field: &str,
        reason: &str,
        way_out: &str,
        findings: &mut Findings,
    ) -> bool {
        let mut found = false;
        self.properties.retain_mut(|property| {
            if property.target.split('.').any(|step| step == field) {
                found = true;
                if !property.is_unset() {
                    findings.list(&property.node, &property.path, reason, way_out);
                }
                return false;
            }
            let mut removed = Vec::new();
            take_key(&mut property.node, field, &property.path, &mut removed);
            found |= !removed.is_empty();
            for (path, node) in removed {
                findings.list(&node, &path, reason, way_out);
            }
            true
        });
        found
    }
}

/// Takes a key out of a structure, wherever it is in it.
fn take_key(node: &mut Node, key: &str, path: &str, removed: &mut Vec<(String, Node)>) {
    match &mut node.value {
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                take_key(item, key, &format!("{path}[{index}]"), removed);
            }
        }
        Value::Map(members) => {
            members.retain_mut(|member| {
                let path = join(path, &member.key);
                if member.key == key {
                    removed.push((path, member.node.clone()));
                    return false;
                }
                take_key(&mut member.node, key, &path, removed);
                true
            });
        }
        _ => {}
    }
}

/// Puts a value below an object; what is there already stays.
fn insert(object: &mut Json, path: &str, value: Json) {
    let Json::Object(members) = object else {
        return;
    };
    match path.split_once('.') {
        Some((step, rest)) => {
            let below = members
                .entry(step)
                .or_insert_with(|| Json::Object(Map::new()));
            insert(below, rest, value);
        }
        None => match (members.get_mut(path), value) {
            (Some(Json::Object(known)), Json::Object(more)) => {
                for (key, value) in more {
                    known.entry(key).or_insert(value);
                }
            }
            (_, value) => drop(members.insert(path.to_owned(), value)),
        },
    }
}

fn context(place: &Place) -> Context {
    let options = EngineOptions::default();
    Context {
        region: place.region.clone(),
        account_id: place.account_id.clone(),
        uuid: Uuid::nil(),
        now: Clock::system().now(),
        filter_limits: options.filter_limits.with_max_filters(MOST_FILTERS),
        dialect: options.dialect,
    }
}

/// Returns the bare name of a function that a request names.
pub(crate) fn function_name(request: &CreateEventSourceMapping) -> String {
    let named = request.function_name.as_deref().unwrap_or_default();
    FunctionRef::parse(named)
        .map_or_else(|| named.to_owned(), |function| function.name().to_owned())
}
