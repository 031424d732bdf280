//! The queue machine with a topic that a share group makes a queue, alone and in a simulated world on virtual time.

#![expect(
    clippy::unwrap_used,
    reason = "a test world stops at the first surprise"
)]

mod acknowledgement;
mod content;
mod destination;
mod locks;
mod policies;
mod property;
mod stopping;
mod world;
