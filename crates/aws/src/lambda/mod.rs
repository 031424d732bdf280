//! Any Lambda Invoke API as a backend: AWS, an emulator, SAM, or a runtime interface emulator.

mod address;
mod answer;
mod api;

pub use api::{LambdaApi, LambdaOptions, RootCertificatesError};
