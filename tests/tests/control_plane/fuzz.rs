//! A property fuzzer asks the daemon what an OpenAPI document allows, and what it does not.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use futures::{StreamExt as _, stream};
use lambda_esm_tests::{Queue, QueueOptions, Recording, Sqs};
use serde_json::{Value, json};

use crate::support::{Control, configuration, installed, listed};

/// The eight operations. Where it says which mappings there are, the test fills that in.
const DOCUMENT: &str = include_str!("openapi.json");
/// How long the fuzzer asks, in seconds, unless `LAMBDA_ESM_TEST_FUZZ_SECONDS` says otherwise.
const SECONDS: &str = "20";
/// What must hold of each answer. A document cannot say which requests are refused, so that is not asked.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Mappings that are there from the beginning: some to stay, some to be deleted.
const KEPT: usize = 10;
const DOOMED: usize = 50;
const CALLS: usize = 8;

/// Creates mappings; returns their UUIDs and ARNs.
async fn made(control: &Control, queue: &Queue, what: &str, count: usize) -> [Vec<String>; 2] {
    let create = |number| {
        control
            .client
            .create_event_source_mapping()
            .function_name(format!("{what}-{number}"))
            .event_source_arn(queue.arn())
            .enabled(false)
            .send()
    };
    let made = stream::iter((0..count).map(create)).buffered(CALLS);
    let made: Vec<_> = made.map(Result::unwrap).collect().await;
    let uuids = made.iter().filter_map(|each| each.uuid.clone());
    let arns = made.iter();
    let arns = arns.filter_map(|each| each.event_source_mapping_arn.clone());
    [uuids.collect(), arns.collect()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_breaks_the_daemon() {
    let (Some(sqs), Some(_)) = (Sqs::elasticmq(), installed("schemathesis")) else {
        return;
    };
    let queue = sqs.queue("fuzz", QueueOptions::default()).await;
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let [kept, arns] = made(&control, &queue, "kept", KEPT).await;
    let [doomed, _] = made(&control, &queue, "doomed", DOOMED).await;
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let there = [
        ("Source", &vec![queue.arn()]),
        ("Kept", &kept),
        ("KeptArn", &arns),
        ("Doomed", &doomed),
    ];
    for (schema, values) in there {
        let list = document.pointer_mut(&format!("/components/schemas/{schema}/enum"));
        *list.unwrap_or_else(|| panic!("the document has no {schema}")) = json!(values);
    }
    let file = folder.folder().join("openapi.json");
    fs::write(&file, document.to_string()).unwrap();

    let seconds = std::env::var("LAMBDA_ESM_TEST_FUZZ_SECONDS");
    let seconds = seconds.as_deref().unwrap_or(SECONDS);
    // What each operation is asked once at least is asked however long it takes: a busy machine has no time left for it
    // when the fuzzer itself has begun.
    for (phase, bound) in [("coverage", &[][..]), ("fuzzing", &["--max-time", seconds])] {
        let mut fuzzer = installed("schemathesis").unwrap();
        fuzzer
            .args(["run", "--url", &control.endpoint])
            .args(["--checks", CHECKS, "--mode", "all", "--seed", "1"])
            // A request that takes longer counts as a hang.
            .args(["--request-timeout", "10", "--phases", phase])
            .args(bound)
            .args(["--max-examples", "100000", "--max-failures", "5"])
            .args(["--no-color", "--generation-database", "none"])
            .arg(&file)
            .current_dir(folder.folder())
            .stdin(Stdio::null());
        let done = fuzzer.output().await.unwrap();
        let report = String::from_utf8_lossy(&done.stdout);
        println!("{report}{}", String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{}", done.status);
    }

    // The daemon is alive, and what was asked had its effect.
    let left = listed(&control.client, 100).await.unwrap();
    let left: BTreeSet<String> = left.into_iter().filter_map(|each| each.uuid).collect();
    let there = |uuid: &&String| left.contains(*uuid);
    assert_eq!(kept.iter().filter(there).count(), KEPT);
    assert!(
        doomed.iter().filter(there).count() < DOOMED,
        "nothing was deleted"
    );
    control.stop().await;
}
