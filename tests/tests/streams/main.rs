//! Mappings from real streams to real functions and destinations, one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Makes tests: for each server, of these behaviours.
macro_rules! on_servers {
    ($($server:ident: $($behaviour:ident),+;)+) => {
        $(mod $server {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                if let Some(streams) = lambda_esm_tests::streams::Streams::$server() {
                    super::$behaviour(streams).await;
                }
            })+
        })+
    };
}

mod age;
mod consumer;
mod filters;
mod killing;
mod kills;
mod lanes;
mod latest;
mod order;
mod poison;
mod processors;
mod recreated;
mod reshard;
mod responses;
mod retries;
mod rollover;
mod rows;
mod shapes;
mod starts;
mod windows;
