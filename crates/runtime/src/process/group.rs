//! A process group that can be signalled until its leader is reaped.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The group led by one child. After [`reaped`](Self::reaped) the number may belong to somebody else, so
/// signals are no longer sent.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Mutex<Option<Pid>>,
}

impl ProcessGroup {
    pub(crate) fn new(leader: u32) -> Self {
        let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
        Self {
            leader: Mutex::new(leader),
        }
    }

    /// Returns the leader, unless it was waited for. As long as it was not, its number is that of no other process
    /// or group.
    pub(crate) fn leader(&self) -> Option<Pid> {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Tells whether the leader has exited, even if nobody has waited for it yet.
    pub(crate) fn has_ended(&self) -> bool {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(leader) = *leader else { return true };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error means that the child was waited for this moment.
        !matches!(waitid(WaitId::Pid(leader), look), Ok(None))
    }

    /// Kills what the leader left behind. To be called right after the leader was waited for.
    pub(crate) fn reaped(&self) {
        self.kill();
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn signal(&self, signal: Signal) {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = *leader
            && let Err(error) = kill_process_group(leader, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, ?leader, ?signal, "cannot signal a function's process group");
        }
    }
}
