//! Who is at the other end of a connection to the Runtime API.
//!
//! Every user of this machine can reach a loopback port, and every web page that a browser on it shows. So the
//! Runtime API listens to its own environment only: to the process group of the runtime that was started for it,
//! and to what descends from that runtime. On Linux the kernel tells which socket is the client's, and whose it
//! is. Elsewhere no safe interface does, and a connection is taken from whoever makes it: there, whoever shares
//! the machine is trusted. The marks of a browser are refused everywhere.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod holder;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod socket;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::look_at;
#[cfg(target_os = "linux")]
pub(crate) use linux::look_at;

/// The two ends of a connection: the client's and ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) client: std::net::SocketAddrV4,
    pub(crate) server: std::net::SocketAddrV4,
}

/// Whose the client's end is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A process of the environment has it.
    Environment,
    /// Nobody knows that; why, in words.
    Other(String),
}
