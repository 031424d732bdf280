//! What holds for all mappings of an engine.

use std::time::Duration;

use lambda_esm_core::filter::{Dialect, Limits};
use lambda_esm_core::pacing::Pacing;

/// Settings of an engine that hold for all of its mappings.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The Region that ARNs are made for.
    pub region: String,
    /// The account that ARNs are made for.
    pub account_id: String,
    /// The role that functions run as: `invokeIdentityArn` in Kinesis events.
    pub role_arn: String,
    /// How closely poll rates and scaling follow the service.
    pub pacing: Pacing,
    /// The pattern language of filters.
    pub dialect: Dialect,
    /// How many filters a mapping may have, and how long they may be.
    pub filter_limits: Limits,
    /// How long a mapping stays in each transitional state, such as `Creating`.
    pub transition: Duration,
    /// How long a mapping that stops may take to finish what is in flight. Of a queue, it should be longer than
    /// its receives wait: 20 s with AWS.
    pub drain_limit: Duration,
    /// Whether decisions name the messages they are about.
    pub detail: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/lambda-role".to_owned(),
            pacing: Pacing::default(),
            dialect: Dialect::Lambda,
            filter_limits: Limits::default(),
            transition: Duration::from_millis(100),
            drain_limit: Duration::from_secs(30),
            detail: false,
        }
    }
}
