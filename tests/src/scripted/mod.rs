//! Daemons whose functions are scripted by a test, whatever their sources.

mod functions;
mod stage;

pub use functions::{
    Call, Reply, Script, ScriptedFunctions, SeenRecord, answering, failing, fine, pending,
};
pub use stage::{Stage, merge};
