//! A JSON tree that keeps the order and the repetition of members and the text of numbers.
//!
//! For patterns and explanations only; matching does not build one.

use std::borrow::Cow;

use crate::scan::{Cursor, Malformed, Text};
use crate::unescape::unescape;

/// A JSON value. Strings are bytes, as an unpaired surrogate is no UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, [u8]>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, [u8]>, Self)>),
}

impl<'a> Tree<'a> {
    /// Reads one value; returns it and the offset of what follows it and its white space.
    /// On failure, returns the offset of the offending byte.
    pub(crate) fn parse(text: &'a [u8]) -> Result<(Self, usize), usize> {
        if let Err(error) = std::str::from_utf8(text) {
            return Err(error.valid_up_to());
        }
        let mut cursor = Cursor::new(text);
        cursor.token();
        match read(&mut cursor) {
            Ok(tree) => {
                cursor.token();
                Ok((tree, cursor.pos()))
            }
            Err(Malformed) => Err(cursor.pos().min(text.len())),
        }
    }

    /// Reads a text that is one value and nothing more.
    pub(crate) fn parse_all(text: &'a [u8]) -> Result<Self, usize> {
        match Self::parse(text)? {
            (tree, end) if end == text.len() => Ok(tree),
            (_, end) => Err(end),
        }
    }

    /// Names the kind of value with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Renders the value as JSON text for messages.
    pub(crate) fn render(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => (*text).to_owned(),
            Self::String(text) => quote(text),
            Self::Array(items) => {
                let items: Vec<String> = items.iter().map(Self::render).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{}", quote(name), value.render()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

/// Renders a string as JSON, with what is not Unicode replaced.
pub(crate) fn quote(text: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(text)).to_string()
}

fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Tree<'a>, Malformed> {
    match cursor.peek() {
        b'"' => Ok(Tree::String(plain(cursor.string()?))),
        b'{' => read_object(cursor),
        b'[' => read_array(cursor),
        _ => Ok(match cursor.bare()? {
            b"null" => Tree::Null,
            b"true" => Tree::Bool(true),
            b"false" => Tree::Bool(false),
            number => Tree::Number(std::str::from_utf8(number).map_err(|_| Malformed)?),
        }),
    }
}

fn read_object<'a>(cursor: &mut Cursor<'a>) -> Result<Tree<'a>, Malformed> {
    cursor.enter()?;
    let mut members = Vec::new();
    if cursor.token() != b'}' {
        loop {
            let name = plain(cursor.key()?);
            members.push((name, read(cursor)?));
            match cursor.token() {
                b',' => cursor.advance(),
                b'}' => break,
                _ => return Err(Malformed),
            }
        }
    }
    cursor.leave();
    Ok(Tree::Object(members))
}

fn read_array<'a>(cursor: &mut Cursor<'a>) -> Result<Tree<'a>, Malformed> {
    cursor.enter()?;
    let mut items = Vec::new();
    if cursor.token() != b']' {
        loop {
            cursor.token();
            items.push(read(cursor)?);
            match cursor.token() {
                b',' => cursor.advance(),
                b']' => break,
                _ => return Err(Malformed),
            }
        }
    }
    cursor.leave();
    Ok(Tree::Array(items))
}

fn plain(text: Text<'_>) -> Cow<'_, [u8]> {
    if !text.escaped {
        return Cow::Borrowed(text.raw);
    }
    let mut out = Vec::with_capacity(text.raw.len());
    unescape(text.raw, &mut out);
    Cow::Owned(out)
}
