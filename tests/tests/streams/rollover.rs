//! Shards of `DynamoDB` that roll over while their table is written to.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm::decision::Decision;
use lambda_esm_tests::streams::{Lab, Row, Streams, records, saying};
use lambda_esm_tests::until;
use serde_json::json;

const KEYS: usize = 10;
/// The shards that records must come from.
const SHARDS: usize = 3;

fn ended_shards(row: &Row) -> Vec<String> {
    let decisions = row.decisions().into_iter();
    let ended = decisions.filter_map(|decision| match decision {
        Decision::ShardEnded { shard, .. } => Some(shard.as_str().to_owned()),
        _ => None,
    });
    ended.collect()
}

/// The server's four hours are 24 seconds.
async fn records_of_shards_that_roll_over_come_once_and_in_the_order_of_their_keys(
    streams: Streams,
) {
    let table = streams.table("rolling").await;
    let lab = Lab::new(streams.engine());
    let row = lab.map_arn(&table.arn, &json!({}), saying("null")).await;
    let mut number = 0;
    let (mut shards, mut ended) = (BTreeSet::new(), BTreeSet::new());
    until("the shards roll over", async || {
        let item = json!({
            "id": { "S": format!("key-{}", number % KEYS) },
            "body": { "S": number.to_string() },
        });
        table.put_item(item).await;
        number += 1;
        let listed = table.shards().await;
        shards.extend(listed.iter().map(|shard| shard["ShardId"].to_string()));
        // Only the last decisions are remembered.
        ended.extend(ended_shards(&row));
        (shards.len() >= SHARDS).then_some(())
    })
    .await;
    row.until_records(number).await;
    // The last record of a shard may be read before the shard's end is.
    until("the shards have ended", async || {
        ended.extend(ended_shards(&row));
        (ended.len() >= SHARDS - 1).then_some(())
    })
    .await;
    lab.engine.shutdown().await;
    println!("{number} records; shards {shards:?}, ended {ended:?}");
    let mut keys: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for call in row.calls() {
        for record in records(&call.event) {
            let number = usize::try_from(record.value().as_u64().unwrap()).unwrap();
            keys.entry(record.key().to_owned())
                .or_default()
                .push(number);
        }
    }
    for (at, numbers) in keys.values().enumerate() {
        let expected: Vec<usize> = (at..number).step_by(KEYS).collect();
        assert_eq!(*numbers, expected);
    }
    assert_eq!(keys.len(), KEYS);
}

on_servers! {
    dynamodb_fast: records_of_shards_that_roll_over_come_once_and_in_the_order_of_their_keys;
}
