//! How records of a schema are laid out, with every name resolved.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, Namespace};
use serde_json::Value;

use crate::schema::RegisteredSchema;

/// The members of a schema that say how a record is laid out. Others are left out before it is read: logical
/// types do not change the layout, defaults matter to readers with a schema of their own only, and either may be
/// wrong in a schema by which records are written nevertheless.
const MEMBERS: [&str; 8] = [
    "type",
    "name",
    "namespace",
    "fields",
    "symbols",
    "items",
    "values",
    "size",
];

/// The layout of a schema's records.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) root: usize,
}

/// The layout of one type. Numbers are positions of other nodes.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    /// The symbols as JSON.
    Enum(Box<[Box<str>]>),
    Array(usize),
    Map(usize),
    Union(Box<[usize]>),
    Record(Box<[Field]>),
    /// A named type that is laid out elsewhere.
    Named(usize),
}

#[derive(Debug)]
pub(super) struct Field {
    /// What stands before the value in JSON: the name between a brace or a comma and a colon.
    pub(super) before: Box<str>,
    pub(super) node: usize,
}

impl Plan {
    /// Reads a schema. Fails in words.
    pub(crate) fn new(schema: &RegisteredSchema) -> Result<Self, String> {
        let references = schema.references.iter();
        let references = references
            .map(|reference| {
                layout_of(&reference.text).map_err(|error| {
                    format!("in {:?}, which it refers to: {error}", reference.name)
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (root, others) = Schema::parse_str_with_list(&layout_of(&schema.text)?, references)
            .map_err(|error| error.to_string())?;
        let mut builder = Builder::default();
        for other in &others {
            builder.add(other, &None)?;
        }
        let root = builder.add(&root, &None)?;
        builder.finish(root)
    }
}

/// Leaves in a schema what lays out its records.
fn layout_of(text: &str) -> Result<String, String> {
    let mut schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    strip(&mut schema);
    Ok(schema.to_string())
}

fn strip(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(strip),
        Value::Object(members) => {
            members.retain(|name, _| MEMBERS.contains(&name.as_str()));
            members.values_mut().for_each(strip);
        }
        _ => {}
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    named: HashMap<Name, usize>,
    /// Nodes that stand for a named type, which may be laid out later.
    unresolved: Vec<(usize, Name)>,
}

impl Builder {
    fn add(&mut self, schema: &Schema, namespace: &Namespace) -> Result<usize, String> {
        let node = match schema {
            Schema::Null => Node::Null,
            Schema::Boolean => Node::Boolean,
            Schema::Int => Node::Int,
            Schema::Long => Node::Long,
            Schema::Float => Node::Float,
            Schema::Double => Node::Double,
            Schema::Bytes => Node::Bytes,
            Schema::String => Node::String,
            Schema::Fixed(fixed) => {
                let at = self.declare(&fixed.name, namespace, Node::Fixed(fixed.size));
                return Ok(at);
            }
            Schema::Enum(one) => {
                let symbols = one.symbols.iter().map(|symbol| quoted(symbol)).collect();
                return Ok(self.declare(&one.name, namespace, Node::Enum(symbols)));
            }
            Schema::Array(array) => Node::Array(self.add(&array.items, namespace)?),
            Schema::Map(map) => Node::Map(self.add(&map.types, namespace)?),
            Schema::Union(union) => {
                let variants = union.variants().iter();
                let variants = variants.map(|variant| self.add(variant, namespace));
                Node::Union(variants.collect::<Result<_, _>>()?)
            }
            Schema::Record(record) => {
                let at = self.declare(&record.name, namespace, Node::Null);
                let inner = record.name.fully_qualified_name(namespace).namespace;
                let mut fields = Vec::with_capacity(record.fields.len());
                for (index, field) in record.fields.iter().enumerate() {
                    let start = if index == 0 { "{" } else { "," };
                    fields.push(Field {
                        before: format!("{start}{}:", quoted(&field.name)).into(),
                        node: self.add(&field.schema, &inner)?,
                    });
                }
                self.nodes[at] = Node::Record(fields.into());
                return Ok(at);
            }
            Schema::Ref { name } => {
                let at = self.push(Node::Null);
                let name = name.fully_qualified_name(namespace);
                self.unresolved.push((at, name));
                return Ok(at);
            }
            other => return Err(format!("type {other:?} is not known")),
        };
        Ok(self.push(node))
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn declare(&mut self, name: &Name, namespace: &Namespace, node: Node) -> usize {
        let at = self.push(node);
        self.named.insert(name.fully_qualified_name(namespace), at);
        at
    }

    fn finish(mut self, root: usize) -> Result<Plan, String> {
        for (at, name) in self.unresolved {
            let found = self.named.get(&name);
            let found = found.ok_or_else(|| format!("type {name} is not defined"))?;
            self.nodes[at] = Node::Named(*found);
        }
        Ok(Plan {
            nodes: self.nodes,
            root,
        })
    }
}

/// A text as JSON.
fn quoted(text: &str) -> Box<str> {
    Value::from(text).to_string().into()
}
