//! What a sweep recommends, confirmed with a real queue.

use std::time::Duration;

use lambda_esm_tests::{QueueOptions, Sqs};
use serde_json::{Value, json};

use crate::scene::{SECONDS, Scene, run, stage, written};

/// Twenty batch sizes times ten windows.
const SWEPT: [&str; 2] = [
    "BatchSize=1,2,3,4,5,6,7,8,9,10,15,20,25,30,40,50,60,70,80,100",
    "MaximumBatchingWindowInSeconds=0,1,2,3,4,5,6,7,8,9",
];
/// By how much the share of invocations that are saved may differ: five percentage points.
const POINTS: f64 = 0.05;
/// What 99 in 100 messages may take, in milliseconds.
const BOUND: f64 = 4_000.0;

#[tokio::test]
async fn a_recommended_change_brings_what_it_promises() {
    let (Some(sqs), Some((files, python))) = (Sqs::elasticmq(), stage()) else {
        return;
    };
    let options = QueueOptions {
        visibility_timeout: Duration::from_secs(20),
        ..QueueOptions::default()
    };
    let queue = sqs.queue("swept", options).await;
    let source = json!({
        "kind": "sqs",
        "visibility_timeout": "20s",
        "arrivals": { "poisson": "20/s" },
    });
    let mapping = queue.mapping("sleeper", json!({ "BatchSize": 1 }));
    let mut scene = Scene {
        endpoints: json!({ "sqs": sqs.endpoint }),
        source: (queue.name.clone(), source),
        mapping: serde_json::to_value(mapping).unwrap(),
    };
    let scenario = written(
        files.folder(),
        "swept.json",
        &scene.scenario(SECONDS, &json!("50ms"), None),
    );
    let [sizes, windows] = SWEPT;
    let arguments = ["sweep", &scenario, "--set", sizes, "--set", windows];
    let bound = format!("p99 < {BOUND}ms");
    let ranked = ["--rank", "invocations", "--where", &bound, "--json"];
    let report = run(&[&arguments[..], &ranked].concat()).await;
    assert_eq!(report["configurations"].as_array().unwrap().len(), 200);
    let verdict = &report["verdict"];
    assert_eq!(verdict["verdict"], "change", "{verdict}");

    let before = scene.load(&python, files.folder(), &[]).await;
    scene.mapping = verdict["mappings"][0]["after"].clone();
    let after = scene.load(&python, files.folder(), &[]).await;
    let figure = |of: &str| verdict[of]["invocations"].as_f64().unwrap();
    let promised = figure("after") / figure("before");
    let seen = invocations_per_record(&after) / invocations_per_record(&before);
    let p99 = after["mappings"][0]["latency"]["p99"].as_f64().unwrap();
    println!("{}", verdict["buys"]);
    println!("share of invocations left: promised {promised:.3}, measured {seen:.3}; p99 {p99} ms");
    assert!((seen - promised).abs() <= POINTS, "invocations");
    assert!(p99 < BOUND, "latency");
}

fn invocations_per_record(measured: &Value) -> f64 {
    let mapping = &measured["mappings"][0];
    let number = |value: &Value| value.as_f64().unwrap();
    number(&mapping["invocations"]) / number(&mapping["records"]["arrived"])
}
