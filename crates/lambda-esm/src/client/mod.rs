//! A running daemon, asked over HTTP.

mod daemon;
mod stream;

pub(crate) use daemon::{Client, DaemonArgs};
pub(crate) use stream::Told;
