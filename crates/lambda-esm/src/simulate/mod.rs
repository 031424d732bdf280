//! `lambda-esm simulate`: runs a scenario in virtual time.

mod command;

pub(crate) use command::{Args, run};
