//! Systems that do not tell whose a socket is.

use std::io;

use rustix::process::Pid;

use super::{Caller, Ends};

/// Takes every client for the environment's.
pub(crate) fn look_at(_: Ends, _: Pid) -> io::Result<Caller> {
    Ok(Caller::Environment)
}
