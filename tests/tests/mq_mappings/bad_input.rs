//! What keeps a queue from being consumed is told within ten seconds, by code and in words, and the mapping recovers by
//! itself. Meanwhile another mapping of the same daemon is not disturbed.

use std::net::TcpListener;
use std::time::Duration;

use lambda_esm_tests::kafka::Certificates;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitBroker, RabbitQueue, RabbitQueueOptions};
use lambda_esm_tests::scripted::{Stage, fine};
use lambda_esm_tests::until_within;
use serde_json::{Value, json};
use uuid::Uuid;

use super::seen::{Seen, body};
use super::stage::{BROKER, SECRET, is_well, map, request, sections, shows};

/// How long a message of a mapping that nothing is wrong with may take.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long one may take that has recovered: the longest wait between two tries is half a minute. The last one in vain may have
/// begun before the broker was ready to answer it, and takes eight seconds until it is given up.
const RECOVERED: Duration = Duration::from_secs(60);

const WRONGS: usize = 10;

/// A port that nobody listens at; it was free a moment ago.
fn dead_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Sends a message, and expects that the function gets it in time.
async fn delivers(stage: &Stage<Seen>, queue: &RabbitQueue, function: &str, patience: Duration) {
    let before = stage.functions.records(function);
    queue.publish([body(0)]).await;
    until_within(
        patience,
        &format!("{function} gets a message"),
        async || (stage.functions.records(function) > before).then_some(()),
    )
    .await;
}

/// A mapping that something is wrong with: the members of its request, its code, and words that its problem has.
struct Wrong<'a> {
    members: Value,
    code: &'a str,
    words: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_queue_of_rabbitmq_from_being_consumed_is_told_and_disturbs_nobody() {
    let (Some(rabbit), Some(certificates)) = (Rabbit::shared(), Certificates::find()) else {
        return;
    };
    let dead = format!("amqp://127.0.0.1:{}", dead_port());
    let other_ca = certificates.path("other-ca.pem");
    let known = sections(&[
        ("main", json!(rabbit.plain())),
        (
            "named",
            json!(rabbit.plain().replace("amqp://", "amqp://u:p@")),
        ),
        ("dead", json!(dead)),
        ("no-host", json!("amqp://no-such-host.invalid:5672")),
        (
            "tls",
            json!({ "url": rabbit.tls(), "root_ca": certificates.path("ca.pem") }),
        ),
        (
            "foreign",
            json!({ "url": rabbit.tls(), "root_ca": other_ca }),
        ),
        (
            "plain-for-tls",
            json!(rabbit.tls().replace("amqps", "amqp")),
        ),
        (
            "tls-for-plain",
            json!(rabbit.plain().replace("amqp", "amqps")),
        ),
    ]);
    let names = ["steady", "late", "named"].map(str::to_owned).into_iter();
    let functions = names.chain((0..WRONGS).map(|number| format!("f{number}")));
    let functions = functions.map(|name| (name, fine())).collect();
    let mut stage = Stage::start(functions, &known).await;
    let steady = rabbit.queue("steady", RabbitQueueOptions::default()).await;
    map(&stage, steady.name(), "steady", &json!({})).await;
    let queue = rabbit.queue("never", RabbitQueueOptions::default()).await;

    let broker = |name: &str| json!({ "EventSourceArn": format!("{BROKER}{name}:b-1") });
    let access = |secret: &str, host: &str| {
        let mut all = vec![json!({ "Type": "BASIC_AUTH", "URI": format!("{SECRET}{secret}") })];
        if !host.is_empty() {
            all.push(json!({ "Type": "VIRTUAL_HOST", "URI": host }));
        }
        json!({ "SourceAccessConfigurations": all })
    };
    let wrong = |members: Value, code: &'static str, words: &[&str]| Wrong {
        members,
        code,
        words: words.iter().map(ToString::to_string).collect(),
    };
    let authentication = "EVENT_SOURCE_AUTHN_ERROR";
    let authorization = "EVENT_SOURCE_AUTHZ_ERROR";
    let configuration = "ESM_CONFIG_NOT_VALID";
    let usual = "USER_INITIATED";
    let all: [_; WRONGS] = [
        wrong(access("wrong", ""), authentication, &["127.0.0.1"]),
        wrong(access("none", ""), usual, &["secret:none"]),
        wrong(access("user", "/nowhere"), configuration, &["/nowhere"]),
        wrong(access("reader", ""), authorization, &["127.0.0.1"]),
        wrong(
            json!({ "Queues": ["no-such-queue"] }),
            configuration,
            &["no-such-queue"],
        ),
        wrong(broker("dead"), usual, &["127.0.0.1"]),
        wrong(broker("no-host"), usual, &["no-such-host.invalid"]),
        wrong(
            broker("foreign"),
            authentication,
            &["127.0.0.1", "certificate"],
        ),
        wrong(broker("plain-for-tls"), usual, &["127.0.0.1"]),
        wrong(broker("tls-for-plain"), usual, &["127.0.0.1"]),
    ];
    let mut made: Vec<(Uuid, Wrong<'_>)> = Vec::new();
    for each in all {
        // Of each source a function has one mapping.
        let function = format!("f{}", made.len());
        let request = request(queue.name(), &function, &each.members);
        made.push((stage.post(&request).await, each));
    }
    delivers(&stage, &steady, "steady", AT_ONCE).await;
    for (uuid, each) in &made {
        let words: Vec<&str> = each.words.iter().map(String::as_str).collect();
        let problem = shows(&stage, *uuid, each.code, &words).await;
        println!("{}: {problem}", each.code);
        assert!(!problem.contains("not-the-password"), "{problem}");
    }
    delivers(&stage, &steady, "steady", AT_ONCE).await;
    // An address that names who one is stands in for the secret.
    let named = access("none", "");
    let mut named = named.as_object().unwrap().clone();
    named.extend(broker("named").as_object().unwrap().clone());
    let own = rabbit.queue("named", RabbitQueueOptions::default()).await;
    map(&stage, own.name(), "named", &Value::Object(named)).await;
    delivers(&stage, &own, "named", AT_ONCE).await;
    let over_tls = json!({ "EventSourceArn": format!("{BROKER}tls:b-1") });
    let late = rabbit.queue("late", RabbitQueueOptions::default()).await;
    map(&stage, late.name(), "late", &over_tls).await;
    delivers(&stage, &late, "late", AT_ONCE).await;
    stage.stop().await;
    assert!(
        !stage
            .log()
            .iter()
            .any(|line| line.contains("not-the-password"))
    );
    for queue in [steady, queue, late, own] {
        queue.delete().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_and_a_broker_that_come_later_are_found_without_a_restart() {
    let Some(mut broker) = RabbitBroker::start(&[]).await else {
        return;
    };
    let rabbit = broker.rabbit();
    let known = sections(&[("main", json!(rabbit.plain()))]);
    let functions = ["f"].map(|name| (name.to_owned(), fine()));
    let mut stage = Stage::start(functions.into(), &known).await;
    let queue = rabbit.queue("later", RabbitQueueOptions::default()).await;
    queue.delete().await;
    let uuid = stage.post(&request(queue.name(), "f", &json!({}))).await;
    shows(&stage, uuid, "ESM_CONFIG_NOT_VALID", &[queue.name()]).await;
    queue.make().await;
    delivers(&stage, &queue, "f", RECOVERED).await;
    is_well(&stage, uuid).await;

    broker.kill().await;
    shows(&stage, uuid, "USER_INITIATED", &["127.0.0.1"]).await;
    broker.restart().await;
    // Killed so soon, it may have forgotten the queue.
    queue.make().await;
    delivers(&stage, &queue, "f", RECOVERED).await;
    is_well(&stage, uuid).await;
    stage.stop().await;
}
