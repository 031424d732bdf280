//! Why a command ends without success, and with which exit code.

use std::fmt;
use std::io;

use crate::config::Problem;

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense: exit code 64.
    Usage(String),
    /// The configuration cannot be used: exit code 78.
    Configuration(Vec<Problem>),
    /// `check` found an invalid configuration: exit code 2.
    Invalid(Vec<Problem>),
    /// The command did its work, and its answer, printed already, is no: exit code 1.
    Negative,
    /// Standard output cannot be written.
    Output(io::Error),
    /// Anything else: exit code 1.
    General(String),
}

impl Failure {
    /// Returns a failure with the cause in words.
    pub(crate) fn general(text: impl Into<String>) -> Self {
        Self::General(text.into())
    }

    /// Returns the failure to write standard output.
    pub(crate) const fn output(error: io::Error) -> Self {
        Self::Output(error)
    }

    /// Returns the process's exit code: `EX_USAGE` and `EX_CONFIG` of `sysexits.h` where they fit. A
    /// reader that went away counts as the signal that it would have sent.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Configuration(_) => 78,
            Self::Invalid(_) => 2,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 141,
            Self::Negative | Self::Output(_) | Self::General(_) => 1,
        }
    }
}

/// Writes what is to be shown, one `error:` line for each problem; nothing if nothing is to be said.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(problems) | Self::Invalid(problems) => problems
                .iter()
                .try_for_each(|problem| writeln!(out, "error: {problem}")),
            Self::Usage(text) | Self::General(text) => writeln!(out, "error: {text}"),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Self::Output(error) => writeln!(out, "error: cannot write standard output: {error}"),
            Self::Negative => Ok(()),
        }
    }
}
