//! What is wrong is told within ten seconds, in the documented words and with the way out, and so is its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::ports::{
    FailureDestination, FailureRecord, GroupEvent, JoinRequest, TopicConsumer, TopicSource,
};
use lambda_esm_kafka::{ClientSettings, Connect, KafkaOptions, KafkaTopic, TopicDestination};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use crate::cluster::{Cluster, PATIENCE, numbered};
use crate::worker::Worker;

const TOLD: Duration = Duration::from_secs(10);
const OLDEST: StartingPosition = StartingPosition::TrimHorizon;

/// Returns the next problem of a member.
pub(crate) async fn problem(consumer: &dyn TopicConsumer) -> SourceError {
    let problem = async {
        loop {
            if let GroupEvent::Problem(problem) = consumer.next_event().await {
                return problem;
            }
        }
    };
    timeout(TOLD, problem).await.unwrap()
}

async fn joined(servers: &str, topic: &str) -> Arc<dyn TopicConsumer> {
    let servers = servers.to_owned();
    let options = KafkaOptions::default();
    Cluster { servers }
        .join(topic, "group", OLDEST, options)
        .await
}

pub(crate) fn says(problem: &SourceError, kind: SourceErrorKind, texts: &[&str]) {
    assert_eq!(problem.kind, kind, "{problem}");
    for text in texts {
        assert!(problem.message.contains(text), "{text}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_cannot_be_reached_are_named() {
    let consumer = joined("127.0.0.1:1", "topic").await;
    let problem = problem(&*consumer).await;
    let texts = [
        "no broker of 127.0.0.1:1 can be reached",
        "refused",
        "check the addresses",
    ];
    says(&problem, SourceErrorKind::Transient, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_named_and_found_once_it_is_there() {
    let mock = MockCluster::new(1).unwrap();
    let missing = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    mock.topic_error("topic", missing).unwrap();
    let servers = mock.bootstrap_servers();
    let consumer = joined(&servers, "topic").await;
    let problem = problem(&*consumer).await;
    says(
        &problem,
        SourceErrorKind::NotFound,
        &["topic topic does not exist at", &servers],
    );
    let none = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
    mock.topic_error("topic", none).unwrap();
    let mut worker = Worker::new(consumer);
    worker.owns(4).await;
    assert!(
        worker.events.contains(&GroupEvent::Recovered),
        "{:?}",
        worker.events
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_allowed_is_told_and_joined_once_it_is() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("topic", 1, 1).unwrap();
    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 2];
    mock.request_errors(RDKafkaApiKey::JoinGroup, &errors);
    let consumer = joined(&mock.bootstrap_servers(), "topic").await;
    let problem = problem(&*consumer).await;
    let texts = ["Cluster failed to authorize Lambda", "consumer group group"];
    says(&problem, SourceErrorKind::Denied, &texts);
    let mut worker = Worker::new(consumer);
    worker.owns(1).await;
    assert!(
        worker.events.contains(&GroupEvent::Recovered),
        "{:?}",
        worker.events
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_come_back_are_found_without_anybody_doing_anything() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("topic", 1, 1).unwrap();
    let servers = mock.bootstrap_servers();
    let cluster = Cluster { servers };
    let mut worker = Worker::new(joined(&cluster.servers, "topic").await);
    worker.owns(1).await;
    mock.broker_down(-1).unwrap();
    let problem = problem(&*worker.consumer).await;
    says(&problem, SourceErrorKind::Transient, &["can be reached"]);
    mock.broker_up(-1).unwrap();
    while worker.event().await != GroupEvent::Recovered {}
    cluster.produce("topic", 0, &numbered(0..10));
    worker.owns(1).await;
    worker.read_to(&cluster.ends("topic", 1)).await;
}

/// A secret that may be rotated.
struct Rotated(Mutex<ClientSettings>);

#[async_trait]
impl Connect for Rotated {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

fn password(servers: &str, password: &str) -> ClientSettings {
    let mut settings = ClientSettings::new(servers, "sasl_plaintext");
    settings.set("sasl.mechanism", "SCRAM-SHA-512");
    settings.set("sasl.username", "admin");
    settings.set("sasl.password", password);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_by_its_broker_and_a_rotated_secret_is_picked_up() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let servers = std::env::var("LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT").unwrap();
    let topic = cluster.topic(1).await;
    let secret = Arc::new(Rotated(Mutex::new(password(&servers, "wr0ng-secret"))));
    let source = KafkaTopic::new(secret.clone(), &topic, KafkaOptions::default());
    let consumer = source
        .join(JoinRequest::new("rotated", OLDEST))
        .await
        .unwrap();
    let problem = problem(&*consumer).await;
    let texts = [
        "SASL authentication failed",
        &servers,
        "check the user name and password",
    ];
    says(&problem, SourceErrorKind::Denied, &texts);
    assert!(!problem.message.contains("wr0ng"), "{problem}");
    *secret.0.lock().unwrap() = password(&servers, "admin-secret");
    let mut worker = Worker::new(consumer);
    worker.owns(1).await;
    assert!(
        worker.events.contains(&GroupEvent::Recovered),
        "{:?}",
        worker.events
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_gets_one_message_for_each_record_under_its_key() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("failures", 1, 1).unwrap();
    let servers = mock.bootstrap_servers();
    let connect = Rotated(Mutex::new(ClientSettings::new(&servers, "plaintext")));
    let destination = TopicDestination::new(Arc::new(connect), "failures");
    let record = FailureRecord::new("{\"n\":1}").with_key(Some("key".into()));
    destination.deliver(record).await.unwrap();
    destination
        .deliver(FailureRecord::new("{\"n\":2}"))
        .await
        .unwrap();
    let mut worker = Worker::new(joined(&servers, "failures").await);
    worker.owns(1).await;
    worker
        .read_to(&Cluster { servers }.ends("failures", 1))
        .await;
    let values: Vec<&str> = worker.read[&0]
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, ["{\"n\":1}", "{\"n\":2}"]);
    assert_eq!(worker.keys, [Some("key".into()), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_reached_is_named_and_written_to_once_it_is() {
    let settings = ClientSettings::new("127.0.0.1:1", "plaintext");
    let connect = Arc::new(Rotated(Mutex::new(settings)));
    let destination = TopicDestination::new(connect.clone(), "failures");
    let failed = destination.deliver(FailureRecord::new("{}"));
    let failed = timeout(PATIENCE, failed).await.unwrap().unwrap_err();
    for text in ["topic failures at 127.0.0.1:1", "can be reached"] {
        assert!(failed.message.contains(text), "{failed}");
    }
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("failures", 1, 1).unwrap();
    *connect.0.lock().unwrap() = ClientSettings::new(&mock.bootstrap_servers(), "plaintext");
    destination.deliver(FailureRecord::new("{}")).await.unwrap();
}
