//! YAML as a tree in which every value knows where it is and whether it may be shown, and what is read from it.

mod deserialize;
mod location;
mod parse;
mod path;
mod secrets;
mod syntax;
mod tree;

pub(crate) use deserialize::{Misfit, read};
pub(crate) use location::Location;
pub(crate) use path::join;
pub(crate) use syntax::words as syntax_words;
pub(crate) use tree::{Member, Node, Value};
