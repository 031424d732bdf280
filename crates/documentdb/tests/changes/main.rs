//! Change streams on SecantusDB, a server that speaks MongoDB's protocol. The tests are skipped where the environment names
//! none: `LAMBDA_ESM_TEST_SECANTUSDB`, the URL of one that all share, and `LAMBDA_ESM_TEST_SECANTUSD`, the program, for those
//! that need one of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

// What the tests of the whole use, too.
#[path = "../../../../tests/src/ports.rs"]
mod ports;

mod access;
mod contract;
mod losing;
mod reading;
mod server;
mod stage;
mod standby;
