//! What holds for all mappings of an engine.

use std::time::Duration;

use lambda_esm_core::event::EventDetail;
use lambda_esm_core::filter::{Dialect, Limits};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::ShareGroupRetries;
use lambda_esm_core::setters;

/// Settings of an engine that hold for all of its mappings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// The Region that ARNs are made for. Default `us-east-1`.
    pub region: String,
    /// The account that ARNs are made for. Default `000000000000`.
    pub account_id: String,
    /// The role that functions run as: `invokeIdentityArn` in Kinesis events. Default
    /// `arn:aws:iam::000000000000:role/lambda-role`.
    pub role_arn: String,
    /// How closely poll rates and scaling follow the service. Default [`Pacing::Eager`].
    pub pacing: Pacing,
    /// What `MaximumRetryAttempts` counts for the records of a share group. Default
    /// [`ShareGroupRetries::InPoller`].
    pub share_group_retries: ShareGroupRetries,
    /// The pattern language of filters. Default [`Dialect::Lambda`].
    pub dialect: Dialect,
    /// How many filters a mapping may have, and how long they may be. Default 5 of 4,096 characters.
    pub filter_limits: Limits,
    /// How long a mapping stays in each transitional state, such as `Creating`, at least. Default 100 ms.
    pub transition: Duration,
    /// How long a mapping that stops may take to finish what is in flight. It should be longer than
    /// functions run, and than receives wait, which is 20 s with AWS: what is left is delivered again. Default 30 s.
    pub drain_limit: Duration,
    /// How much longer than its timeout an invocation may take, on its way there and back and until a runtime is up.
    /// One that does not answer by then is given up: a try that failed. Where the timeout is not known, it is taken to
    /// be the service's longest, 900 s. Default 30 s.
    pub answer_grace: Duration,
    /// Whether mappings are made and changed though their source, function or destination does not exist yet: they
    /// show the problem in their status, stay `Creating` or `Updating` until then, and begin when it does. Otherwise such
    /// a change is refused, as the service does. Default false.
    pub allow_missing_sources: bool,
    /// Whether decisions name the messages they are about. Default false.
    pub detail: bool,
    /// How much is written of the events that functions are called with: less than all only where no function reads them.
    /// Default [`EventDetail::Whole`].
    pub event_detail: EventDetail,
    /// What new UUIDs and all jitter come from: the same seed and the same calls give the same run. `None`, the default,
    /// draws them anew each time.
    pub seed: Option<u64>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/lambda-role".to_owned(),
            pacing: Pacing::default(),
            share_group_retries: ShareGroupRetries::default(),
            dialect: Dialect::Lambda,
            filter_limits: Limits::default(),
            transition: Duration::from_millis(100),
            drain_limit: Duration::from_secs(30),
            answer_grace: Duration::from_secs(30),
            allow_missing_sources: false,
            detail: false,
            event_detail: EventDetail::default(),
            seed: None,
        }
    }
}

setters!(EngineOptions {
    with_region sets region: String,
    with_account_id sets account_id: String,
    with_role_arn sets role_arn: String,
    with_pacing sets pacing: Pacing,
    with_share_group_retries sets share_group_retries: ShareGroupRetries,
    with_dialect sets dialect: Dialect,
    with_filter_limits sets filter_limits: Limits,
    with_transition sets transition: Duration,
    with_drain_limit sets drain_limit: Duration,
    with_answer_grace sets answer_grace: Duration,
    with_missing_sources_allowed sets allow_missing_sources: bool,
    with_detail sets detail: bool,
    with_event_detail sets event_detail: EventDetail,
    with_seed sets seed: Option<u64>,
});
