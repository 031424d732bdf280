//! What a client is told that may not read, or reads what is not there.

use lambda_esm_tests::kafka::{Kafka, Listener, Record, Resource, TopicOptions};
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use uuid::Uuid;

use crate::attempt::{reach, read_one};

fn user(bootstrap: &str, name: &str, password: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", name)
        .set("sasl.password", password);
    config
}

#[tokio::test]
async fn a_topic_or_a_group_can_be_closed_to_a_user() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let sasl = Listener::SaslPlaintext.shared().unwrap();
    let nobody = user(&sasl, "nobody", "nobody-secret");
    let topic = kafka.topic("closed", TopicOptions::partitions(1)).await;
    topic.produce([Record::new("here")]).await;
    let group = Uuid::new_v4().to_string();
    let read = async || read_one(&nobody, &group, topic.name()).await;
    assert_eq!(read().await.unwrap(), b"here");

    for operations in [&["Read"][..], &["Describe", "Read"]] {
        let resource = Resource::Topic(topic.name());
        kafka.deny("nobody", resource, operations).await;
        let refused = read().await;
        println!("topic, {operations:?}: {refused:?}");
        assert_eq!(refused, Err(RDKafkaErrorCode::TopicAuthorizationFailed));
        kafka.undo("nobody", resource).await;
    }

    let resource = Resource::Group(&group);
    kafka.allow("admin", resource, &["Read"]).await;
    let refused = read().await;
    assert_eq!(refused, Err(RDKafkaErrorCode::GroupAuthorizationFailed));
    kafka.undo("admin", resource).await;
    assert_eq!(read().await.unwrap(), b"here");
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_told_and_not_made() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let name = format!("absent-{}", Uuid::new_v4().simple());
    let told = read_one(&kafka.config(), &name, &name).await;
    assert_eq!(told, Err(RDKafkaErrorCode::UnknownTopicOrPartition));
    let told = read_one(&kafka.config(), &name, &name).await;
    assert_eq!(told, Err(RDKafkaErrorCode::UnknownTopicOrPartition));
}

#[tokio::test]
async fn a_password_can_be_changed() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let sasl = Listener::SaslPlaintext.shared().unwrap();
    let name = format!("user-{}", Uuid::new_v4().simple());
    kafka.set_password(&name, "first").await;
    reach(&user(&sasl, &name, "first"), None).await.unwrap();
    kafka.set_password(&name, "second").await;
    reach(&user(&sasl, &name, "second"), None).await.unwrap();
    let told = reach(&user(&sasl, &name, "first"), None).await;
    assert_eq!(told.unwrap_err().0, RDKafkaErrorCode::Authentication);
}
