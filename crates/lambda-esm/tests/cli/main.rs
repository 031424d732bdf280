//! The `lambda-esm` command, run as its users run it.

mod check;
mod filter_test;
mod support;
mod usage;

#[cfg(feature = "sqs")]
mod configs;
#[cfg(feature = "sqs")]
mod fake_sqs;
#[cfg(feature = "sqs")]
mod run;
