//! `mappings` and `top` beside a running daemon.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::daemon::{Served, lines, wait_for};
use crate::fake_sqs::FakeSqs;
use crate::support::{command, file, lambda_esm, lambda_esm_with};

const ORDERS: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

impl Served {
    fn create(&self) -> String {
        let created = self.json(&[
            "create",
            "--source",
            ORDERS,
            "--function",
            "f",
            "--batch-size",
            "7",
        ]);
        assert_eq!(created["BatchSize"], 7);
        created["UUID"].as_str().unwrap().to_owned()
    }

    /// Asks until a mapping is in this state.
    pub(crate) fn wait_for_state(&self, uuid: &str, state: &str) -> Value {
        loop {
            let mapping = self.json(&["get", uuid]);
            if mapping["State"] == state {
                return mapping;
            }
        }
    }
}

fn configuration(name: &str, queue: &FakeSqs, more: &str) -> String {
    let text = format!(
        "endpoints: {{sqs: '{}'}}\napi: {{listen: '127.0.0.1:0'}}\n\
         functions: {{f: {{backend: simulated}}, g: {{backend: simulated}}}}\n{more}",
        queue.url
    );
    file(name, &text)
}

#[test]
fn a_mapping_lives_a_whole_life_on_the_command_line() {
    let queue = FakeSqs::with(&["a"]);
    let served = Served::start(&configuration("life.yaml", &queue, ""));
    let said = served.mappings(&["list"]);
    assert!(said.out.contains("no mappings yet"), "{said:?}");
    let uuid = served.create();
    let short = &uuid[..8];
    assert_eq!(
        served.wait_for_state(short, "Enabled")["EventSourceArn"],
        ORDERS
    );

    let list = served.mappings(&["list"]).out;
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        row[..5],
        [uuid.as_str(), "Enabled", ORDERS, "f", "7"],
        "{list}"
    );
    let list = served.json(&["list", "--json"]);
    assert_eq!(list["EventSourceMappings"][0]["UUID"], *uuid);

    let settings = file(
        "life-update.yaml",
        "BatchSize: 3\nFunctionResponseTypes: [ReportBatchItemFailures]\n",
    );
    let updated = served.json(&["update", short, &settings]);
    assert_eq!(updated["BatchSize"], 3);
    served.wait_for_state(&uuid, "Enabled");
    let updated = served.json(&[
        "update",
        short,
        "--set",
        "BatchSize=4",
        "--set",
        "FunctionName=g",
    ]);
    assert_eq!(updated["BatchSize"], 4);
    assert!(
        updated["FunctionArn"]
            .as_str()
            .unwrap()
            .ends_with(":function:g")
    );
    served.wait_for_state(&uuid, "Enabled");

    assert_eq!(served.json(&["delete", short])["State"], "Deleting");
    served.daemon.signal("-TERM");
    assert_eq!(served.daemon.code(), Some(0));
}

#[test]
fn a_refusal_shows_the_errors_name_and_text() {
    let queue = FakeSqs::with(&[]);
    let served = Served::start(&configuration("refusal.yaml", &queue, ""));
    let said = served.mappings(&[
        "create",
        "--source",
        ORDERS,
        "--function",
        "f",
        "--batch-size",
        "0",
    ]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.starts_with("error: ValidationException (400): "),
        "{}",
        said.err
    );
    let body =
        format!("{{\"EventSourceArn\": \"{ORDERS}\", \"FunctionName\": \"f\", \"BatchSise\": 1}}");
    let said = lambda_esm_with(
        &["mappings", "--endpoint", &served.endpoint, "create", "-"],
        &body,
    );
    assert_eq!(said.code, 1);
    assert!(said.err.contains("BatchSise"), "{}", said.err);
    let said = served.mappings(&["get", "abcd"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("no mapping's UUID begins with abcd"),
        "{}",
        said.err
    );
    let said = served.mappings(&["get", "00000000-0000-4000-8000-000000000000"]);
    assert!(
        said.err.contains("ResourceNotFoundException (404)"),
        "{}",
        said.err
    );
}

#[test]
fn decisions_are_told_in_words_as_a_page_and_live() {
    let queue = FakeSqs::with(&["a"]);
    let served = Served::start(&configuration("words.yaml", &queue, ""));
    let uuid = served.create();
    let mut follow = command(&["mappings", "events", &uuid, "--follow", "--last", "100"])
        .env("LAMBDA_ESM_ENDPOINT", &served.endpoint)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = lines(follow.stdout.take().unwrap());
    let line = wait_for(&out, |line| line.contains("deleted 1 message"));
    let (time, _) = line.split_once("  ").unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{line}");

    let page = served.mappings(&["events", &uuid]);
    assert!(page.out.contains("batch 1 succeeded, 1 record"), "{page:?}");
    let last = served
        .mappings(&["events", &uuid, "--last", "1", "--json"])
        .json();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0]["mapping"], *uuid);
    assert!(last[0]["text"].is_string(), "{last:?}");

    // `Creating` lasts a tenth of a second, and all this may have taken less.
    served.wait_for_state(&uuid, "Enabled");
    let once = lambda_esm(&["top", "--once", "--endpoint", &served.endpoint]);
    assert_eq!(once.code, 0, "{once:?}");
    for part in [
        &uuid[..8],
        "Enabled",
        "sqs:orders",
        "POLLED",
        "LATEST DECISIONS",
        "sqs:orders -> f: batch 1 succeeded, 1 record",
    ] {
        assert!(once.out.contains(part), "{part}: {}", once.out);
    }
    assert!(!once.out.contains('\u{1b}'), "{}", once.out);
    let piped = lambda_esm(&["top", "--endpoint", &served.endpoint]);
    assert_eq!((piped.code, piped.out.as_str()), (64, ""), "{piped:?}");

    served.daemon.signal("-TERM");
    wait_for(&out, |line| line == "(end: the server stops)");
    assert!(follow.wait().unwrap().success());
    let mut complaints = String::new();
    follow
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaints)
        .unwrap();
    assert_eq!(complaints, "");
}

#[test]
fn a_mapping_outlives_a_restart_and_its_state_has_one_owner() {
    let queue = FakeSqs::with(&[]);
    let path = configuration("restart.yaml", &queue, "state_dir: restart-state\n");
    let served = Served::start(&path);
    let uuid = served.create();
    served.wait_for_state(&uuid, "Enabled");
    served.json(&["update", &uuid, "--set", "BatchSize=9"]);

    let second = lambda_esm(&["run", &path]);
    assert_eq!(second.code, 1, "{second:?}");
    for part in [
        "restart-state",
        "is in use by another lambda-esm",
        "its own state_dir",
    ] {
        assert!(second.err.contains(part), "{part}: {}", second.err);
    }

    served.daemon.signal("-KILL");
    assert_eq!(served.daemon.code(), None);
    let served = Served::start(&path);
    let list = served.json(&["list", "--json"]);
    let mappings = list["EventSourceMappings"].as_array().unwrap();
    assert_eq!(mappings.len(), 1, "{list}");
    assert_eq!(
        (&mappings[0]["UUID"], &mappings[0]["BatchSize"]),
        (&uuid.into(), &9.into())
    );
}

#[test]
fn a_daemon_with_a_token_answers_only_who_has_it() {
    let queue = FakeSqs::with(&[]);
    let text = format!(
        "endpoints: {{sqs: '{}'}}\napi: {{listen: '127.0.0.1:0', auth: {{bearer: hunter2}}}}\n",
        queue.url
    );
    let served = Served::start(&file("token.yaml", &text));
    let said = served.mappings(&["list"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(
        said.err
            .contains("MissingAuthenticationTokenException (401): "),
        "{}",
        said.err
    );
    let said = served.mappings(&["list", "--json", "--token", "hunter2"]);
    assert_eq!(said.code, 0, "{said:?}");
    let output = command(&["top", "--once", "--endpoint", &served.endpoint])
        .env("LAMBDA_ESM_TOKEN", "hunter2")
        .output()
        .unwrap();
    assert!(output.status.success());
    let help = command(&["mappings", "--help"])
        .env("LAMBDA_ESM_TOKEN", "hunter2")
        .output()
        .unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("hunter2"));
}
