//! The contracts of the ports that lead out of the engine (stores, backends, destinations) find what is planted in
//! implementations, and let those pass that keep their promises.
//!
//! `cargo test -p lambda-esm-engine --test contract_outbound -- --nocapture` prints what they say of each fault.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod backend;
mod destination;
mod faulty_backend;
mod faulty_destination;
mod faulty_store;
mod store;
mod table;
