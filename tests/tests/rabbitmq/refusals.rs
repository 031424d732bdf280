//! What is wrong is told within ten seconds, with the way out, and so is its end.

use std::sync::Arc;

use futures::future::join_all;
use lambda_esm_core::fault::ReasonCode::{Authentication, Authorization, ConfigNotValid};
use lambda_esm_core::fault::SourceErrorKind::{Denied, NotFound, Transient};
use lambda_esm_core::push_queue::ConsumeRequest;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::ports::PushQueueSource;
use lambda_esm_rabbitmq::RabbitMqQueue;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::consumer::{Consumer, SECRET, TOLD, login, refusal, says, source};

#[tokio::test]
async fn a_broker_that_cannot_be_reached_is_named() {
    let refused = refusal(&source("amqp://127.0.0.1:1", "orders")).await;
    let texts = [
        "no broker can be reached at amqp://127.0.0.1:1",
        "refused",
        "check the address",
    ];
    says(&refused, Transient, None, &texts);
    let unknown = refusal(&source("amqp://there-is-none.invalid", "orders")).await;
    let texts = ["no broker can be reached at amqp://there-is-none.invalid:5672"];
    says(&unknown, Transient, None, &texts);
}

#[tokio::test]
async fn a_port_that_says_nothing_is_given_up() {
    join_all(["amqp", "amqps"].map(async |scheme| {
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("{scheme}://{}", silent.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (mut connection, _) = silent.accept().await.unwrap();
            connection.read_to_end(&mut Vec::new()).await
        });
        let refused = refusal(&source(&address, "orders")).await;
        says(&refused, Transient, None, &[&address, "within 8 s"]);
        // No client is left that waits.
        let closed = timeout(TOLD, heard).await.unwrap().unwrap();
        assert!(closed.is_ok(), "{closed:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_queue_that_is_missing_is_named_and_found_once_it_is_there() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("late", RabbitQueueOptions::default()).await;
    queue.delete().await;
    let source = source(rabbit.plain(), queue.name());
    let refused = refusal(&source).await;
    let texts = [
        "there is no queue",
        queue.name(),
        "virtual host /",
        rabbit.plain(),
        "create it",
    ];
    says(&refused, NotFound, Some(ConfigNotValid), &texts);
    queue.make().await;
    queue.publish(["1"]).await;
    Consumer::begin(&source, 1).await.take(1).await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_until_the_secret_is_corrected() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("login", RabbitQueueOptions::default()).await;
    let secrets = login("u", "hush");
    let source = RabbitMqQueue::new(
        rabbit.plain().parse().unwrap(),
        queue.name(),
        secrets.clone(),
        SECRET,
    );
    let refused = refusal(&source).await;
    let texts = [
        rabbit.plain(),
        "refuses user u",
        "ACCESS_REFUSED",
        "check user name and password",
    ];
    says(&refused, Denied, Some(Authentication), &texts);
    assert!(!refused.message.contains("hush"), "{refused}");
    secrets
        .put(SECRET, r#"{"username":"u","password":"p"}"#)
        .unwrap();
    Consumer::begin(&source, 1).await;
}

#[tokio::test]
async fn a_secret_that_is_missing_or_malformed_is_named() {
    let secrets = Arc::new(MemorySecrets::default());
    let broker = "amqp://127.0.0.1:1".parse().unwrap();
    let source = RabbitMqQueue::new(broker, "orders", secrets.clone(), SECRET);
    says(
        &refusal(&source).await,
        Denied,
        Some(Authentication),
        &[SECRET],
    );
    secrets.put(SECRET, r#"{"username":"u"}"#).unwrap();
    let texts = [SECRET, "member password is missing"];
    says(
        &refusal(&source).await,
        Denied,
        Some(Authentication),
        &texts,
    );
}

#[tokio::test]
async fn a_virtual_host_that_is_missing_or_closed_to_the_user_is_named() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let missing = source(rabbit.plain(), "orders").with_virtual_host("v3");
    let texts = ["no virtual host v3", rabbit.plain(), "VIRTUAL_HOST"];
    says(
        &refusal(&missing).await,
        NotFound,
        Some(ConfigNotValid),
        &texts,
    );
    let broker = rabbit.plain().parse().unwrap();
    let closed = RabbitMqQueue::new(broker, "orders", login("w", "w2"), SECRET);
    let texts = ["user w may not use virtual host /", rabbit.plain()];
    says(&refusal(&closed).await, Denied, Some(Authorization), &texts);
}

#[tokio::test]
async fn a_user_needs_no_more_than_to_read_the_queue() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let options = RabbitQueueOptions::default().within("v2");
    let queue = rabbit.queue("permissions", options).await;
    queue.publish(["1"]).await;
    let broker = || rabbit.plain().parse().unwrap();
    let writer = RabbitMqQueue::new(broker(), queue.name(), login("x", "x2"), SECRET)
        .with_virtual_host("v2");
    let texts = [
        "may not read",
        queue.name(),
        "virtual host v2",
        rabbit.plain(),
    ];
    says(&refusal(&writer).await, Denied, Some(Authorization), &texts);
    let reader = RabbitMqQueue::new(broker(), queue.name(), login("w", "w2"), SECRET)
        .with_virtual_host("v2");
    Consumer::begin(&reader, 1).await.take(1).await;
}

#[tokio::test]
async fn a_queue_that_another_consumes_alone_is_waited_for() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("alone", RabbitQueueOptions::default()).await;
    let channel = queue.channel().await;
    let alone = lapin::options::BasicConsumeOptions {
        exclusive: true,
        ..Default::default()
    };
    let held = channel.basic_consume(queue.name().into(), "".into(), alone, Default::default());
    let held = held.await.unwrap();
    let source = source(rabbit.plain(), queue.name());
    let texts = [queue.name(), "another consumer that wants it alone"];
    says(&refusal(&source).await, Transient, None, &texts);
    channel
        .basic_cancel(held.tag(), Default::default())
        .await
        .unwrap();
    source.consume(ConsumeRequest::new(1)).await.unwrap();
}
