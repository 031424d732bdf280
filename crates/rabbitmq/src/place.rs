//! What a mapping consumes, in the words of its messages.

use std::fmt;

/// A queue of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The broker: scheme, host and port.
    pub(crate) broker: String,
    pub(crate) virtual_host: String,
    pub(crate) queue: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            broker,
            virtual_host,
            queue,
        } = self;
        write!(
            f,
            "queue {queue} in virtual host {virtual_host} of {broker}"
        )
    }
}
