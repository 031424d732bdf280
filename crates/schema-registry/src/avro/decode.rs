//! Reads a record and writes it as JSON.
//!
//! The JSON is plain: a union is its value alone, and a logical type is the number, text or bytes beneath it, as in
//! Avro's JSON encoding (Avro specification, "JSON Encoding"; of the developer guide's "standard JSON object" no
//! more is documented). Bytes are a text of the characters U+0000 to U+00FF, and numbers that JSON lacks are the
//! texts `NaN`, `Infinity` and `-Infinity`.

use super::plan::{Node, Plan};
use crate::limits::RECORD_DEPTH;
use crate::output::{Output, TooLong};

impl Plan {
    /// Writes the record as JSON. What follows it is left alone, as other decoders do.
    pub(crate) fn write_json(&self, record: &[u8], output: &mut Output) -> Result<(), String> {
        let mut decoder = Decoder {
            nodes: &self.nodes,
            rest: record,
            output,
        };
        decoder
            .value(self.root, RECORD_DEPTH)
            .map_err(|fault| fault.words())
    }
}

/// Why a record cannot be read.
enum Fault {
    End,
    Number,
    Length,
    Int(i64),
    Boolean(u8),
    Utf8,
    Variant(i64, usize),
    Symbol(i64, usize),
    TooDeep,
    TooLong,
}

impl Fault {
    fn words(&self) -> String {
        match self {
            Self::End => "ends in the middle of a value".to_owned(),
            Self::Number => "holds a number of more than 64 bits".to_owned(),
            Self::Length => "holds a negative length".to_owned(),
            Self::Int(number) => format!("holds {number} where an int of 32 bits must be"),
            Self::Boolean(byte) => format!("holds byte {byte} where a boolean must be 0 or 1"),
            Self::Utf8 => "holds a string that is not UTF-8".to_owned(),
            Self::Variant(index, count) => format!("names type {index} of a union of {count}"),
            Self::Symbol(index, count) => format!("names symbol {index} of an enum of {count}"),
            Self::TooDeep => format!("is nested more than {RECORD_DEPTH} deep"),
            Self::TooLong => "is more than 6 MB as JSON".to_owned(),
        }
    }
}

impl From<TooLong> for Fault {
    fn from(TooLong: TooLong) -> Self {
        Self::TooLong
    }
}

struct Decoder<'a> {
    nodes: &'a [Node],
    rest: &'a [u8],
    output: &'a mut Output,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, node: usize, depth: u32) -> Result<(), Fault> {
        match &self.nodes[node] {
            Node::Null => self.write(b"null"),
            Node::Boolean => match self.take(1)? {
                [0] => self.write(b"false"),
                [1] => self.write(b"true"),
                other => Err(Fault::Boolean(other[0])),
            },
            Node::Int => {
                let number = self.long()?;
                let number = i32::try_from(number).map_err(|_| Fault::Int(number))?;
                self.json(&number)
            }
            Node::Long => {
                let number = self.long()?;
                self.json(&number)
            }
            Node::Float => {
                let number = f32::from_le_bytes(self.array()?);
                if number.is_finite() {
                    return self.json(&number);
                }
                self.not_finite(f64::from(number))
            }
            Node::Double => {
                let number = f64::from_le_bytes(self.array()?);
                if number.is_finite() {
                    return self.json(&number);
                }
                self.not_finite(number)
            }
            Node::Bytes => {
                let bytes = self.long_prefixed()?;
                self.bytes(bytes)
            }
            Node::Fixed(size) => {
                let bytes = self.take(*size)?;
                self.bytes(bytes)
            }
            Node::String => self.string(),
            Node::Enum(symbols) => {
                let index = self.long()?;
                let symbol = usize::try_from(index).ok().and_then(|at| symbols.get(at));
                let symbol = symbol.ok_or(Fault::Symbol(index, symbols.len()))?;
                self.write(symbol.as_bytes())
            }
            Node::Array(item) => {
                let depth = deeper(depth)?;
                self.blocks(b"[", b"]", |decoder| decoder.value(*item, depth))
            }
            Node::Map(value) => {
                let depth = deeper(depth)?;
                self.blocks(b"{", b"}", |decoder| {
                    decoder.string()?;
                    decoder.write(b":")?;
                    decoder.value(*value, depth)
                })
            }
            Node::Union(variants) => {
                let index = self.long()?;
                let variant = usize::try_from(index).ok().and_then(|at| variants.get(at));
                let variant = *variant.ok_or(Fault::Variant(index, variants.len()))?;
                self.value(variant, depth)
            }
            Node::Record(fields) => {
                let depth = deeper(depth)?;
                if fields.is_empty() {
                    self.write(b"{")?;
                }
                for field in fields {
                    self.write(field.before.as_bytes())?;
                    self.value(field.node, depth)?;
                }
                self.write(b"}")
            }
            Node::Named(at) => self.value(*at, depth),
        }
    }

    /// Reads the blocks of an array or map, each a count and so many items. After a negative count there is the
    /// length of the block in bytes, too.
    fn blocks(
        &mut self,
        start: &[u8],
        end: &[u8],
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.write(start)?;
        let mut is_first = true;
        loop {
            let count = self.long()?;
            if count == 0 {
                return self.write(end);
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                if !is_first {
                    self.write(b",")?;
                }
                is_first = false;
                item(self)?;
            }
        }
    }

    fn string(&mut self) -> Result<(), Fault> {
        let bytes = self.long_prefixed()?;
        let text = str::from_utf8(bytes).map_err(|_| Fault::Utf8)?;
        self.json(text)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        self.json(text.as_str())
    }

    fn not_finite(&mut self, number: f64) -> Result<(), Fault> {
        self.write(if number.is_nan() {
            b"\"NaN\""
        } else if number > 0.0 {
            b"\"Infinity\""
        } else {
            b"\"-Infinity\""
        })
    }

    /// Reads an int or long: seven bits a byte, the lowest first, and the sign in the lowest bit.
    fn long(&mut self) -> Result<i64, Fault> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Fault::End)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Fault::Number);
            }
            number |= bits << shift;
            if byte < 0x80 {
                let magnitude = (number >> 1).cast_signed();
                return Ok(if number & 1 == 0 {
                    magnitude
                } else {
                    !magnitude
                });
            }
        }
        Err(Fault::Number)
    }

    fn long_prefixed(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.long()?).map_err(|_| Fault::Length)?;
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Fault::End)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::End)?;
        self.rest = rest;
        Ok(taken)
    }

    fn write(&mut self, json: &[u8]) -> Result<(), Fault> {
        Ok(self.output.push(json)?)
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        // Numbers and texts always are JSON, so only the limit can be in the way.
        serde_json::to_writer(&mut *self.output, value).map_err(|_| Fault::TooLong)
    }
}

fn deeper(depth: u32) -> Result<u32, Fault> {
    depth.checked_sub(1).ok_or(Fault::TooDeep)
}
