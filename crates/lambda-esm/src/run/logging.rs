//! Log lines on standard error.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::panic;

use lambda_esm_core::text::Escaping;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::debug_fn;

use crate::background_writer::BackgroundWriter;
use crate::failure::Failure;

/// The variable that chooses what is logged, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "RUST_LOG";

/// Starts logging. `RUST_LOG` wins over `verbosity`.
///
/// Whoever logs waits for nobody: lines that are not read fast enough are dropped, and counted. What is logged is
/// one line, whatever a function or a server has put into it.
pub(crate) fn start(verbosity: u8) -> Result<BackgroundWriter, Failure> {
    let directives = match (std::env::var(VARIABLE), verbosity) {
        (Ok(directives), _) if !directives.is_empty() => directives,
        // The reporter tells of problems once; the engine, and what it calls, would tell of every try.
        // A mapping's own log has a level of its own. RabbitMQ's client calls an error what its caller tells of.
        (_, 0) => {
            "error,lapin=off,lambda_esm=info,lambda_esm::run::mapping_log=debug,lambda_esm_engine=error"
                .to_owned()
        }
        (_, 1) => "error,lapin=off,lambda_esm=debug".to_owned(),
        (_, _) => "debug,lambda_esm=trace".to_owned(),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        let text =
            format!("{VARIABLE} is {directives:?}: {error}; write for example lambda_esm=debug");
        Failure::Usage(text)
    })?;
    let log = BackgroundWriter::start(std::io::stderr(), |lines| {
        tracing::warn!("{lines} lines of the log were dropped because its reader was too slow");
    })?;
    let fields = debug_fn(|out, field, value| match field.name() {
        "message" => write!(Escaping(out), "{value:?}"),
        name => {
            write!(out, "{name}=")?;
            write!(Escaping(out), "{value:?}")
        }
    });
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .fmt_fields(fields.delimited(" "))
        .with_writer(move || writer.clone())
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // The standard hook writes by itself, and waits for the reader.
    panic::set_hook(Box::new(|bug| tracing::error!("{bug}")));
    Ok(log)
}
