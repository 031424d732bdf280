//! Which process has a socket.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{read_dir, read_link, read_to_string};
use std::io;
use std::path::Path;

use rustix::process::Pid;

use crate::process::resource_exhaustion::is_exhaustion;

/// What a search for a socket has shown.
#[derive(Debug)]
pub(super) enum Search {
    /// A process of the environment has it.
    Found,
    /// No process of the environment has it.
    Nowhere,
    /// None that may be looked at has it; this one may not.
    Hidden(i32, io::Error),
}

/// Looks for a socket among the processes of an environment: those that descend from its `leader`, and those
/// that are in its process group though their parents are gone.
///
/// The nearest come first, so that the whole machine is looked through for such orphans and for strangers only.
///
/// # Errors
/// Fails if this process lacks what it takes to look.
pub(super) fn search(leader: Pid, inode: u64) -> io::Result<Search> {
    let leader = leader.as_raw_pid();
    let mut family = Family {
        leader,
        members: BTreeSet::from([leader]),
        socket: format!("socket:[{inode}]"),
        hidden: None,
    };
    let mut next = vec![leader];
    while let Some(pid) = next.pop() {
        if family.has_it(pid)? {
            return Ok(Search::Found);
        }
        let children = children(pid)?;
        next.extend(children.filter(|child| family.members.insert(*child)));
    }
    for pid in numbers(Path::new("/proc"))? {
        if !family.members.contains(&pid) && family.has_member(pid)? {
            family.members.insert(pid);
            if family.has_it(pid)? {
                return Ok(Search::Found);
            }
        }
    }
    let hidden = family.hidden;
    Ok(hidden.map_or(Search::Nowhere, |(pid, error)| Search::Hidden(pid, error)))
}

struct Family {
    leader: i32,
    /// Those found so far.
    members: BTreeSet<i32>,
    /// What the links to the socket say.
    socket: String,
    hidden: Option<(i32, io::Error)>,
}

impl Family {
    /// Tells whether process `pid` is a member now, and has the socket.
    fn has_it(&mut self, pid: i32) -> io::Result<bool> {
        match has_open(pid, OsStr::new(&self.socket)) {
            // The number may have gone to another process since it was found.
            Ok(found) => Ok(found && self.has_member(pid)?),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.hidden.get_or_insert((pid, error));
                Ok(false)
            }
            Err(error) => gone(error).map(|()| false),
        }
    }

    fn has_member(&self, pid: i32) -> io::Result<bool> {
        let stat = match read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            Err(error) => return gone(error).map(|()| false),
        };
        // `PID (NAME) STATE PARENT GROUP …`, where a name may hold anything (proc_pid_stat(5)).
        // A call of `getpgid` would not do: a kernel thread is in group 0, which rustix takes for impossible.
        let mut words = stat.rsplit(')').next().unwrap_or_default().split(' ');
        let parent = words.nth(2).and_then(|word| word.parse().ok());
        let group = words.next().and_then(|word| word.parse().ok());
        let descends = parent.is_some_and(|parent: i32| self.members.contains(&parent));
        Ok(pid == self.leader || group == Some(self.leader) || descends)
    }
}

fn has_open(pid: i32, socket: &OsStr) -> io::Result<bool> {
    for descriptor in read_dir(format!("/proc/{pid}/fd"))? {
        match read_link(descriptor?.path()) {
            Ok(link) if link.as_os_str() == socket => return Ok(true),
            Ok(_) => {}
            Err(error) => gone(error)?,
        }
    }
    Ok(false)
}

/// Returns the children that process `pid` has now, of all its threads. Kernels that were built without these
/// lists say of none.
fn children(pid: i32) -> io::Result<impl Iterator<Item = i32>> {
    let threads = format!("/proc/{pid}/task");
    let mut found = Vec::new();
    for thread in numbers(Path::new(&threads))? {
        match read_to_string(format!("{threads}/{thread}/children")) {
            Ok(children) => found.extend(
                children
                    .split(' ')
                    .filter_map(|word| word.parse::<i32>().ok()),
            ),
            Err(error) => gone(error)?,
        }
    }
    Ok(found.into_iter())
}

/// Returns the numbers by which a folder's entries are named; none if it is gone.
fn numbers(folder: &Path) -> io::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    match read_dir(folder) {
        Ok(entries) => {
            let names = entries.map_while(Result::ok).map(|entry| entry.file_name());
            numbers.extend(names.filter_map(|name| name.to_str()?.parse::<i32>().ok()));
        }
        Err(error) => gone(error)?,
    }
    Ok(numbers)
}

/// Takes what cannot be read for gone, as processes go at any time, unless it is for a lack of ours.
fn gone(error: io::Error) -> io::Result<()> {
    if is_exhaustion(&error) {
        Err(error)
    } else {
        Ok(())
    }
}
