//! `lambda-esm import`: templates of infrastructure as configurations and scenarios.

mod command;
mod configuration;
mod lines;
mod scenario;
#[cfg(test)]
mod tests;

pub(crate) use command::{Args, as_scenario, run};
