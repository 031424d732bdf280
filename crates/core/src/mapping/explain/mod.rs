//! What a mapping will do, in plain English.

mod failing;
mod kafka;
mod sentences;
mod start;
