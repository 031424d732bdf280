//! Protobuf: schemas are compiled by `protox`, records decoded by `prost-reflect`.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::{Compiler, Error};

use crate::framing::Framing;
use crate::limits::RECORD_DEPTH;
use crate::output::Output;
use crate::schema::RegisteredSchema;

/// What the schema itself is called among the files that it imports.
const ROOT: &str = "__schema_of_the_record__.proto";

/// The messages of a schema.
#[derive(Debug)]
pub(crate) struct Messages {
    file: FileDescriptor,
    /// All messages in the order of their full names, which is how Glue's serializers number them
    /// (aws-glue-schema-registry, `MessageIndexFinder`).
    by_name: Vec<MessageDescriptor>,
}

/// Serves the texts of the registry as files; nothing is read from a disk.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}

impl Messages {
    /// Compiles a schema. Fails in words.
    pub(crate) fn new(schema: &RegisteredSchema) -> Result<Self, String> {
        let references = schema.references.iter();
        let references = references.map(|one| (one.name.clone(), one.text.clone()));
        let root = (ROOT.to_owned(), schema.text.clone());
        let mut files = ChainFileResolver::new();
        files.add(Texts(references.chain([root]).collect()));
        files.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(files);
        compiler
            .open_file(ROOT)
            .map_err(|error| error.to_string())?;
        let pool = compiler.descriptor_pool();
        let file = pool.get_file_by_name(ROOT).ok_or("has no file")?;
        let mut by_name = Vec::new();
        let mut open: Vec<_> = file.messages().collect();
        while let Some(message) = open.pop() {
            open.extend(message.child_messages());
            by_name.push(message);
        }
        by_name.sort_by(|one, other| one.full_name().cmp(other.full_name()));
        Ok(Self { file, by_name })
    }

    /// Writes a record, which begins with which message it is, in Protobuf's canonical JSON.
    pub(crate) fn write_json(
        &self,
        framing: Framing,
        mut record: &[u8],
        output: &mut Output,
    ) -> Result<(), String> {
        let message = self.message(framing, &mut record)?;
        let message = DynamicMessage::decode(message, record).map_err(|error| error.to_string())?;
        serde_json::to_writer(output, &message).map_err(|error| {
            if error.is_io() {
                "is more than 6 MB as JSON".to_owned()
            } else {
                error.to_string()
            }
        })
    }

    fn message(&self, framing: Framing, record: &mut &[u8]) -> Result<MessageDescriptor, String> {
        match framing {
            Framing::Glue => {
                let index = varint(record)?;
                let message = usize::try_from(index)
                    .ok()
                    .and_then(|at| self.by_name.get(at));
                message
                    .cloned()
                    .ok_or_else(|| format!("names message {index} of {}", self.by_name.len()))
            }
            Framing::Confluent => {
                let mut path = Path::read(record)?;
                let first = path.next(record)?;
                let mut message = self.file.messages().nth(first);
                while !path.is_at_end() {
                    let next = path.next(record)?;
                    message = message.and_then(|message| message.child_messages().nth(next));
                }
                message.ok_or_else(|| "names a message that its schema does not have".to_owned())
            }
        }
    }
}

/// Which message a Confluent record is: how many numbers there are, then the position of a message in the file, of
/// one within that, and so on. A zero alone is short for the first message in the file.
struct Path {
    left: u32,
    is_short: bool,
}

impl Path {
    fn read(record: &mut &[u8]) -> Result<Self, String> {
        let count = signed(varint(record)?);
        match u32::try_from(count) {
            Ok(0) => Ok(Self {
                left: 1,
                is_short: true,
            }),
            Ok(left) if left <= RECORD_DEPTH => Ok(Self {
                left,
                is_short: false,
            }),
            _ => Err(format!("names its message by {count} numbers")),
        }
    }

    const fn is_at_end(&self) -> bool {
        self.left == 0
    }

    fn next(&mut self, record: &mut &[u8]) -> Result<usize, String> {
        self.left -= 1;
        if self.is_short {
            return Ok(0);
        }
        let position = signed(varint(record)?);
        usize::try_from(position).map_err(|_| format!("names message {position}"))
    }
}

/// Reads an unsigned number: seven bits a byte, the lowest first.
fn varint(record: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = record
            .split_first()
            .ok_or("ends before it names its message")?;
        *record = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("names its message by a number of more than 63 bits".to_owned())
}

/// Reads the sign from the lowest bit.
const fn signed(number: u64) -> i64 {
    let magnitude = (number >> 1).cast_signed();
    if number & 1 == 0 {
        magnitude
    } else {
        !magnitude
    }
}
