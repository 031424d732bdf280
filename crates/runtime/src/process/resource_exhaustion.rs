//! The daemon is out of descriptors, processes or memory: no fault of a function.

use std::io;

use rustix::io::Errno;

/// Tells whether a call failed since this process or its machine has no more of something: descriptors or memory.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS)
    )
}

/// Returns what to do about it, to be put after the error.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => "; raise the limit of open files of lambda-esm (ulimit -n)",
        Some(Errno::NFILE) => "; raise the machine's limit of open files (fs.file-max)",
        Some(Errno::AGAIN) => "; raise the limit of processes of this user (ulimit -u)",
        Some(Errno::NOMEM | Errno::NOBUFS) => "; the machine is out of memory",
        _ => "",
    }
}
