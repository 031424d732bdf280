//! `serverless.yml` of the Serverless Framework, versions 3 and 4 (its documentation, "AWS Lambda Events").

mod access;
mod events;
mod functions;
mod variables;

pub(crate) use functions::gather;
