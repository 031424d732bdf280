//! A broker, and a daemon whose mappings consume its queues.

use std::time::Duration;

use lambda_esm_tests::rabbitmq::Rabbit;
use lambda_esm_tests::scripted::{Stage, merge};
use lambda_esm_tests::{until, until_within};
use serde_json::{Value, json};
use uuid::Uuid;

use super::seen::{Script, Seen};

/// A mapping says what is wrong within so long.
pub(crate) const TOLD: Duration = Duration::from_secs(10);

/// What the ARNs of brokers begin with.
pub(crate) const BROKER: &str = "arn:aws:mq:us-east-1:000000000000:broker:";

/// What the ARNs of secrets begin with.
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

/// Returns the sections of a configuration that make these brokers known, and the credentials of their users.
pub(crate) fn sections(brokers: &[(&str, Value)]) -> Value {
    let arns = brokers
        .iter()
        .map(|(name, address)| (format!("{BROKER}{name}:b-1"), address.clone()));
    json!({
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": arns.collect::<serde_json::Map<_, _>>() },
        "secrets": {
            format!("{SECRET}user"): { "username": "u", "password": "p" },
            format!("{SECRET}admin"): { "username": "admin", "password": "admin-secret" },
            format!("{SECRET}wrong"): { "username": "u", "password": "not-the-password" },
            format!("{SECRET}reader"): { "username": "w", "password": "w2" },
        },
    })
}

/// Starts a daemon that knows a broker of RabbitMQ by the name `main`.
pub(crate) async fn stage<const N: usize>(
    rabbit: &Rabbit,
    scripts: [(&str, Script); N],
) -> Stage<Seen> {
    stage_at(rabbit.plain(), scripts).await
}

/// Starts a daemon that knows the broker at an address by the name `main`.
pub(crate) async fn stage_at<const N: usize>(
    address: &str,
    scripts: [(&str, Script); N],
) -> Stage<Seen> {
    let scripts = scripts.map(|(name, script)| (name.to_owned(), script));
    let known = sections(&[("main", json!(address))]);
    Stage::start(scripts.into(), &known).await
}

/// Returns the member that names who one is to a broker of ActiveMQ.
pub(crate) fn as_admin(members: &Value) -> Value {
    let access = json!([{ "Type": "BASIC_AUTH", "URI": format!("{SECRET}admin") }]);
    let mut all = json!({ "SourceAccessConfigurations": access });
    merge(&mut all, members);
    all
}

/// Returns the request that maps a queue of the broker `main`, to which one is the user of RabbitMQ.
pub(crate) fn request(queue: &str, function: &str, members: &Value) -> Value {
    let mut request = json!({
        "EventSourceArn": format!("{BROKER}main:b-1"),
        "FunctionName": function,
        "Queues": [queue],
        "SourceAccessConfigurations": [
            { "Type": "BASIC_AUTH", "URI": format!("{SECRET}user") },
        ],
    });
    merge(&mut request, members);
    request
}

/// Maps a queue, and waits until it is consumed.
pub(crate) async fn map(stage: &Stage<Seen>, queue: &str, function: &str, members: &Value) -> Uuid {
    let uuid = stage.post(&request(queue, function, members)).await;
    stage.until_state(uuid, "Enabled").await;
    uuid
}

/// Waits until a mapping shows a problem with these words, and this code as its reason.
pub(crate) async fn shows(stage: &Stage<Seen>, uuid: Uuid, code: &str, words: &[&str]) -> String {
    let what = format!("mapping {uuid} shows {code} with {words:?}");
    until_within(TOLD, &what, async || {
        let status = stage.status(uuid).await;
        let problem = status["problem"].as_str()?.to_owned();
        let reason = stage.mapping(uuid).await["StateTransitionReason"].clone();
        let fits = words.iter().all(|word| problem.contains(word)) && reason == code;
        if !fits {
            println!("{reason}: {problem}");
        }
        fits.then_some(problem)
    })
    .await
}

/// Waits until a mapping is well.
pub(crate) async fn is_well(stage: &Stage<Seen>, uuid: Uuid) {
    until(&format!("mapping {uuid} is well"), async || {
        let status = stage.status(uuid).await;
        let mapping = stage.mapping(uuid).await;
        let is_well = status["problem"].is_null()
            && mapping["State"] == "Enabled"
            && mapping["StateTransitionReason"] == "USER_INITIATED";
        is_well.then_some(())
    })
    .await;
}
