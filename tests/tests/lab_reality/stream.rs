//! Streams of ministack's Kinesis.

use lambda_esm_tests::streams::Streams;
use serde_json::json;

use crate::compared::{AGREES, Latest, check_latency, check_whole, compare};
use crate::scene::{Scene, stage};

/// Of some sixty invocations chance alone gives as many another size.
pub(crate) const SPREAD: f64 = 2.0 * AGREES;

#[tokio::test]
async fn a_stream_is_simulated_as_it_is() {
    let (Some(streams), Some((files, python))) = (Streams::ministack_kinesis(), stage()) else {
        return;
    };
    let stream = streams.kinesis("reality", 2).await;
    let source = json!({ "kind": "kinesis", "shards": 2, "arrivals": { "poisson": "60/s" } });
    let scene = Scene {
        endpoints: json!({ "kinesis": streams.endpoint }),
        source: (stream.name.clone(), source),
        mapping: json!({
            "EventSourceArn": stream.arn,
            "FunctionName": "sleeper",
            "StartingPosition": "LATEST",
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 1,
        }),
    };
    let measured = scene.load(&python, files.folder(), &[]).await;
    check_whole(&measured);
    let simulated = scene.simulate(files.folder(), &measured).await;
    compare(
        "Kinesis, window of 1 s",
        &simulated,
        &measured,
        Some(SPREAD),
    );
    // A fetch that comes just after the end of a window, and not just before, delays by a window what it brings. One in half a
    // minute is more than one in a hundred records, and on a busy machine there are several.
    check_latency(&simulated, &measured, SPREAD, Latest::Max);
}
