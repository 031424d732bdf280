//! What things cost.

use serde::{Deserialize, Serialize};

/// Prices in US dollars. The default is what AWS lists for us-east-1 without free tier and discounts; a file may say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// What these prices are: Region, date.
    pub name: String,
    /// A GB-second of a function (x86).
    pub lambda_gb_second: f64,
    /// A million requests to functions.
    pub lambda_million_requests: f64,
    /// A million requests to SQS, standard queue; each 64 KB are one.
    pub sqs_million_requests: f64,
    /// The same of a FIFO queue.
    pub sqs_fifo_million_requests: f64,
    /// An hour of a shard of Kinesis.
    pub kinesis_shard_hour: f64,
    /// An hour of a shard for a consumer with enhanced fan-out.
    pub kinesis_consumer_shard_hour: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            name: "AWS list prices, us-east-1, without free tier".to_owned(),
            lambda_gb_second: 0.000_016_666_7,
            lambda_million_requests: 0.20,
            sqs_million_requests: 0.40,
            sqs_fifo_million_requests: 0.50,
            kinesis_shard_hour: 0.015,
            kinesis_consumer_shard_hour: 0.015,
        }
    }
}
