//! Traps in the mappings of a scenario, which knows all that is around them.

use lambda_esm_core::mapping::{Context, Facts, Mapping, Redrive, Trap, traps};
use uuid::Uuid;

use super::source::SourceKind;
use super::whole::{MappingPlan, Scenario};

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

    fn made(&self, place: usize, plan: &MappingPlan) -> Option<Mapping> {
        let context = Context {
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            uuid: Uuid::from_u128(place as u128),
            now: self.begins,
            filter_limits: Default::default(),
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
