//! `lambda-esm sweep`: many configurations of a scenario, and one recommended change.

mod command;
mod interrupt;
mod progress;
mod settings;

pub(crate) use command::{Args, run};
