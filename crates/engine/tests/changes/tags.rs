//! A mapping has at most fifty tags, whatever happens at the same time.

use std::collections::BTreeMap;

use lambda_esm_core::mapping::ErrorCode;
use serde_json::{Value, json};

use crate::support::{Slow, builder, queue, request, uuid};

fn tags(numbers: std::ops::Range<usize>) -> BTreeMap<String, String> {
    numbers.map(|n| (format!("k{n}"), String::new())).collect()
}

#[tokio::test(start_paused = true)]
async fn parallel_requests_cannot_give_a_mapping_more_tags_than_it_may_have() {
    let (clock, queue) = queue();
    let engine = builder(clock, &queue, &Slow::default()).build();
    let mapping = uuid(&engine.create(request(json!({}))).await.unwrap());
    let tagging = (0..10).map(|n| engine.tag(mapping, tags(n * 10..n * 10 + 10)));
    let tagged = futures::future::join_all(tagging).await;
    let refused: Vec<_> = tagged.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 5);
    for error in refused {
        assert_eq!(error.code, ErrorCode::InvalidParameterValue);
        let text = "Number of tags exceeds resource tag limit of 50.";
        assert_eq!(error.message, text);
    }
    assert_eq!(engine.tags(mapping).unwrap().len(), 50);
    // In place of others there is always room.
    engine.tag(mapping, tags(0..10)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_not_made_with_more_tags_than_it_may_have() {
    let (clock, queue) = queue();
    let engine = builder(clock, &queue, &Slow::default()).build();
    let refused = engine.create(request(json!({ "Tags": tags(0..51) }))).await;
    assert_eq!(refused.unwrap_err().field, Some("Tags"));
    let created = engine.create(request(json!({ "Tags": tags(0..50) }))).await;
    assert_eq!(engine.tags(uuid(&created.unwrap())).unwrap().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_kept_mapping_with_more_tags_goes_on() {
    let (clock, queue) = queue();
    let store = Slow::default();
    let engine = builder(clock, &queue, &store).build();
    engine.create(request(json!({}))).await.unwrap();
    let mut kept = lambda_esm_engine::store::Store::load(&store)
        .await
        .unwrap()
        .remove(0);
    drop(engine);
    let mut record: Value = serde_json::from_str(&kept.record).unwrap();
    record["request"]["Tags"] = json!(tags(0..60));
    kept.record = record.to_string();
    let mapping = kept.uuid;
    lambda_esm_engine::store::Store::put(&store, kept)
        .await
        .unwrap();
    let engine = builder(clock, &queue, &store).build();
    engine.start(Vec::new()).await.unwrap();
    assert_eq!(engine.tags(mapping).unwrap().len(), 60);
    engine.untag(mapping, &["k0".to_owned()]).await.unwrap();
    assert_eq!(engine.tags(mapping).unwrap().len(), 59);
}
