//! Records whose data is encoded apart from their metadata.

use crate::predicate::Leaf;
use crate::program::{Program, Span};
use crate::scratch::{Misfits, Scratch};
use crate::walk::Walk;

/// A record as its source delivers it: metadata, and data in an encoding of its own.
///
/// The data counts as JSON if it is a JSON object or array, else as plain text if it is UTF-8.
/// (A bare JSON number, string, `true`, `false` or `null` has no fields to look into, so it is
/// plain text, compared as written.)
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The name under which patterns speak of the data: `body` for SQS, `data` for Kinesis and
    /// Amazon MQ, `dynamodb` for DynamoDB, `value` for Kafka. Contains no dot.
    pub data_key: &'a str,
    /// The data, after base64 decoding.
    pub data: &'a [u8],
    /// JSON objects whose members all stand at the root. A member named like `data_key` is
    /// ignored. May be empty if [`crate::Filters::needs_metadata`] says so.
    pub metadata: &'a [&'a [u8]],
    /// What happens if a pattern's form does not fit the data's.
    pub on_mismatch: Mismatch,
}

/// What happens if a pattern asks for JSON data and the data is not JSON, or the reverse.
///
/// Source: Lambda developer guide, the filtering page of each event source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The record does not match: SQS, Kinesis, DynamoDB.
    Drop,
    /// The rest of the pattern decides: Kafka, Amazon MQ.
    IgnoreData,
}

/// What a record's data turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Text,
    /// Not UTF-8.
    Binary,
}

/// What the walk over a record found out beside the bits in [`Scratch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walked {
    /// The node of the data key, if any pattern names it.
    pub(crate) data_node: Option<u32>,
    /// `None` if no pattern looks at the data.
    pub(crate) form: Option<Form>,
    pub(crate) misfits: Misfits,
}

impl Record<'_> {
    /// Walks data and metadata; returns `None` if the metadata is malformed.
    pub(crate) fn walk(&self, program: &Program, scratch: &mut Scratch) -> Option<Walked> {
        scratch.reset(program);
        let data_node = program.nodes[0].children.find(self.data_key.as_bytes());
        let form = data_node.map(|node| self.walk_data(node, program, scratch));
        for object in self.metadata {
            Walk::new(object, program, scratch)
                .except(data_node)
                .object_at(0)
                .ok()?;
        }
        let misfits = Misfits {
            fields: data_node
                .zip(form)
                .map(|(node, form)| misfits(program, node, form))
                .unwrap_or_default(),
            ignored: self.on_mismatch == Mismatch::IgnoreData,
        };
        Some(Walked {
            data_node,
            form,
            misfits,
        })
    }

    fn walk_data(&self, node: u32, program: &Program, scratch: &mut Scratch) -> Form {
        if std::str::from_utf8(self.data).is_err() {
            return Form::Binary;
        }
        if Walk::new(self.data, program, scratch)
            .container_at(node)
            .is_ok()
        {
            return Form::Json;
        }
        // The walk may have set bits before it came upon the fault.
        scratch.reset(program);
        let node = &program.nodes[node as usize];
        scratch.test(program, node, &Leaf::String(self.data));
        Form::Text
    }
}

/// Returns the fields that ask for another form of data than this.
fn misfits(program: &Program, data_node: u32, form: Form) -> Span {
    let node = &program.nodes[data_node as usize];
    match form {
        Form::Json => node.own,
        Form::Text => node.below,
        Form::Binary => Span {
            start: node.own.start,
            end: node.below.end,
        },
    }
}
