//! Traps in the mappings of a scenario, which knows all that is around them.

use lambda_esm_core::mapping::{Context, Facts, Mapping, Redrive, Trap, traps};
use uuid::Uuid;

use super::source::SourceKind;
use super::whole::{MappingPlan, Scenario, filter_limits};

impl Scenario {
    /// Returns the traps of each of its mappings, in their order: settings that are legal, and do what hardly anybody
    /// wants.
    #[must_use]
    pub fn traps(&self) -> Vec<Vec<Trap>> {
        let made = self.mappings.iter().enumerate();
        let made: Vec<Option<Mapping>> = made.map(|(place, plan)| self.made(place, plan)).collect();
        let all: Vec<&Mapping> = made.iter().flatten().collect();
        let of_one = |(plan, mapping): (&MappingPlan, &Option<Mapping>)| {
            let mapping = mapping.as_ref();
            mapping.map_or_else(Vec::new, |mapping| traps(mapping, &self.facts(plan, &all)))
        };
        self.mappings.iter().zip(&made).map(of_one).collect()
    }

    /// Says of each mapping in words what it will do.
    #[must_use]
    pub fn explained(&self) -> Vec<Vec<String>> {
        let plans = self.mappings.iter().enumerate();
        plans
            .map(|(place, plan)| {
                let made = self.made(place, plan);
                made.map_or_else(Vec::new, |mapping| mapping.explain())
            })
            .collect()
    }

    fn made(&self, place: usize, plan: &MappingPlan) -> Option<Mapping> {
        let context = Context {
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            uuid: Uuid::from_u128(place as u128),
            now: self.begins,
            filter_limits: filter_limits(),
            dialect: Default::default(),
        };
        Mapping::create(plan.request.clone(), &context).ok()
    }

    fn facts<'a>(&self, plan: &MappingPlan, all: &'a [&'a Mapping]) -> Facts<'a> {
        let (function, source) = (
            &self.functions[plan.function],
            &self.sources[plan.source].kind,
        );
        let facts = Facts::of(all)
            .with_function_timeout(Some(function.timeout))
            .with_reserved_concurrency(function.reserved_concurrency);
        let count = |number: usize| number.try_into().ok();
        match source {
            SourceKind::Sqs {
                visibility_timeout,
                max_receive_count,
                ..
            } => {
                let redrive = max_receive_count.map_or(Redrive::Never, Redrive::After);
                facts
                    .with_visibility_timeout(Some(*visibility_timeout))
                    .with_redrive(Some(redrive))
            }
            SourceKind::Kinesis { shards, retention } => facts
                .with_shards(count(*shards))
                .with_retention(Some(*retention)),
            SourceKind::DynamoDb { shards } => facts.with_shards(count(*shards)),
            SourceKind::Kafka { partitions } => facts.with_shards(count(*partitions)),
            _ => facts,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambda_esm_core::Timestamp;
    use lambda_esm_core::mapping::CreateEventSourceMapping;
    use lambda_esm_core::pacing::Pacing;

    use super::*;
    use crate::scenario::{Bodies, Distribution, Function, Keys, Prices, Source, Workload};

    fn scenario(timeout: u64, visibility: u64) -> Scenario {
        let nothing = Distribution::Fixed(0.0);
        let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
        Scenario {
            name: "traps".to_owned(),
            seed: 1,
            begins: Timestamp(0),
            duration: Duration::ZERO,
            drain: Duration::ZERO,
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            pacing: Pacing::Aws,
            sources: vec![Source {
                name: "orders".to_owned(),
                arn: arn.to_owned(),
                kind: SourceKind::Sqs {
                    fifo: false,
                    visibility_timeout: Duration::from_secs(visibility),
                    max_receive_count: None,
                },
                call_time: Distribution::Fixed(0.0),
                workload: Workload {
                    arrivals: Vec::new(),
                    keys: Keys {
                        count: 1,
                        skew: 0.0,
                    },
                    size: nothing.clone(),
                    bodies: Bodies::Filler,
                },
            }],
            functions: vec![Function {
                name: "f".to_owned(),
                memory_mb: 128,
                timeout: Duration::from_secs(timeout),
                duration: nothing.clone(),
                per_record: nothing.clone(),
                cold_start: nothing,
                environment_lifetime: Duration::ZERO,
                error_rate: 0.0,
                throttle_rate: 0.0,
                record_error_rate: 0.0,
                poison_rate: 0.0,
                reserved_concurrency: Some(10),
                other_load: Vec::new(),
            }],
            mappings: vec![MappingPlan {
                label: "orders -> f".to_owned(),
                source: 0,
                function: 0,
                request: CreateEventSourceMapping {
                    event_source_arn: Some(arn.to_owned()),
                    function_name: Some("f".to_owned()),
                    ..CreateEventSourceMapping::default()
                },
            }],
            events: Vec::new(),
            expectations: Vec::new(),
            prices: Prices::default(),
        }
    }

    #[test]
    fn a_scenario_tells_traps_by_all_that_it_knows() {
        let fields = |scenario: Scenario| -> Vec<&str> {
            let traps = scenario.traps();
            traps[0].iter().map(|trap| trap.field).collect()
        };
        let all = ["VisibilityTimeout", "RedrivePolicy", "ScalingConfig"];
        assert_eq!(fields(scenario(10, 59)), all);
        assert_eq!(fields(scenario(10, 60)), all[1..]);
    }
}
