//! The four answers, in words: does it keep up, how late, what does it cost, what is lost.

mod cost;
mod four;
mod keeps_up;
mod latency;
mod limit;
mod losses;
mod pace;
mod stated;

pub use four::answers;
