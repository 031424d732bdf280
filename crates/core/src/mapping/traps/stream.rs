//! Traps that only streams have: tumbling windows, and readers of the same shard.

use super::facts::Facts;
use super::pages;
use super::trap::Trap;
use crate::mapping::model::{Mapping, Source, StreamSettings};

/// How many readers a shard of DynamoDB has room for.
const READERS: usize = 2;

pub(super) fn look(mapping: &Mapping, facts: &Facts<'_>, found: &mut Vec<Trap>) {
    match &mapping.source {
        Source::Kinesis(kinesis) => {
            found.extend(window_in_window(&kinesis.settings, pages::KINESIS_WINDOWS));
        }
        Source::DynamoDb(dynamodb) => {
            let settings = &dynamodb.settings;
            found.extend(window_in_window(settings, pages::DYNAMODB_WINDOWS));
            found.extend(short_lived_shards(settings));
            found.extend(crowded(mapping, facts));
        }
        _ => {}
    }
}

fn window_in_window(settings: &StreamSettings, page: &'static str) -> Option<Trap> {
    let (tumbling, batching) = (settings.lanes.tumbling_window()?, settings.window);
    if batching < tumbling {
        return None;
    }
    Some(Trap {
        field: "MaximumBatchingWindowInSeconds",
        value: batching.as_secs().to_string(),
        says: format!(
            "a batch ends with its tumbling window of {} s, so that the batching window never runs out",
            tumbling.as_secs()
        ),
        way_out: "set it well below TumblingWindowInSeconds".to_owned(),
        source: page,
    })
}

fn short_lived_shards(settings: &StreamSettings) -> Option<Trap> {
    let tumbling = settings.lanes.tumbling_window()?;
    Some(Trap {
        field: "TumblingWindowInSeconds",
        value: tumbling.as_secs().to_string(),
        says: "DynamoDB closes a shard after some hours: its window ends early then, and the next shard begins one \
               with empty state"
            .to_owned(),
        way_out: "have the function merge the results of a window that comes in two parts".to_owned(),
        source: pages::DYNAMODB_WINDOWS,
    })
}

fn crowded(mapping: &Mapping, facts: &Facts<'_>) -> Option<Trap> {
    let stream = mapping.source.arn()?;
    let reads_it = |other: &&Mapping| other.source.arn() == Some(stream);
    let readers = 1 + facts.others(mapping).filter(reads_it).count();
    (readers > READERS).then(|| Trap {
        field: "EventSourceArn",
        value: stream.to_string(),
        says: format!(
            "{readers} mappings read this stream, and a shard of DynamoDB has room for two readers (one of a global \
             table): their reads are throttled"
        ),
        way_out: "have one function pass the records on, to an EventBridge bus or an SNS topic".to_owned(),
        source: pages::DYNAMODB,
    })
}
