//! Registries that ask who one is.

use lambda_esm_tests::kafka::{Certificates, Kafka, Record, Topic, TopicOptions};
use lambda_esm_tests::{RegistryAccess, RegistryProxy, TokenServer, ministack};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::registry::{Format, Registry, Schema, order};
use crate::scene::{SECRET, Scene};
use crate::web_client::WebClient;

fn config(registry: &Registry, proxy: &RegistryProxy, access: &[(&str, &str)]) -> Value {
    let access = access
        .iter()
        .map(|(kind, uri)| json!({ "Type": kind, "URI": uri }));
    json!({
        "SchemaRegistryURI": registry.uri().replace(registry.server(), &proxy.url()),
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{ "Attribute": "VALUE" }],
        "AccessConfigs": access.collect::<Vec<_>>(),
    })
}

async fn topic_with_order(kafka: &Kafka, orders: &Schema) -> Topic {
    let topic = kafka.topic("guarded", TopicOptions::partitions(1)).await;
    topic.produce([Record::new(orders.order(1, "kept"))]).await;
    topic
}

#[tokio::test]
async fn a_registry_answers_by_password_certificate_or_token_and_a_wrong_one_is_told_and_corrected()
{
    let (Some(kafka), Some(registry), Some(ministack)) =
        (Kafka::shared(), Registry::confluent(), ministack())
    else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let client = WebClient::default();
    let secret = |text: &str| json!({ "username": "reader", "password": text }).to_string();
    let created = json!({ "Name": Uuid::new_v4(), "SecretString": secret("wrong-password") });
    let created = client
        .aws(&ministack, "secretsmanager.CreateSecret", &created)
        .await;
    let password = created["ARN"].as_str().unwrap();

    let tokens = TokenServer::start().await;
    tokens.set_subject("stranger");
    let pair = |name: &str| {
        json!({
            "certificate": certificates.text(&format!("{name}.pem")),
            "privateKey": certificates.text(&format!("{name}.key")),
        })
    };
    let secrets = json!({
        format!("{SECRET}client"): pair("client"),
        format!("{SECRET}stranger"): pair("stranger"),
        format!("{SECRET}ca"): { "certificate": certificates.text("ca.pem") },
        format!("{SECRET}tokens"): {
            "oauthTokenEndpointUrl": tokens.url(),
            "oauthClientId": "client",
            "oauthClientSecret": "client-secret",
        },
    });
    let functions = ["basic", "right", "stranger", "token", "open"];
    let more = |_: &_| {
        json!({
            "secrets": secrets,
            "endpoints": { "aws": ministack },
            // The token server of the test has no TLS.
            "kafka": { "allow_sasl_plaintext": true },
        })
    };
    let scene = Scene::start(&kafka, &functions, more).await;

    let basic = RegistryAccess::Basic("reader".to_owned(), "right-password".to_owned());
    let basic = RegistryProxy::start(registry.server(), basic, &certificates).await;
    let mutual = RegistryAccess::ClientCertificate;
    let mutual = RegistryProxy::start(registry.server(), mutual, &certificates).await;
    let bearer = RegistryAccess::Subject("reader".to_owned());
    let bearer = RegistryProxy::start(registry.server(), bearer, &certificates).await;
    let (ca, of_client) = (format!("{SECRET}ca"), format!("{SECRET}client"));
    let (of_stranger, of_tokens) = (format!("{SECRET}stranger"), format!("{SECRET}tokens"));
    let certificate = "CLIENT_CERTIFICATE_TLS_AUTH";
    let trust = ("SERVER_ROOT_CA_CERTIFICATE", ca.as_str());

    let orders = registry.orders(Format::Avro).await;
    let topic = topic_with_order(&kafka, &orders).await;
    let map = async |function: &str, proxy: &RegistryProxy, access: &[(&str, &str)]| {
        let config = config(&registry, proxy, access);
        scene.map(&topic, function, &config, &Value::Null).await
    };
    let by_password = map("basic", &basic, &[("BASIC_AUTH", password)]).await;
    map("right", &mutual, &[(certificate, &of_client), trust]).await;
    let by_stranger = map("stranger", &mutual, &[(certificate, &of_stranger), trust]).await;
    let by_token = map("token", &bearer, &[("OAUTHBEARER_AUTH", &of_tokens)]).await;
    let plain = kafka.topic("plain", TopicOptions::partitions(1)).await;
    scene.map(&plain, "open", &Value::Null, &Value::Null).await;

    let kept = [(0, order(1, "kept"))];
    assert_eq!(scene.until_records("right", 1).await, kept);
    scene
        .until_problem(&by_password, &[&basic.url(), "401"])
        .await;
    scene
        .until_problem(&by_token, &[&bearer.url(), "401"])
        .await;
    scene
        .until_problem(&by_stranger, &["schema registry", &mutual.url()])
        .await;
    for function in ["basic", "stranger", "token"] {
        assert_eq!(scene.records(function), [], "{function}");
    }
    plain.produce([Record::new("{}")]).await;
    scene.until_records("open", 1).await;

    tokens.set_subject("reader");
    let corrected = json!({ "SecretId": password, "SecretString": secret("right-password") });
    client
        .aws(&ministack, "secretsmanager.PutSecretValue", &corrected)
        .await;
    for (function, uuid) in [("token", &by_token), ("basic", &by_password)] {
        assert_eq!(scene.until_records(function, 1).await, kept, "{function}");
        scene.until_well(uuid).await;
    }
    let secrets = [
        "right-password",
        "wrong-password",
        "client-secret",
        "eyJ",
        "BEGIN ",
    ];
    scene.stop(&secrets).await;
}
