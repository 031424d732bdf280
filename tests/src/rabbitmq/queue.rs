//! Queues of a test's own.

use std::fmt;

use futures::future::join_all;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::server::Rabbit;

/// How a queue is to be: durable, and in the virtual host `/` unless something else is said.
#[derive(Clone, Debug)]
pub struct RabbitQueueOptions {
    virtual_host: String,
    name: Option<String>,
    arguments: FieldTable,
}

impl Default for RabbitQueueOptions {
    fn default() -> Self {
        Self {
            virtual_host: "/".to_owned(),
            name: None,
            arguments: FieldTable::default(),
        }
    }
}

impl RabbitQueueOptions {
    /// Returns a quorum queue.
    #[must_use]
    pub fn quorum() -> Self {
        Self::default().set("x-queue-type", "quorum")
    }

    /// Sets the virtual host.
    #[must_use]
    pub fn within(mut self, virtual_host: &str) -> Self {
        virtual_host.clone_into(&mut self.virtual_host);
        self
    }

    /// Sets the name, of which the caller sees that no other test uses it.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets one of the queue's arguments that are text, such as `x-dead-letter-exchange`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let value = AMQPValue::LongString(value.into());
        self.arguments.insert(name.into(), value);
        self
    }

    /// Sets one of the queue's arguments that are numbers, such as `x-max-priority`.
    #[must_use]
    pub fn set_number(mut self, name: &str, value: i32) -> Self {
        self.arguments
            .insert(name.into(), AMQPValue::LongInt(value));
        self
    }
}

/// A queue that no other test uses, and a connection of the test's own.
pub struct RabbitQueue {
    rabbit: Rabbit,
    name: String,
    options: RabbitQueueOptions,
    client: Mutex<Option<(Connection, Channel)>>,
}

impl Rabbit {
    /// Creates a queue that no other test uses.
    pub async fn queue(&self, what: &str, options: RabbitQueueOptions) -> RabbitQueue {
        let unique = || format!("{what}-{}", Uuid::new_v4().simple());
        let queue = RabbitQueue {
            rabbit: self.clone(),
            name: options.name.clone().unwrap_or_else(unique),
            options,
            client: Mutex::default(),
        };
        queue.make().await;
        queue
    }
}

impl RabbitQueue {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its broker.
    #[must_use]
    pub const fn rabbit(&self) -> &Rabbit {
        &self.rabbit
    }

    /// Returns a channel with publisher confirms, of a new connection if the last one is lost.
    pub async fn channel(&self) -> Channel {
        let mut client = self.client.lock().await;
        if let Some((_, channel)) = &*client
            && channel.status().connected()
        {
            return channel.clone();
        }
        let connection = self.rabbit.connect(&self.options.virtual_host).await;
        let connection = connection.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let confirms = ConfirmSelectOptions::default();
        channel.confirm_select(confirms).await.unwrap();
        *client = Some((connection, channel.clone()));
        channel
    }

    /// Makes it, after it was deleted, as it was at first.
    pub async fn make(&self) {
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let arguments = self.options.arguments.clone();
        let made = self.channel().await;
        made.queue_declare(self.short_name(), durable, arguments)
            .await
            .unwrap();
    }

    /// Deletes it with its messages.
    pub async fn delete(&self) {
        let channel = self.channel().await;
        let deleted = channel.queue_delete(self.short_name(), QueueDeleteOptions::default());
        deleted.await.unwrap();
    }

    /// Publishes persistent messages one after another, and returns when the broker has them all.
    pub async fn publish(&self, bodies: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let persistent = BasicProperties::default().with_delivery_mode(2);
        let channel = self.channel().await;
        let mut confirms = Vec::new();
        for body in bodies {
            let sent = channel.basic_publish(
                "".into(),
                self.short_name(),
                BasicPublishOptions::default(),
                body.as_ref(),
                persistent.clone(),
            );
            confirms.push(sent.await.unwrap());
        }
        for confirm in join_all(confirms).await {
            assert_eq!(confirm.unwrap(), Confirmation::Ack(None));
        }
    }

    /// Publishes a message, and returns when the broker has it.
    pub async fn publish_with(&self, properties: BasicProperties, body: &[u8]) {
        let channel = self.channel().await;
        let options = BasicPublishOptions::default();
        let sent = channel
            .basic_publish("".into(), self.short_name(), options, body, properties)
            .await;
        assert_eq!(sent.unwrap().await.unwrap(), Confirmation::Ack(None));
    }

    /// Returns how many messages wait in it. Those that a consumer has are not counted.
    pub async fn ready(&self) -> u32 {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = self.channel().await;
        let state = channel.queue_declare(self.short_name(), passive, FieldTable::default());
        state.await.unwrap().message_count()
    }

    /// Takes the first message that waits, for good: what it says and its headers.
    pub async fn take(&self) -> Option<(Vec<u8>, FieldTable)> {
        let channel = self.channel().await;
        let options = BasicGetOptions { no_ack: true };
        let got = channel.basic_get(self.short_name(), options).await.unwrap();
        let delivery = got?.delivery;
        let headers = delivery.properties.headers().clone();
        Some((delivery.data, headers.unwrap_or_default()))
    }

    fn short_name(&self) -> ShortString {
        ShortString::from(self.name.as_str())
    }
}

impl fmt::Debug for RabbitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitQueue")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
