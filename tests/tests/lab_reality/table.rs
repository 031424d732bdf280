//! Tables of `DynamoDB` Local.

use lambda_esm_tests::streams::Streams;
use serde_json::json;

use crate::compared::check_whole;
use crate::scene::{Scene, stage};

#[tokio::test]
async fn changes_of_a_table_are_told_by_their_keys() {
    let (Some(streams), Some((files, python))) = (Streams::dynamodb_local(), stage()) else {
        return;
    };
    let table = streams.table("reality").await;
    let scene = Scene {
        endpoints: json!({ "dynamodb": streams.endpoint }),
        source: (
            table.name.clone(),
            json!({ "kind": "dynamodb", "arrivals": "50/s" }),
        ),
        mapping: json!({
            "EventSourceArn": table.arn.replace("ddblocal", "us-east-1"),
            "FunctionName": "sleeper",
            "StartingPosition": "LATEST",
            "BatchSize": 100,
        }),
    };
    let more = ["--duration", "5s", "--warm-up", "2s"];
    let measured = scene.load(&python, files.folder(), &more).await;
    check_whole(&measured);
    assert_eq!(measured["mappings"][0]["records"]["arrived"], 250);
}
