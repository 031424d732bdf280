//! Mappings from real streams to real functions and destinations, one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Makes a test of each behaviour and each server that has streams.
macro_rules! on_each_server {
    ($($behaviour:ident),* $(,)?) => {
        on_each_server!(@ kinesis_local, $($behaviour),*);
        on_each_server!(@ ministack_kinesis, $($behaviour),*);
        on_each_server!(@ dynamodb_local, $($behaviour),*);
        on_each_server!(@ ministack_dynamodb, $($behaviour),*);
    };
    (@ $server:ident, $($behaviour:ident),*) => {
        mod $server {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                if let Some(streams) = lambda_esm_tests::streams::Streams::$server() {
                    super::$behaviour(streams).await;
                }
            })*
        }
    };
}

mod age;
mod filters;
mod lanes;
mod order;
mod poison;
mod recreated;
mod responses;
mod retries;
mod rows;
mod starts;
