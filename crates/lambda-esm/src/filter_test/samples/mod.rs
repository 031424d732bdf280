//! `lambda-esm filter test --samples`: how many recorded events match, and what each clause loses.

mod command;
mod measure;
mod read;
mod report;

pub(super) use command::run;
