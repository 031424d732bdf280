//! The contract of queues finds the faults that were planted in one, and says which promise each of them breaks.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod content;
mod fault;
mod faulty;
mod legal;
mod outcome;
mod planted;
mod receiving;
mod settling;
mod unruly;
