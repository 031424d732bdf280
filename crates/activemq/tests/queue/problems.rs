//! What is told when a queue cannot be consumed, and when it can be again.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_activemq::{ActiveMqQueue, BrokerAddress};
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::secrets::{SecretError, SecretErrorKind, SecretResolver, SecretText};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::activemq::Broker;
use crate::scene::{ADMIN, Consumer, Queue, READER, consume, secrets, source};
use crate::servers::variable;

/// Returns what is told, which takes ten seconds at most.
async fn told(source: &ActiveMqQueue) -> SourceError {
    let begun = Instant::now();
    let Err(error) = consume(source, 10).await else {
        panic!("it can be consumed");
    };
    assert!(begun.elapsed() < Duration::from_millis(10_500), "{error}");
    error
}

fn says(error: &SourceError, kind: SourceErrorKind, reason: Option<ReasonCode>, texts: &[&str]) {
    assert_eq!((error.kind, error.reason), (kind, reason), "{error}");
    for text in texts {
        assert!(error.message.contains(text), "{error}: {text}");
    }
    assert!(!error.message.contains("-secret"), "{error}");
}

fn plain() -> Option<String> {
    Some(format!("amqp://{}", variable("LAMBDA_ESM_TEST_ACTIVEMQ")?))
}

fn tls() -> Option<BrokerAddress> {
    let address = variable("LAMBDA_ESM_TEST_ACTIVEMQ_TLS")?;
    Some(format!("amqp+ssl://{address}").parse().unwrap())
}

fn certificate(name: &str) -> String {
    let home = variable("LAMBDA_ESM_TEST_ACTIVEMQ_HOME").unwrap();
    fs::read_to_string(format!("{home}/certificates/{name}")).unwrap()
}

const AUTHENTICATION: Option<ReasonCode> = Some(ReasonCode::Authentication);
const AUTHORIZATION: Option<ReasonCode> = Some(ReasonCode::Authorization);
const CONFIG: Option<ReasonCode> = Some(ReasonCode::ConfigNotValid);

use SourceErrorKind::{Denied, Fatal, Transient};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_and_the_rotated_secret_is_found() {
    let Some(address) = plain() else {
        return;
    };
    let secrets = secrets();
    let wrong = r#"{"username":"admin","password":"not-its-secret"}"#;
    secrets.put("rotated", wrong).unwrap();
    let queue = ActiveMqQueue::new(
        address.parse().unwrap(),
        "rotated",
        secrets.clone(),
        "rotated",
    );
    let texts = [&*address, "user name and password"];
    says(&told(&queue).await, Denied, AUTHENTICATION, &texts);
    let right = r#"{"username":"admin","password":"admin-secret"}"#;
    secrets.put("rotated", right).unwrap();
    Consumer(consume(&queue, 1).await.unwrap()).close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_missing_or_malformed_are_named() {
    let Some(address) = plain() else {
        return;
    };
    let secrets = secrets();
    for (arn, text) in [
        ("arn:text", "admin-secret"),
        ("arn:list", "[]"),
        ("arn:no-user", r#"{"password":"admin-secret"}"#),
        ("arn:no-password", r#"{"username":"admin","password":""}"#),
        ("arn:number", r#"{"username":"admin","password":7}"#),
        (
            "arn:nul",
            r#"{"username":"admin","password":"admin\u0000-secret"}"#,
        ),
    ] {
        secrets.put(arn, text).unwrap();
        let queue = ActiveMqQueue::new(address.parse().unwrap(), "q", secrets.clone(), arn);
        says(&told(&queue).await, Denied, AUTHENTICATION, &[arn]);
    }
    let queue = ActiveMqQueue::new(address.parse().unwrap(), "q", secrets, "arn:missing");
    says(
        &told(&queue).await,
        Denied,
        AUTHENTICATION,
        &["arn:missing"],
    );
}

/// Secrets that nobody tells.
enum Silent {
    AtOnce,
    ForEver,
}

#[async_trait]
impl SecretResolver for Silent {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        match self {
            Self::AtOnce => Err(SecretError::new(
                SecretErrorKind::Unavailable,
                format!("{arn}: nobody is there"),
            )),
            Self::ForEver => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_that_cannot_be_asked_for_now_may_come() {
    for silent in [Silent::AtOnce, Silent::ForEver] {
        let address = "amqp://127.0.0.1:1".parse().unwrap();
        let queue = ActiveMqQueue::new(address, "q", Arc::new(silent), "arn:secret");
        says(&told(&queue).await, Transient, None, &["arn:secret"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_may_not_be_read_or_made_is_named() {
    let Some(address) = plain() else {
        return;
    };
    for queue in ["closed", "open.missing"] {
        let error = told(&source(&address, queue, READER)).await;
        says(&error, Denied, AUTHORIZATION, &[&address, queue, "reader"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_only_read_consumes_and_stops() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    let address = plain().unwrap();
    let name = format!("open.{}", queue.name);
    queue.jms.fill(&name, 2).await;
    let consumer = Consumer(consume(&source(&address, &name, READER), 1).await.unwrap());
    consumer.take(1).await;
    consumer.0.stop().await.unwrap();
    consumer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_queue_is_made_for_who_may_make_it() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    let consumer = queue.consume(1).await;
    queue.fill(1).await;
    consumer.take(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_trusted_by_its_own_authority_and_by_no_other() {
    let Some(address) = tls() else {
        return;
    };
    let queue = |root_ca: Option<&str>| {
        let mut address = address.clone();
        if let Some(name) = root_ca {
            address = address.with_root_ca(certificate(name));
        }
        ActiveMqQueue::new(address, "tls", secrets(), ADMIN)
    };
    Consumer(consume(&queue(Some("ca.pem")), 1).await.unwrap())
        .close()
        .await;
    let shown = address.to_string();
    for untrusted in [Some("other-ca.pem"), None] {
        let error = told(&queue(untrusted)).await;
        says(
            &error,
            Denied,
            AUTHENTICATION,
            &[&shown, "not trusted", "UnknownIssuer"],
        );
    }
    let error = told(&queue(Some("ca.key"))).await;
    says(
        &error,
        Denied,
        AUTHENTICATION,
        &[&shown, "no certificate in PEM"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_not_trusted() {
    let Some(address) = tls() else {
        return;
    };
    let other = address.to_string().replace("127.0.0.1", "127.0.0.2");
    let port = other.rsplit(':').next().unwrap();
    // The broker does not listen there, and what does leads to it.
    let Ok(listener) = TcpListener::bind(format!("127.0.0.2:{port}")).await else {
        return;
    };
    let broker = variable("LAMBDA_ESM_TEST_ACTIVEMQ_TLS").unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = tokio::net::TcpStream::connect(broker).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    });
    let address: BrokerAddress = other.parse().unwrap();
    let address = address.with_root_ca(certificate("ca.pem"));
    let error = told(&ActiveMqQueue::new(address, "tls", secrets(), ADMIN)).await;
    says(&error, Denied, AUTHENTICATION, &[&other, "not trusted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_speaks_something_else_is_told_so() {
    let Some(plain) = plain() else {
        return;
    };
    let as_tls = plain.replace("amqp:", "amqp+ssl:");
    let as_plain = tls().unwrap().to_string().replace("amqp+ssl:", "amqp:");
    let openwire = format!(
        "amqp://{}",
        variable("LAMBDA_ESM_TEST_ACTIVEMQ_OPENWIRE").unwrap()
    );
    for (address, text) in [
        (as_tls, "does not speak TLS"),
        (as_plain, "does not speak AMQP"),
        (openwire, "does not speak AMQP"),
    ] {
        let error = told(&source(&address, "q", ADMIN)).await;
        says(&error, Fatal, CONFIG, &[&address, text]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_cannot_be_reached_are_named_with_their_causes() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("amqp://{}", silent.local_addr().unwrap());
    let addresses = format!("amqp://127.0.0.1:1,amqp://no-such-host.invalid:1,{silent}");
    let error = told(&source(&addresses, "q", ADMIN)).await;
    let texts = [
        "amqp://127.0.0.1:1",
        "refused",
        "amqp://no-such-host.invalid:1",
        &silent,
    ];
    says(&error, Transient, None, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_endpoint_is_taken_where_the_first_is_dead_or_silent() {
    let Some(address) = plain() else {
        return;
    };
    // Accepts connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = format!("amqp://127.0.0.1:1,amqp://{}", silent.local_addr().unwrap());
    let queue = source(&format!("{first},{address}"), "failover", ADMIN);
    Consumer(consume(&queue, 1).await.unwrap()).close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_down_is_consumed_from_when_it_is_back() {
    let Some(mut broker) = Broker::start().await else {
        return;
    };
    let queue = Queue::at(&broker.amqp(), broker.jms());
    queue.fill(1).await;
    broker.terminate().await;
    says(
        &told(&queue.source).await,
        Transient,
        None,
        &[&broker.amqp(), "refused"],
    );
    broker.restart().await;
    queue.consume(1).await.take(1).await;
}
