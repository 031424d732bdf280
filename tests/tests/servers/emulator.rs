//! Functions behind Lambda's runtime interface emulator, which runs one invocation at a time, dies of two, and
//! passes on whatever a runtime says with status 200.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm::Engine;
use lambda_esm::aws::{AwsConfig, LambdaApi, LambdaOptions};
use lambda_esm_tests::{
    Emulator, Python, Queue, QueueOptions, Recording, Sqs, most_at_once, until,
};
use serde_json::{Value, json};

/// Comes back well after the longest wait of a message that others keep from its function.
const VISIBILITY: Duration = Duration::from_secs(20);

struct Setup {
    emulator: Emulator,
    python: Python,
    recording: Recording,
    queue: Queue,
    engine: Engine,
}

/// Returns a queue, and an engine with a function behind an emulator that is not started yet.
async fn setup(what: &str, timeout: Option<Duration>) -> Option<Setup> {
    let (Some(sqs), Some(python), Some(emulator)) =
        (Sqs::elasticmq(), Python::find(), Emulator::find())
    else {
        return None;
    };
    let options = QueueOptions {
        visibility_timeout: VISIBILITY,
        ..QueueOptions::default()
    };
    let queue = sqs.queue(what, options).await;
    let options = LambdaOptions::default()
        .with_endpoint(Some(emulator.url().parse().unwrap()))
        .with_timeout(timeout);
    let api = LambdaApi::new(&AwsConfig::default(), options).unwrap();
    Some(Setup {
        emulator,
        python,
        recording: Recording::default(),
        queue,
        engine: sqs.engine().invoke(api).build(),
    })
}

impl Setup {
    async fn map(&self, members: Value) {
        let request = self.queue.mapping("function", members);
        self.engine.create(request).await.unwrap();
    }

    /// Waits for the end, and checks how often each message was received by a run of the function.
    async fn check(mut self, expected: &BTreeMap<String, Vec<u32>>) {
        self.queue.until_empty().await;
        assert!(self.emulator.is_running(), "the emulator died");
        self.engine.shutdown().await;
        let invocations = self.recording.invocations();
        assert_eq!(most_at_once(&invocations), 1);
        let mut seen: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for message in invocations.into_iter().flat_map(|run| run.messages) {
            seen.entry(message.body).or_default().push(message.receives);
        }
        let wrong: Vec<_> = seen
            .iter()
            .filter(|(body, receives)| expected.get(*body) != Some(receives))
            .collect();
        assert!(wrong.is_empty(), "not received as expected: {wrong:?}");
        assert_eq!(seen.len(), expected.len(), "messages never seen");
    }
}

/// What runtimes post when a handler fails.
fn errors() -> Vec<String> {
    [
        r#"{"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no"]}"#, // Node.js
        r#"{"errorMessage":"","errorType":"KeyError","requestId":"1","stackTrace":[]}"#, // Python
        r#"{"errorMessage":"no","errorType":"java.lang.RuntimeException"}"#,          // Java
        r#"{"errorMessage":null,"errorType":"java.lang.NullPointerException"}"#,      // Java, older
        "{\n  \"errorType\": \"E\",\n  \"errorMessage\": \"no\",\n  \"stackTrace\": [],\n  \"cause\": {},\n  \"causes\": []\n}", // .NET
        r#"{"errorMessage": "Exception exceeded maximum payload size of 256KB."}"#, // .NET
        r#"{"errorMessage":"no","errorType":"errorString","stackTrace":[{"path":"a.go"}]}"#, // Go
        r#"{"errorMessage":"no","errorType":"Function<RuntimeError>","stackTrace":["a.rb:1"]}"#, // Ruby
        r#"{"errorType":"alloc::string::String","errorMessage":"no"}"#, // Rust
        r#"{"errorType":"RuntimeException","errorMessage":"no","stackTrace":["at {main}"]}"#, // PHP
        r#"{"errorMessage":"no","code":17}"#,                           // some runtime
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_through_the_emulator_fail_as_their_runtimes_say_and_arrive_exactly() {
    let Some(mut setup) = setup("rie", None).await else {
        return;
    };
    let mut expected = BTreeMap::new();
    for error in errors() {
        expected.insert(json!({ "error": error }).to_string(), vec![1, 2]);
    }
    for status in [1, 5, 137] {
        expected.insert(json!({ "crash": status }).to_string(), vec![1, 2]);
    }
    let failing = expected.len();
    expected.extend((failing..1_000).map(|n| (json!({ "n": n }).to_string(), vec![1])));
    // Failing ones among the others, so that these go on around them.
    setup.queue.send(expected.keys().rev().cloned()).await;
    setup
        .map(json!({ "BatchSize": 1, "ScalingConfig": { "MaximumConcurrency": 5 } }))
        .await;
    // Nobody is there at first, and several batches wait for the emulator when it comes.
    until("the function is missed", async || {
        setup.engine.status().pop()?.problem
    })
    .await;
    let python = setup.python.clone();
    setup
        .emulator
        .start(&python, &["outcomes.py"], &setup.recording, &[])
        .await;
    setup.check(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_ends_while_it_starts_is_a_failed_try_and_the_next_one_succeeds() {
    let Some(mut setup) = setup("rie-start", None).await else {
        return;
    };
    let once = setup.recording.folder().join("started");
    let environment = [("CRASH_ONCE", once.to_str().unwrap())];
    let python = setup.python.clone();
    setup
        .emulator
        .start(&python, &["outcomes.py"], &setup.recording, &environment)
        .await;
    setup.queue.send([r#"{"n":1}"#.to_owned()]).await;
    setup.map(json!({})).await;
    // The first receive ended before the runtime could see it.
    setup
        .check(&BTreeMap::from([(r#"{"n":1}"#.to_owned(), vec![2])]))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_python_runtime_fails_and_succeeds_behind_the_emulator() {
    let Some(mut setup) = setup("rie-python", None).await else {
        return;
    };
    let python = setup.python.clone();
    let runtime = ["-m", "awslambdaric", "outcomes.handler"];
    setup
        .emulator
        .start(&python, &runtime, &setup.recording, &[])
        .await;
    let mut expected = BTreeMap::from([
        (json!({ "error": "no" }).to_string(), vec![1, 2]),
        (json!({ "crash": 7 }).to_string(), vec![1, 2]),
    ]);
    expected.extend((0..20).map(|n| (json!({ "n": n }).to_string(), vec![1])));
    setup.queue.send(expected.keys().cloned()).await;
    setup.map(json!({ "BatchSize": 1 })).await;
    setup.check(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_took_too_long_for_us_is_waited_for_before_the_next_one() {
    let Some(mut setup) = setup("rie-late", Some(Duration::from_secs(6))).await else {
        return;
    };
    let python = setup.python.clone();
    setup
        .emulator
        .start(&python, &["outcomes.py"], &setup.recording, &[])
        .await;
    let slow = json!({ "sleep": 9 }).to_string();
    let mut expected = BTreeMap::from([(slow.clone(), vec![1, 2])]);
    setup.queue.send([slow]).await;
    setup.map(json!({ "BatchSize": 1 })).await;
    until("the slow message is with the function", async || {
        (setup.queue.depth().await.in_flight == 1).then_some(())
    })
    .await;
    let others: Vec<String> = (0..10).map(|n| json!({ "n": n }).to_string()).collect();
    expected.extend(others.iter().map(|body| (body.clone(), vec![1])));
    setup.queue.send(others).await;
    setup.check(&expected).await;
}
