//! What is wrong is told in the documented words, with the way out, and so is its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb};
use lambda_esm_kafka::{ClientSettings, KafkaShareGroup};
use tokio::time::Instant;

use crate::brokers::{Brokers, More};
use crate::logins::{certificate, password};
use crate::member::Member;
use crate::world::{PATIENCE, Servers, World, variable};

/// Longer than a session pauses after a failure.
const SELDOM: Duration = Duration::from_secs(3);
const SASL: &str = "LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT";

/// Returns the next problem that a receive meets.
async fn problem(source: &KafkaShareGroup) -> SourceError {
    let end = Instant::now() + PATIENCE;
    loop {
        let request = ReceiveRequest::new(1, Duration::from_secs(1));
        match source.receive(request).await {
            Err(problem) => return problem,
            Ok(received) => assert!(received.messages.is_empty(), "{received:?}"),
        }
        assert!(Instant::now() < end, "there is no problem");
    }
}

/// Receives a record, whatever problems are told meanwhile.
async fn recovers(member: &Member) {
    let end = Instant::now() + PATIENCE;
    loop {
        let request = ReceiveRequest::new(1, Duration::from_secs(1));
        let received = member.receive(request).await;
        if let Ok(received) = &received
            && !received.messages.is_empty()
        {
            member
                .settle_all(&received.messages, SettleVerb::Delete)
                .await;
            return;
        }
        assert!(Instant::now() < end, "{received:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Receives a record, asked as seldom as an engine asks what has failed again and again: whoever is asked so often that one
/// try or another must succeed is not looked after by itself.
async fn recovers_though_seldom_asked(member: &Member) {
    let mut last = None;
    for _ in 0..4 {
        tokio::time::sleep(SELDOM).await;
        let request = ReceiveRequest::new(1, Duration::from_secs(1));
        match member.receive(request).await {
            Ok(received) if !received.messages.is_empty() => {
                let messages = &received.messages;
                return member.settle_all(messages, SettleVerb::Delete).await;
            }
            other => last = Some(other),
        }
    }
    panic!("{last:?}");
}

fn says(problem: &SourceError, kind: SourceErrorKind, reason: Option<ReasonCode>, texts: &[&str]) {
    assert_eq!((problem.kind, problem.reason), (kind, reason), "{problem}");
    for text in texts {
        assert!(problem.message.contains(text), "{text}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_cannot_be_reached_are_named() {
    let connect = Servers(Mutex::new(ClientSettings::new("127.0.0.1:1", "plaintext")));
    let source = KafkaShareGroup::new(Arc::new(connect), "topic", "group");
    let problem = source.describe().await.unwrap_err();
    let texts = [
        "no broker of 127.0.0.1:1 can be reached",
        "refused",
        "check the addresses",
    ];
    says(&problem, SourceErrorKind::Transient, None, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_named() {
    let Some(world) = World::real() else {
        return;
    };
    let connect = Servers(Mutex::new(ClientSettings::new(&world.servers, "plaintext")));
    let source = KafkaShareGroup::new(Arc::new(connect), "nowhere", "group");
    let problem = source.describe().await.unwrap_err();
    let texts = ["topic nowhere does not exist at", &world.servers];
    says(&problem, SourceErrorKind::NotFound, None, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_a_rotated_secret_is_picked_up() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    shared.produce(1, 0..1).await;
    let mut wrong = ClientSettings::new(&variable(SASL), "sasl_plaintext");
    wrong.set("sasl.mechanism", "SCRAM-SHA-512");
    wrong.set("sasl.username", "admin");
    wrong.set("sasl.password", "wr0ng-secret");
    let secret = Arc::new(Servers(Mutex::new(wrong)));
    let member = Member(shared.source_by(Arc::clone(&secret)));
    let problem = problem(&member).await;
    let texts = [
        "SASL authentication failed",
        "check the user name and password",
        &variable(SASL),
    ];
    says(
        &problem,
        SourceErrorKind::Denied,
        Some(ReasonCode::Authentication),
        &texts,
    );
    assert!(!problem.message.contains("wr0ng"), "{problem}");
    *secret.0.lock().unwrap() = password(SASL, "SASL_PLAINTEXT", "SCRAM-SHA-512", "admin");
    recovers(&member).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_not_trusted_are_told_of_either_side() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    let mut settings = ClientSettings::new(&variable("LAMBDA_ESM_TEST_KAFKA_TLS"), "SSL");
    settings.set("ssl.ca.pem", certificate("other-ca.pem"));
    let told = problem(&shared.source_with(settings)).await;
    let texts = [
        "Lambda failed to authenticate server",
        "SERVER_ROOT_CA_CERTIFICATE",
    ];
    says(
        &told,
        SourceErrorKind::Denied,
        Some(ReasonCode::Authentication),
        &texts,
    );
    let mut settings = ClientSettings::new(&variable("LAMBDA_ESM_TEST_KAFKA_MTLS"), "SSL");
    settings.set("ssl.ca.pem", certificate("ca.pem"));
    let told = problem(&shared.source_with(settings)).await;
    let texts = [
        "Server failed to authenticate Lambda",
        "CLIENT_CERTIFICATE_TLS_AUTH",
    ];
    says(
        &told,
        SourceErrorKind::Denied,
        Some(ReasonCode::Authentication),
        &texts,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_a_topic_that_may_not_be_read_are_named_and_read_once_they_may() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    shared.produce(1, 0..1).await;
    let (topic, group) = (shared.topic.as_str(), shared.group.as_str());
    world
        .administer(&["allow", "nobody", "topic", topic, "Describe"])
        .await;
    world
        .administer(&["allow", "nobody", "group", group, "Describe"])
        .await;
    let member = Member(shared.source_with(password(SASL, "SASL_PLAINTEXT", "PLAIN", "nobody")));
    let told = problem(&member).await;
    let texts = ["Cluster failed to authorize Lambda", group];
    says(
        &told,
        SourceErrorKind::Denied,
        Some(ReasonCode::Authorization),
        &texts,
    );
    world
        .administer(&["allow", "nobody", "group", group, "Read"])
        .await;
    let end = Instant::now() + PATIENCE;
    loop {
        let told = problem(&member).await;
        if told.message.contains(topic) && !told.message.contains(group) {
            let texts = ["Cluster failed to authorize Lambda"];
            says(
                &told,
                SourceErrorKind::Denied,
                Some(ReasonCode::Authorization),
                &texts,
            );
            break;
        }
        assert!(Instant::now() < end, "{told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world
        .administer(&["allow", "nobody", "topic", topic, "Read"])
        .await;
    recovers_though_seldom_asked(&member).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_full_is_told_with_the_way_out_and_joined_once_there_is_room() {
    let more = More {
        properties: "group.share.max.size=1",
        ..More::default()
    };
    let Some(brokers) = Brokers::start(1, more).await else {
        return;
    };
    let shared = brokers.world().shared(1, &[]).await;
    shared.produce(1, 0..1).await;
    let first = shared.member();
    first.receive_one().await;
    let second = shared.member();
    let told = problem(&second).await;
    let texts = [shared.group.as_str(), "group.share.max.size"];
    says(
        &told,
        SourceErrorKind::Fatal,
        Some(ReasonCode::ConfigNotValid),
        &texts,
    );
    first.close().await;
    recovers(&second).await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_without_share_groups_are_told_with_the_way_out() {
    let more = More {
        format: "--feature share.version=0",
        ..More::default()
    };
    let Some(brokers) = Brokers::start(1, more).await else {
        return;
    };
    let world = brokers.world();
    let connect = Servers(Mutex::new(ClientSettings::new(&world.servers, "plaintext")));
    let topic = world.topic(1).await;
    let source = KafkaShareGroup::new(Arc::new(connect), topic, "group");
    let told = problem(&source).await;
    let texts = [
        "have no share groups",
        "share.version=1",
        "ConsumptionMode Stream",
    ];
    says(
        &told,
        SourceErrorKind::Unsupported,
        Some(ReasonCode::ConfigNotValid),
        &texts,
    );
}
