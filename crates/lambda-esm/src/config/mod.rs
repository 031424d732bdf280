//! The configuration file: YAML, or JSON, which is YAML.
//!
//! It is read into a tree in which every value knows its line, and from there into types that cannot be
//! wrong. All problems are reported at once. What this version cannot honour yet is refused, never
//! ignored.

mod api;
mod brokers;
mod clients;
mod endpoints;
pub(crate) mod fields;
mod file;
mod functions;
mod kafka;
#[cfg(feature = "brokers")]
mod login;
pub(crate) mod mappings;
mod problem;
mod record;
mod secrets;
pub(crate) mod suggest;
pub(crate) mod yaml;

pub(crate) use file::{Configuration, DEFAULT_FILE};
pub(crate) use functions::{Backend, FunctionSettings};
pub(crate) use mappings::{Clients, MappingSettings};
pub(crate) use problem::{Problem, Problems};
pub(crate) use record::RecordSettings;
pub(crate) use yaml::syntax_words;

#[cfg(feature = "aws")]
pub(crate) use clients::called_services;
#[cfg(feature = "brokers")]
pub(crate) use login::Login;
