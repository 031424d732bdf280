//! Reads YAML, and with it JSON, into a tree. The short forms of CloudFormation's functions (`!Ref Orders`) become the
//! long ones (`{"Ref": "Orders"}`), so that nobody behind has to know two spellings.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::node::{Member, Node, Position, Value, join};
use super::problem::ImportProblem;

/// The largest document, in bytes: CloudFormation takes 1 MB, a state of Terraform can be larger.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The deepest nesting.
const MOST_LEVELS: usize = 100;

/// How many values all aliases together may repeat.
const MOST_REPEATED: usize = 100_000;

/// The functions of CloudFormation that have a short form (CloudFormation template reference, "Intrinsic function
/// reference").
const SHORT_FORMS: [&str; 21] = [
    "And",
    "Base64",
    "Cidr",
    "Condition",
    "Contains",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Ref",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
];

/// Reads one document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Node, Box<ImportProblem>> {
    if bytes.len() > MOST_BYTES {
        return Err(whole(
            format!("is larger than {MOST_BYTES} bytes"),
            "import only the part with functions, sources and mappings",
        ));
    }
    let not_text = || {
        whole(
            "is no text in UTF-8",
            "name a template: YAML or JSON, not an archive or a binary plan (`terraform show -json PLAN` makes JSON of one)",
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|_| not_text())?;
    if text.contains('\0') {
        return Err(not_text());
    }
    if text.trim().is_empty() {
        return Err(whole(
            "is empty",
            "name a template with at least one function that reads a queue, stream or topic",
        ));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MOST_LEVELS,
        block_nesting_limit: MOST_LEVELS,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        repeated: 0,
    };
    reader.document()
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// What stands under each anchor, and of how many values it is.
    anchors: HashMap<usize, (Node, usize)>,
    repeated: usize,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Node, Box<ImportProblem>> {
        let mut document = None;
        loop {
            let (event, span) = self.next("")?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if document.is_some() => {
                    return Err(problem(
                        position(span),
                        "",
                        "there is a second document",
                        "import each by itself",
                    ));
                }
                event => document = Some(self.node(event, span, "", 0)?),
            }
        }
        document.ok_or_else(|| whole("is empty", "name a template"))
    }

    fn next(&mut self, path: &str) -> Result<(Event<'t>, Span), Box<ImportProblem>> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let marker = error.marker();
                let at = Position {
                    line: marker.line(),
                    column: marker.col() + 1,
                };
                let text = error.info();
                let way_out = if text.contains("nest") || text.contains("recursion") {
                    "a template is not nested so deep; look for brackets that are never closed"
                } else {
                    "look at this line and the one before it: indentation, brackets, quotes; is the file whole?"
                };
                let rule = format!("cannot be read as YAML or JSON: {text}");
                Err(problem(at, path, &rule, way_out))
            }
            None => Err(whole(
                "ends too early",
                "is the file whole? close brackets and quotes",
            )),
        }
    }

    fn node(
        &mut self,
        event: Event<'t>,
        span: Span,
        path: &str,
        level: usize,
    ) -> Result<Node, Box<ImportProblem>> {
        let at = position(span);
        if level > MOST_LEVELS {
            return Err(too_deep(at, path));
        }
        let (value, anchor, tag) = match event {
            Event::Alias(anchor) => return self.repeat(anchor, at, path),
            Event::Scalar(text, style, anchor, tag) => {
                let text_only = style != ScalarStyle::Plain || tag.is_some();
                let value = if text_only {
                    Value::Text(text.into_owned())
                } else {
                    plain(&text)
                };
                (value, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (self.list(path, level)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.map(path, level)?, anchor, tag),
            _ => return Err(problem(at, path, "there is no value here", "write one")),
        };
        let node = match tag {
            Some(tag) => long_form(&tag, Node::new(at, value), path)?,
            None => Node::new(at, value),
        };
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn repeat(
        &mut self,
        anchor: usize,
        at: Position,
        path: &str,
    ) -> Result<Node, Box<ImportProblem>> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(problem(
                at,
                path,
                "an alias stands within what it names",
                "write out what is meant",
            ));
        };
        self.repeated += size;
        if self.repeated > MOST_REPEATED {
            let rule = format!("aliases repeat more than {MOST_REPEATED} values");
            return Err(problem(at, path, &rule, "write it out with fewer aliases"));
        }
        Ok(node.clone())
    }

    fn list(&mut self, path: &str, level: usize) -> Result<Value, Box<ImportProblem>> {
        let mut items = Vec::new();
        loop {
            let path = format!("{path}[{}]", items.len());
            match self.next(&path)? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, &path, level + 1)?),
            }
        }
    }

    fn map(&mut self, path: &str, level: usize) -> Result<Value, Box<ImportProblem>> {
        let mut members: Vec<Member> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (key, at, is_merge) = match self.next(path)? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, style, ..), span) => {
                    let is_merge = text == "<<" && style == ScalarStyle::Plain;
                    (text.into_owned(), position(span), is_merge)
                }
                (_, span) => {
                    let way_out = "write KEY: VALUE, and put text with brackets in quotes";
                    return Err(problem(position(span), path, "a key must be text", way_out));
                }
            };
            let path = join(path, &key);
            let (event, span) = self.next(&path)?;
            let node = self.node(event, span, &path, level + 1)?;
            if is_merge {
                merged.push(node);
            } else if let Some(first) = members.iter().find(|member| member.key == key) {
                let rule = format!("the key is in line {} already", first.at.line);
                return Err(problem(at, &path, &rule, "remove or rename one"));
            } else {
                members.push(Member { key, at, node });
            }
        }
        for node in merged {
            merge(&mut members, node);
        }
        Ok(Value::Map(members))
    }
}

/// Adds what `<<` names, but for keys that are there already.
fn merge(members: &mut Vec<Member>, node: Node) {
    match node.value {
        Value::Map(more) => {
            for member in more {
                if !members.iter().any(|known| known.key == member.key) {
                    members.push(member);
                }
            }
        }
        Value::List(items) => items.into_iter().for_each(|item| merge(members, item)),
        _ => {}
    }
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node
            .members()
            .iter()
            .map(|member| size(&member.node))
            .sum::<usize>()
}

/// Reads an unquoted scalar (YAML 1.2, core schema). Digits that begin with 0, such as account ids, are text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let begins_as_one = digits.starts_with(|first: char| first.is_ascii_digit());
    let is_id = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if begins_as_one && !is_id && text.parse::<f64>().is_ok() {
        Value::Number(text.to_owned())
    } else {
        Value::Text(text.to_owned())
    }
}

/// Turns `!Name value` into `{"Fn::Name": value}`.
fn long_form(tag: &Tag, node: Node, path: &str) -> Result<Node, Box<ImportProblem>> {
    if tag.is_yaml_core_schema() {
        return Ok(node);
    }
    let name = tag.suffix();
    if tag.handle() != "!" || !SHORT_FORMS.contains(&name) {
        let written = tag.original();
        let rule = format!("the tag {written} is no function of CloudFormation");
        let way_out = "see to its spelling, or put the value in quotes";
        return Err(problem(node.at, path, &rule, way_out));
    }
    let at = node.at;
    let node = match (name, node.as_text().and_then(|text| text.split_once('.'))) {
        ("GetAtt", Some((resource, attribute))) => {
            let parts = [resource, attribute];
            let parts = parts.map(|part| Node::text(at, part)).to_vec();
            Node::new(at, Value::List(parts))
        }
        _ => node,
    };
    let key = match name {
        "Ref" | "Condition" => name.to_owned(),
        _ => format!("Fn::{name}"),
    };
    Ok(Node::new(at, Value::Map(vec![Member { key, at, node }])))
}

fn position(span: Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

fn too_deep(at: Position, path: &str) -> Box<ImportProblem> {
    let rule = format!("is nested more than {MOST_LEVELS} levels deep");
    problem(
        at,
        path,
        &rule,
        "a template is not nested so deep; look for brackets that are never closed",
    )
}

fn whole(reason: impl Into<String>, way_out: &str) -> Box<ImportProblem> {
    Box::new(ImportProblem::whole(reason, way_out))
}

fn problem(at: Position, path: &str, reason: &str, way_out: &str) -> Box<ImportProblem> {
    Box::new(ImportProblem {
        line: Some(at.line),
        column: Some(at.column),
        path: path.to_owned(),
        ..ImportProblem::whole(reason, way_out)
    })
}
