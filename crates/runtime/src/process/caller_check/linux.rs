//! Whose the client is, by what Linux tells.

use std::io;

use rustix::process::{Pid, geteuid};

use super::holder::{Search, search};
use super::{Caller, Ends, socket};

/// Tells whether the client is of the environment whose runtime is `leader`, which has not been waited for.
///
/// It reads what the kernel tells about processes, so it blocks; for how long is a matter of how many of them the
/// environment has, and of how many there are if it is a stranger's.
///
/// # Errors
/// Fails if this process lacks what it takes to look, as descriptors. Then nothing is known.
pub(crate) fn look_at(ends: Ends, leader: Pid) -> io::Result<Caller> {
    let Some(socket) = socket::of_client(ends)? else {
        return Ok(other("it was closed before it was looked at"));
    };
    let us = geteuid();
    // The descriptors of other users' processes are closed to us, unless we are root.
    if socket.user != us.as_raw() && !us.is_root() {
        let (user, us) = (socket.user, us.as_raw());
        return Ok(Caller::Other(format!(
            "it belongs to user {user}, and this daemon runs as user {us}; a runtime must do so, too"
        )));
    }
    Ok(match search(leader, socket.inode)? {
        Search::Found => Caller::Environment,
        Search::Nowhere => other(
            "no process of the environment has it; a runtime must stay in the process group in which it was \
             started, or be a descendant of that command, and not in a container",
        ),
        Search::Hidden(pid, error) => Caller::Other(format!(
            "process {pid} of the environment does not show its descriptors ({error}); run it as this daemon's \
             user, from a file that this user may read"
        )),
    })
}

fn other(why: &str) -> Caller {
    Caller::Other(why.to_owned())
}
