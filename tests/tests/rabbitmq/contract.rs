//! The contract of brokers' queues, on classic queues and on quorum queues.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::contract::{MessageToPublish, PushQueueContract, push_queue_contract};
use lambda_esm_engine::ports::PushQueueSource;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueue, RabbitQueueOptions};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::consumer::source;

/// Queues, their dead letters, and what stands between a client and the broker.
struct Queues {
    rabbit: Rabbit,
    options: RabbitQueueOptions,
    made: Mutex<BTreeMap<String, Arc<Made>>>,
    ways: Arc<Mutex<Vec<(String, AbortHandle)>>>,
}

struct Made {
    queue: RabbitQueue,
    dead: RabbitQueue,
}

impl Queues {
    fn made(&self, queue: &str) -> Arc<Made> {
        self.made.lock().unwrap()[queue].clone()
    }

    /// Returns an address at which the broker is found by a way that can be broken.
    async fn way(&self, queue: &str) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("amqp://{}", listener.local_addr().unwrap());
        let broker = self.rabbit.plain().trim_start_matches("amqp://").to_owned();
        let (queue, ways) = (queue.to_owned(), self.ways.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(&broker).await.unwrap();
                let way = tokio::spawn(async move {
                    copy_bidirectional(&mut client, &mut server).await.ok();
                });
                let mut ways = ways.lock().unwrap();
                ways.push((queue.clone(), way.abort_handle()));
            }
        });
        address
    }
}

#[async_trait]
impl PushQueueContract for Queues {
    fn engine(&self) -> MqEngine {
        MqEngine::RabbitMq
    }

    async fn make(&self, queue: &str) {
        let dead = format!("{queue}-dead");
        let options = self.options.clone();
        let options = options
            .set("x-dead-letter-exchange", "")
            .set("x-dead-letter-routing-key", &dead);
        let dead = RabbitQueueOptions::default().named(&dead);
        let made = Made {
            dead: self.rabbit.queue("dead", dead).await,
            queue: self.rabbit.queue("queue", options.named(queue)).await,
        };
        let mut all = self.made.lock().unwrap();
        all.insert(queue.to_owned(), Arc::new(made));
    }

    async fn source(&self, queue: &str) -> Arc<dyn PushQueueSource> {
        Arc::new(source(&self.way(queue).await, queue))
    }

    async fn publish(&self, queue: &str, message: MessageToPublish) {
        let mut properties = BasicProperties::default().with_delivery_mode(2);
        if let Some(text) = message.correlation_id {
            properties = properties.with_correlation_id(text.into());
        }
        if let Some(text) = message.kind {
            properties = properties.with_type(text.into());
        }
        if let Some(priority) = message.priority {
            properties = properties.with_priority(priority);
        }
        let mut headers = FieldTable::default();
        for (name, text) in message.headers {
            headers.insert(name.into(), AMQPValue::LongString(text.into()));
        }
        let made = self.made(queue);
        made.queue
            .publish_with(properties.with_headers(headers), &message.body)
            .await;
    }

    async fn ready(&self, queue: &str) -> usize {
        self.made(queue).queue.ready().await as usize
    }

    async fn dead_letters(&self, queue: &str) -> Option<usize> {
        Some(self.made(queue).dead.ready().await as usize)
    }

    async fn break_connections(&self, queue: &str) -> bool {
        for (name, way) in &*self.ways.lock().unwrap() {
            if name == queue {
                way.abort();
            }
        }
        true
    }

    async fn delete(&self, queue: &str) -> bool {
        self.made(queue).queue.delete().await;
        true
    }
}

async fn keep_the_contract(options: RabbitQueueOptions) {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queues = Queues {
        rabbit,
        options,
        made: Mutex::default(),
        ways: Arc::default(),
    };
    push_queue_contract(&queues).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_queues_keep_the_contract() {
    keep_the_contract(RabbitQueueOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quorum_queues_with_a_limit_keep_the_contract() {
    let options = RabbitQueueOptions::quorum().set_number("x-delivery-limit", 10);
    keep_the_contract(options).await;
}
