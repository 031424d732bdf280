//! MongoDB's protocol for tests: servers of a test's own.

mod server;

pub use server::SecantusDb;
