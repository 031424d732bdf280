//! Traps of a function that can run less at a time than its mappings send it.

use super::facts::Facts;
use super::pages;
use super::trap::Trap;
use crate::mapping::model::{Mapping, Source, SqsConcurrency, StreamSettings};

/// Invocations of a poller in provisioned mode (Lambda developer guide, scaling of SQS).
const PER_POLLER: u32 = 10;
/// Invocations of a mapping of a standard queue without limits (the same).
const UNLIMITED: u32 = 1_250;

/// What the function can run at a time, and what becomes of more.
struct Room {
    most: u32,
    of: &'static str,
    excess: &'static str,
}

pub(super) fn look(mapping: &Mapping, facts: &Facts<'_>, found: &mut Vec<Trap>) {
    if let Some(most) = facts.reserved_concurrency {
        let room = Room {
            most,
            of: "reserved concurrency",
            excess: "is throttled, and its messages come back, or end in the dead-letter queue",
        };
        found.extend(room.of_one(mapping).or_else(|| room.of_all(mapping, facts)));
        found.extend(room.without_limit(mapping));
        found.extend(room.of_shards(mapping, facts));
    } else if let Some(most) = facts.concurrency {
        let room = Room {
            most,
            of: "concurrency",
            excess: "waits in line here, and would be throttled in AWS",
        };
        found.extend(room.of_one(mapping).or_else(|| room.of_all(mapping, facts)));
    }
}

impl Room {
    fn of_one(&self, mapping: &Mapping) -> Option<Trap> {
        let (field, value, sent) = limit(mapping)?;
        (sent > self.most).then(|| self.trap(field, value, &format!("{sent} invocations")))
    }

    /// What several mappings of the function send together.
    fn of_all(&self, mapping: &Mapping, facts: &Facts<'_>) -> Option<Trap> {
        let (field, value, sent) = limit(mapping)?;
        let same = |other: &&Mapping| other.function.name() == mapping.function.name();
        let others: Vec<u32> = facts
            .others(mapping)
            .filter(same)
            .filter_map(|other| limit(other).map(|(.., sent)| sent))
            .collect();
        let total = others
            .iter()
            .fold(sent, |sum, sent| sum.saturating_add(*sent));
        let who = format!(
            "{total} invocations, together with {} more of its mappings,",
            others.len()
        );
        (total > self.most && !others.is_empty()).then(|| self.trap(field, value, &who))
    }

    fn without_limit(&self, mapping: &Mapping) -> Option<Trap> {
        let Source::Sqs(sqs) = &mapping.source else {
            return None;
        };
        let unlimited = sqs.concurrency == SqsConcurrency::OnDemand { maximum: None };
        if !unlimited || sqs.fifo || self.most >= UNLIMITED {
            return None;
        }
        Some(Trap {
            field: "ScalingConfig",
            value: "none".to_owned(),
            says: format!(
                "the mapping goes up to {UNLIMITED} invocations while messages wait, and the function's {} is {}: \
                 what is more {}",
                self.of, self.most, self.excess
            ),
            way_out: if self.most >= 2 {
                format!(
                    "set ScalingConfig.MaximumConcurrency to at most {}",
                    self.most
                )
            } else {
                "raise the concurrency to 2, the least MaximumConcurrency, and set that".to_owned()
            },
            source: pages::SQS_SCALING,
        })
    }

    fn of_shards(&self, mapping: &Mapping, facts: &Facts<'_>) -> Option<Trap> {
        let settings: &StreamSettings = match &mapping.source {
            Source::Kinesis(kinesis) => &kinesis.settings,
            Source::DynamoDb(dynamodb) => &dynamodb.settings,
            _ => return None,
        };
        let (shards, factor) = (facts.shards?, settings.lanes.parallelization_factor());
        let sent = shards.saturating_mul(factor.into());
        (sent > self.most).then(|| Trap {
            field: "ParallelizationFactor",
            value: factor.to_string(),
            says: format!(
                "{shards} shards run up to {sent} invocations at a time, and the function's {} is {}: what is more is \
                 throttled, and its records grow old",
                self.of, self.most
            ),
            way_out: format!("raise the concurrency to {sent}, or lower the factor"),
            source: pages::KINESIS_CREATE,
        })
    }

    fn trap(&self, field: &'static str, value: String, who: &str) -> Trap {
        Trap {
            field,
            value,
            says: format!(
                "allows {who} at a time, and the function's {} is {}: what is more {}",
                self.of, self.most, self.excess
            ),
            way_out: format!(
                "lower it, so that all mappings of the function stay within {}, or raise the {}",
                self.most, self.of
            ),
            source: pages::SQS_SCALING,
        }
    }
}

/// Returns the setting that limits how many invocations a mapping runs at a time, its value, and how many that are.
fn limit(mapping: &Mapping) -> Option<(&'static str, String, u32)> {
    let Source::Sqs(sqs) = &mapping.source else {
        return None;
    };
    match sqs.concurrency {
        SqsConcurrency::OnDemand { maximum } => {
            let maximum = maximum?;
            Some(("MaximumConcurrency", maximum.to_string(), maximum))
        }
        SqsConcurrency::Provisioned(pollers) => Some((
            "MaximumPollers",
            pollers.maximum.to_string(),
            pollers.maximum.saturating_mul(PER_POLLER),
        )),
    }
}
