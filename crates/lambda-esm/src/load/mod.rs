//! `lambda-esm load`: the workload of a simulation, with real servers in real time.

mod arguments;
mod command;
mod duration;
mod producers;
mod progress;
mod safety;
mod workload;

pub(crate) use arguments::Args;
pub(crate) use command::run;
