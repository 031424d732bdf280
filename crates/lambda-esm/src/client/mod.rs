//! A running daemon, asked over HTTP.

mod connection;
mod stream;

pub(crate) use connection::{Client, Connection};
pub(crate) use stream::Told;
