//! Ports for servers that a test kills and starts again.

use std::array;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;

/// Below the ports that systems give to clients and to servers that mind none (32768 and up on Linux): whoever was given one
/// while its server is down or has not begun would keep it from listening.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Returns ports that nobody uses, and that no other server of this process is given.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    // Processes that run side by side begin far from each other.
    let begin = std::process::id().wrapping_mul(7_919) % u32::from(COUNT);
    let begin = u16::try_from(begin).unwrap();
    let all = (begin..COUNT).chain(0..begin).map(|at| FIRST + at);
    let mut taken = TAKEN.lock().unwrap();
    let mut free =
        all.filter(|port| taken.insert(*port) && TcpListener::bind(("127.0.0.1", *port)).is_ok());
    array::from_fn(|_| free.next().unwrap())
}
