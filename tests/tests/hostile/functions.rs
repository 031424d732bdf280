//! Functions that answer too much, speak out of turn, open what they never use, and print without end.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_tests::{FUNCTIONS, Python, QueueOptions, Sqs};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::scene::Scene;
use crate::stand_in::{Part, Reply, StandIn, begun, endless, whole};

/// How long each has an event.
const STAY: Duration = Duration::from_secs(4);

/// Of `hostile.py`, run as local processes.
const PROCESSES: [&str; 14] = [
    "thousand_connections",
    "half_heads",
    "unfinished_bodies",
    "unexpected_bodies",
    "unfinished_init_errors",
    "deep",
    "empty_objects",
    "failures",
    "error_of_megabytes",
    "endless_response",
    "endless_line",
    "endless_lines",
    "pipelined",
    "other_host",
];

type Answers = fn() -> Reply;

/// Of HTTP functions: what they answer to an event.
const SERVERS: [(&str, Answers); 7] = [
    ("http-endless", || endless(200, "[", "0,")),
    ("http-endless-refusal", || endless(500, "no", " no")),
    ("http-endless-headers", || {
        begun(
            200,
            "A: b\r\n",
            [Part::Endless("C: d\r\n".repeat(10_000).into())],
        )
    }),
    ("http-dribbled", || {
        let drop = Part::Dribble(" ".into(), Duration::from_millis(300));
        begun(200, "Content-Length: 6000000\r\n", [drop])
    }),
    ("http-deep", || whole(200, &"[".repeat(6_000_000))),
    ("http-numbers", || {
        whole(200, &format!("[{}0]", "0,".repeat(2_900_000)))
    }),
    ("http-continues", || {
        vec![Part::Endless(
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000).into(),
        )]
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_function_takes_memory_or_time_from_another_mapping() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let mut functions = Map::new();
    for name in PROCESSES {
        let command = [python.program(), "hostile.py", name];
        let function = json!({ "backend": "process", "command": command, "working_dir": FUNCTIONS,
            "timeout": STAY.as_secs() - 1, "concurrency": 1 });
        functions.insert(name.to_owned(), function);
    }
    let mut stand_ins = Vec::with_capacity(SERVERS.len());
    for (name, reply) in SERVERS {
        let stand_in = StandIn::start(Arc::new(move |_| reply())).await;
        let function =
            json!({ "backend": "http", "url": stand_in.url(), "timeout": STAY.as_secs() - 1 });
        functions.insert(name.to_owned(), function);
        stand_ins.push(stand_in);
    }
    let scene = Scene::start(&sqs, functions, Map::new()).await;
    for name in PROCESSES.into_iter().chain(SERVERS.map(|(name, _)| name)) {
        let queue = sqs.queue("hostile", QueueOptions::default()).await;
        let attack = async {
            queue.send(["event".to_owned()]).await;
            let mapping = json!({ "EventSourceArn": queue.arn(), "FunctionName": name,
                "FunctionResponseTypes": ["ReportBatchItemFailures"] });
            let uuid = scene.create(name, &mapping).await;
            sleep(STAY).await;
            uuid
        };
        if let Some(uuid) = scene.during(name, attack).await {
            scene.delete(name, &uuid).await;
        }
    }
    assert!(
        !scene
            .daemon
            .log()
            .iter()
            .any(|line| line.contains(['\u{1b}', '\u{202e}'])),
        "a function reached the log as it is"
    );
    let wrong: Vec<String> = scene.daemon.lines().iter().map(Value::to_string).collect();
    assert!(
        !wrong
            .iter()
            .any(|line| line.contains("another host was served")),
        "another host was served"
    );
    scene.stop().await;
    drop(stand_ins);
}
