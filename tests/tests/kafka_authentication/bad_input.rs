//! Clusters, topics and permissions that are not there, and come later. Meanwhile another mapping of the same daemon is
//! not disturbed.

use std::net::TcpListener;
use std::time::Duration;

use lambda_esm_tests::kafka::{Certificates, Kafka, Listener, Resource, Topic, TopicOptions};
use lambda_esm_tests::until_within;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{ARN, RECOVERED, Scene, topic_with};

/// How long a record of a mapping that nothing is wrong with may take.
const AT_ONCE: Duration = Duration::from_secs(2);

fn members() -> Value {
    let certificates = Certificates::find().unwrap();
    json!({
        "secrets": {
            format!("{ARN}ca"): { "certificate": certificates.text("ca.pem") },
            format!("{ARN}admin"): { "username": "admin", "password": "admin-secret" },
            format!("{ARN}nobody"): { "username": "nobody", "password": "nobody-secret" },
        },
        "kafka": { "allow_sasl_plaintext": true },
    })
}

/// A port that nobody listens at; it was free a moment ago.
fn dead_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Expects that records of a topic that nothing is wrong with arrive at once.
async fn is_undisturbed(scene: &Scene, steady: &Topic) {
    for record in 0..5 {
        let took = scene
            .delivery(steady, &format!("{} {record}", Uuid::new_v4()))
            .await;
        assert!(took < AT_ONCE, "record {record} took {took:?}");
    }
}

#[tokio::test]
async fn brokers_that_are_not_reached_or_speak_another_protocol_are_told() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let scene = Scene::start(&members(), &[]).await;
    let steady = topic_with(&kafka, "steady").await;
    let well = scene.mapping(kafka.bootstrap(), steady.name(), &[]).await;
    scene.arrives("steady", RECOVERED).await;

    let topic = kafka.topic("never", TopicOptions::partitions(1)).await;
    let (ca, admin) = (format!("{ARN}ca"), format!("{ARN}admin"));
    let tls = ("SERVER_ROOT_CA_CERTIFICATE", ca.as_str());
    let password = ("BASIC_AUTH", admin.as_str());
    let plaintext = kafka.bootstrap();
    let shared = |listener: Listener| listener.shared().unwrap();
    let out = "check ";
    let mut mappings = Vec::new();
    for (servers, access, beginning) in [
        (format!("127.0.0.1:{}", dead_port()), vec![], ""),
        ("no-such-host.invalid:9092".to_owned(), vec![], ""),
        (shared(Listener::Tls), vec![], ""),
        (
            plaintext.to_owned(),
            vec![tls],
            "Lambda failed to authenticate server: ",
        ),
        (shared(Listener::SaslPlaintext), vec![], ""),
        (
            plaintext.to_owned(),
            vec![password],
            "SASL authentication failed: ",
        ),
    ] {
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        mappings.push((mapping, servers, beginning));
    }
    is_undisturbed(&scene, &steady).await;
    for (mapping, servers, beginning) in mappings {
        mapping.shows(beginning, &[&servers, out]).await;
    }
    is_undisturbed(&scene, &steady).await;
    well.is_well().await;
    scene.stop(&["admin-secret"]).await;
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_told_and_read_once_it_is() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let scene = Scene::start(&members(), &[]).await;
    let steady = topic_with(&kafka, "steady").await;
    let well = scene.mapping(kafka.bootstrap(), steady.name(), &[]).await;
    scene.arrives("steady", RECOVERED).await;

    let topic = topic_with(&kafka, "before").await;
    topic.delete().await;
    let mapping = scene.mapping(kafka.bootstrap(), topic.name(), &[]).await;
    is_undisturbed(&scene, &steady).await;
    let words = [kafka.bootstrap(), topic.name(), "make it"];
    mapping.shows("topic ", &words).await;
    topic.make().await;
    let took = scene.delivery(&topic, "made").await;
    assert!(took < RECOVERED, "{took:?}");
    mapping.is_well().await;
    well.is_well().await;
    scene.stop(&[]).await;
}

#[tokio::test]
async fn a_topic_or_a_group_that_is_closed_is_told_and_read_once_it_is_open() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let scene = Scene::start(&members(), &[]).await;
    let steady = topic_with(&kafka, "steady").await;
    let well = scene.mapping(kafka.bootstrap(), steady.name(), &[]).await;
    scene.arrives("steady", RECOVERED).await;

    let nobody = format!("{ARN}nobody");
    let access = [("SASL_SCRAM_512_AUTH", nobody.as_str())];
    let closed = topic_with(&kafka, "topic opened").await;
    let unseen = topic_with(&kafka, "topic shown").await;
    let open = topic_with(&kafka, "group opened").await;
    let group = format!("group-{}", Uuid::new_v4().simple());
    let topic_rule = Resource::Topic(closed.name());
    let unseen_rule = Resource::Topic(unseen.name());
    let group_rule = Resource::Group(&group);
    kafka.deny("nobody", topic_rule, &["Read"]).await;
    kafka
        .deny("nobody", unseen_rule, &["Describe", "Read"])
        .await;
    kafka.allow("admin", group_rule, &["Read"]).await;
    let no_topic = scene.mapping(&servers, closed.name(), &access).await;
    let no_sight = scene.mapping(&servers, unseen.name(), &access).await;
    let no_group = scene
        .member(&servers, open.name(), &access, Some(&group))
        .await;
    is_undisturbed(&scene, &steady).await;
    let beginning = "Cluster failed to authorize Lambda: ";
    no_topic
        .shows(beginning, &[&servers, closed.name(), "allow Read"])
        .await;
    no_sight
        .shows(beginning, &[&servers, unseen.name(), "allow Read"])
        .await;
    no_group
        .shows(beginning, &[&servers, &group, "allow Read"])
        .await;

    kafka.undo("nobody", topic_rule).await;
    kafka.undo("nobody", unseen_rule).await;
    kafka.undo("admin", group_rule).await;
    for (mapping, value) in [
        (no_topic, "topic opened"),
        (no_sight, "topic shown"),
        (no_group, "group opened"),
    ] {
        scene.arrives(value, RECOVERED).await;
        mapping.is_well().await;
    }
    well.is_well().await;
    scene.stop(&["nobody-secret"]).await;
}

#[tokio::test]
async fn brokers_that_come_later_are_found() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let scene = Scene::start(&members(), &[]).await;
    let topic = topic_with(&kafka, "found").await;
    let address = format!("127.0.0.1:{}", dead_port());
    let mapping = scene.mapping(&address, topic.name(), &[]).await;
    mapping.shows("no broker of ", &[&address, "check "]).await;
    // What the first address leads to tells where the brokers are.
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
    let broker = kafka.bootstrap().to_owned();
    let forwarding = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let broker = broker.clone();
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(broker).await.unwrap();
                // Either end may go at any time.
                tokio::io::copy_bidirectional(&mut client, &mut server)
                    .await
                    .ok();
            });
        }
    });
    scene.arrives("found", RECOVERED).await;
    mapping.is_well().await;
    forwarding.abort();
    until_within(RECOVERED, "the forwarding has ended", async || {
        forwarding.is_finished().then_some(())
    })
    .await;
    scene.stop(&[]).await;
}
