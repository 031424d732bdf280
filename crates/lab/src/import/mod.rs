//! Templates of infrastructure as configurations and scenarios: which event source mappings they make, of what, for which
//! functions, and what of them cannot be carried.

mod api;
mod cloudformation;
mod draft;
mod findings;
mod format;
mod gathered;
mod imported;
mod node;
mod parse;
mod place;
mod problem;
mod read;
mod serverless;
mod shape;
mod terraform;

pub use format::Format;
pub use imported::{
    ImportSettings, Imported, ImportedFunction, ImportedMapping, ImportedSource, NotCarried, Origin,
};
pub use problem::ImportProblem;
pub use read::import;
