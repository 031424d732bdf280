//! Worlds drawn at random.

use std::time::Duration;

use lambda_esm_core::mapping::{Arn, AwsDestination, KafkaDestination, RetryPolicy};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{QueueConfig, ShareGroupConfig, ShareGroupRetries};
use proptest::prelude::*;

use crate::world::{config, share_group};

/// A world drawn at random.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    /// How often the group delivers a record.
    pub(super) limit: u32,
    pub(super) policy: ShareGroupRetries,
    pub(super) attempts: u32,
    /// `BatchSize`.
    pub(super) count: usize,
    pub(super) partial: bool,
    pub(super) bisect: bool,
    pub(super) can_renew: bool,
    aws_pacing: bool,
    /// `MaximumRecordAgeInSeconds`.
    maximum_age: Option<u64>,
    pub(super) destination: Option<Destination>,
    /// How many invocations the function runs at a time, if it says so.
    concurrency: Option<usize>,
    pub(super) bursts: Vec<(u64, usize)>,
    pub(super) faults: Faults,
    pub(super) incidents: Vec<(u64, Incident)>,
}

/// Who is told of what is given up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Destination {
    Bucket,
    Topic,
}

/// How often what goes wrong, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) errors: u8,
    pub(super) throttles: u8,
    /// The function outlasts the lock.
    pub(super) slow: u8,
    pub(super) settles: u8,
    pub(super) destination: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Incident {
    /// The group forgets who has which record.
    LoseLocks,
    /// The process dies, and is started again.
    Crash,
    /// The mapping is stopped in order, and started again.
    Drain,
    /// The batch size is lowered for a while.
    Shrink(usize),
}

impl Case {
    /// Returns the same world without anything that could bring a record more often than the policy says, or end it
    /// otherwise: what is left are records that always fail, and a function that is slow, throttled or has little concurrency.
    pub(super) fn calmed(mut self) -> Self {
        self.faults = Faults {
            throttles: self.faults.throttles,
            slow: self.faults.slow,
            ..Faults::default()
        };
        self.incidents.clear();
        self.maximum_age = None;
        self.can_renew = true;
        self
    }

    /// Tells whether nothing goes wrong in it but the function.
    pub(super) fn is_calm(&self) -> bool {
        let faults = self.faults;
        faults.settles == 0
            && faults.destination == 0
            && self.incidents.is_empty()
            && self.maximum_age.is_none()
            && self.can_renew
    }

    pub(super) fn settings(&self) -> QueueConfig {
        let mut retry = RetryPolicy::default();
        retry.maximum_retries = Some(self.attempts);
        retry.bisect_on_error = self.bisect;
        retry.maximum_record_age = self.maximum_age.map(Duration::from_secs);
        let mut config = config(ShareGroupConfig {
            retry,
            retries: self.policy,
            on_failure: self.destination.map(|destination| match destination {
                Destination::Bucket => {
                    let arn = Arn::parse("arn:aws:s3:::failed").unwrap();
                    KafkaDestination::Aws(AwsDestination::S3(arn))
                }
                Destination::Topic => KafkaDestination::Topic("failed".to_owned()),
            }),
            ..share_group()
        });
        config.limits.count = self.count;
        config.report_batch_item_failures = self.partial;
        config.function_concurrency = self.concurrency;
        config.facts = config.facts.with_can_renew(self.can_renew);
        config.facts = config.facts.with_delivery_limit(Some(self.limit));
        config.facts.longest_wait = Duration::from_secs(1);
        config.pacing = if self.aws_pacing {
            Pacing::Aws
        } else {
            Pacing::Eager
        };
        config
    }
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    let policy = (
        prop_oneof![Just(2), Just(5), Just(10)],
        prop_oneof![
            Just(ShareGroupRetries::InPoller),
            Just(ShareGroupRetries::Total)
        ],
        0u32..4,
    );
    let destination = prop_oneof![
        Just(None),
        Just(Some(Destination::Bucket)),
        Just(Some(Destination::Topic)),
    ];
    let shape = (
        prop_oneof![Just(1), 2usize..30],
        any::<[bool; 4]>(),
        prop_oneof![Just(None), (60u64..300).prop_map(Some)],
        destination,
        prop_oneof![Just(None), Just(None), Just(Some(1)), Just(Some(3))],
    );
    let bursts = prop::collection::vec((0u64..20_000, 1usize..30), 1..5);
    let faults = (0u8..40, 0u8..40, 0u8..20, 0u8..15, 0u8..50);
    let faults = faults.prop_map(|(errors, throttles, slow, settles, destination)| Faults {
        errors,
        throttles,
        slow,
        settles,
        destination,
    });
    let incident = prop_oneof![
        Just(Incident::LoseLocks),
        Just(Incident::Crash),
        Just(Incident::Drain),
        (1usize..30).prop_map(Incident::Shrink),
    ];
    let incidents = prop::collection::vec((0u64..15_000, incident), 0..4);
    let drawn = (any::<u64>(), policy, shape, bursts, faults, incidents);
    drawn.prop_map(|(seed, policy, shape, bursts, faults, incidents)| {
        let (limit, policy, attempts) = policy;
        let (count, flags, maximum_age, destination, concurrency) = shape;
        let [partial, bisect, can_renew, aws_pacing] = flags;
        Case {
            seed,
            limit,
            policy,
            attempts,
            count,
            partial,
            bisect,
            can_renew,
            aws_pacing,
            maximum_age,
            destination,
            concurrency,
            bursts,
            faults,
            incidents,
        }
    })
}
