//! Log lines on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// The variable that chooses what is logged, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "RUST_LOG";

/// Starts logging. `RUST_LOG` wins over `verbosity`.
pub(super) fn start(verbosity: u8) -> Result<(), Failure> {
    let directives = match (std::env::var(VARIABLE), verbosity) {
        (Ok(directives), _) if !directives.is_empty() => directives,
        // The reporter tells of problems once; the engine, and what it calls, would tell of every try.
        (_, 0) => "error,lambda_esm=info,lambda_esm_engine=error".to_owned(),
        (_, 1) => "error,lambda_esm=debug".to_owned(),
        (_, _) => "debug,lambda_esm=trace".to_owned(),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        let text =
            format!("{VARIABLE} is {directives:?}: {error}; write for example lambda_esm=debug");
        Failure::Usage(text)
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
