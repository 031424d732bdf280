//! The contract of streams, on a collection of one shard.

use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::stream_source_contract;
use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn a_change_stream_keeps_the_promises_of_streams() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let stream = stage.stream(&stage.config(&json!({"CollectionName": "c"})));
    let put = async |key: &str, text: &str| {
        let document = doc! {"key": key, "text": text};
        stage.collection().insert_one(document).await.unwrap();
    };
    stream_source_contract(&stream, Clock::system(), put, text).await;
}

fn text(record: &StreamRecord) -> String {
    let StreamContent::Change(text) = &record.content else {
        panic!("{record:?}");
    };
    let change: Value = serde_json::from_str(text).unwrap();
    change["fullDocument"]["text"].as_str().unwrap().to_owned()
}
