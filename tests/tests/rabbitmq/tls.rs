//! TLS: whom a client believes, and ports that speak something else.

use lambda_esm_core::fault::ReasonCode::Authentication;
use lambda_esm_core::fault::SourceErrorKind::{Denied, Transient};
use lambda_esm_rabbitmq::{BrokerAddress, RabbitMqQueue};
use lambda_esm_tests::kafka::Certificates;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};

use crate::consumer::{Consumer, SECRET, bodies, login, refusal, says, source};

#[tokio::test]
async fn a_private_authority_is_believed_once_it_is_named() {
    let (Some(rabbit), Some(certificates)) = (Rabbit::shared(), Certificates::find()) else {
        return;
    };
    let queue = rabbit.queue("tls", RabbitQueueOptions::default()).await;
    queue.publish(["1"]).await;
    let consumed = |authority: Option<&str>| {
        let mut broker: BrokerAddress = rabbit.tls().parse().unwrap();
        if let Some(authority) = authority {
            broker = broker.with_root_ca(certificates.text(authority)).unwrap();
        }
        RabbitMqQueue::new(broker, queue.name(), login("u", "p"), SECRET)
    };
    for authority in [None, Some("other-ca.pem")] {
        let refused = refusal(&consumed(authority)).await;
        let texts = [
            rabbit.tls(),
            "certificate",
            "name the authority that signed it",
        ];
        says(&refused, Denied, Some(Authentication), &texts);
    }
    let consumer = Consumer::begin(&consumed(Some("ca.pem")), 1).await;
    assert_eq!(bodies(&consumer.take(1).await), ["1"]);
}

#[tokio::test]
async fn a_port_of_the_other_kind_is_told_from_a_broker() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let crossed = rabbit.plain().replace("amqp:", "amqps:");
    let refused = refusal(&source(&crossed, "orders")).await;
    says(&refused, Transient, None, &[&crossed, "use amqp://"]);
    let crossed = rabbit.tls().replace("amqps:", "amqp:");
    let refused = refusal(&source(&crossed, "orders")).await;
    says(&refused, Transient, None, &[&crossed, "wants amqps://"]);
}
