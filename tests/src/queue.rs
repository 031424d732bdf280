//! A queue of one test's own.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures::{StreamExt as _, stream};
use lambda_esm::mapping::CreateEventSourceMapping;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::wait::until;

/// The most messages of one call, and how many calls are under way when sending.
const BATCH: usize = 10;
const SENDERS: usize = 4;

/// What kind of queue.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// Whether messages have groups whose order holds.
    pub fifo: bool,
    /// Where a message goes after so many receives: ARN and `maxReceiveCount`.
    pub redrive: Option<(String, u32)>,
}

impl Default for QueueOptions {
    /// A standard queue, with a visibility timeout that no test outlasts.
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(600),
            fifo: false,
            redrive: None,
        }
    }
}

/// How many messages a queue has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received.
    pub visible: usize,
    /// Messages that were received and not deleted.
    pub in_flight: usize,
}

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its body.
    pub body: String,
    /// Its group, on a FIFO queue.
    pub group: Option<String>,
}

impl From<String> for Message {
    fn from(body: String) -> Self {
        Self { body, group: None }
    }
}

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// A client of its server.
    pub client: Client,
    /// Where it is.
    pub url: String,
    /// Its name.
    pub name: String,
}

impl Queue {
    pub(crate) async fn create(client: Client, what: &str, options: QueueOptions) -> Self {
        let suffix = if options.fifo { ".fifo" } else { "" };
        let name = format!("{what}-{}{suffix}", Uuid::new_v4().simple());
        let queue = Self {
            client,
            url: String::new(),
            name,
        };
        queue.create_again(options).await
    }

    /// Creates the queue of this name, which is missing.
    pub async fn create_again(mut self, options: QueueOptions) -> Self {
        let seconds = options.visibility_timeout.as_secs().to_string();
        let redrive = options.redrive.map(|(arn, receives)| {
            json!({ "deadLetterTargetArn": arn, "maxReceiveCount": receives.to_string() })
                .to_string()
        });
        let mut attributes = HashMap::from([(QueueAttributeName::VisibilityTimeout, seconds)]);
        attributes.extend(redrive.map(|policy| (QueueAttributeName::RedrivePolicy, policy)));
        attributes.extend(
            options
                .fifo
                .then(|| (QueueAttributeName::FifoQueue, "true".to_owned())),
        );
        let request = self.client.create_queue().queue_name(&self.name);
        let created = request
            .set_attributes(Some(attributes))
            .send()
            .await
            .unwrap();
        self.url = created.queue_url.unwrap();
        self
    }

    /// Returns its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:us-east-1:000000000000:{}", self.name)
    }

    /// Returns a request for a mapping from this queue to `function`, with further members.
    #[must_use]
    pub fn mapping(&self, function: &str, members: Value) -> CreateEventSourceMapping {
        let mut request = json!({ "EventSourceArn": self.arn(), "FunctionName": function });
        let Value::Object(members) = members else {
            panic!("members are an object")
        };
        request.as_object_mut().unwrap().extend(members);
        serde_json::from_value(request).unwrap()
    }

    /// Sends messages, to a FIFO queue in their order.
    pub async fn send(&self, messages: impl IntoIterator<Item = impl Into<Message>>) {
        let messages: Vec<Message> = messages.into_iter().map(Into::into).collect();
        let senders = if self.name.ends_with(".fifo") {
            1
        } else {
            SENDERS
        };
        let calls: Vec<_> = messages
            .chunks(BATCH)
            .map(|chunk| self.send_batch(chunk))
            .collect();
        stream::iter(calls)
            .buffer_unordered(senders)
            .collect::<()>()
            .await;
    }

    async fn send_batch(&self, messages: &[Message]) {
        let entries = messages.iter().enumerate().map(|(at, message)| {
            let unique = message.group.as_ref().map(|_| Uuid::new_v4().to_string());
            SendMessageBatchRequestEntry::builder()
                .id(at.to_string())
                .message_body(&message.body)
                .set_message_group_id(message.group.clone())
                .set_message_deduplication_id(unique)
                .build()
                .unwrap()
        });
        let request = self.client.send_message_batch().queue_url(&self.url);
        let sent = request
            .set_entries(Some(entries.collect()))
            .send()
            .await
            .unwrap();
        assert!(sent.failed.is_empty(), "not sent: {:?}", sent.failed);
    }

    /// Sends messages too large to share a call.
    pub async fn send_large(&self, bodies: Vec<String>) {
        let send = |body| {
            self.client
                .send_message()
                .queue_url(&self.url)
                .message_body(body)
                .send()
        };
        let sent = stream::iter(bodies.into_iter().map(send)).buffer_unordered(SENDERS);
        sent.for_each(async |sent| drop(sent.unwrap())).await;
    }

    /// Counts its messages.
    pub async fn depth(&self) -> Depth {
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await
            .unwrap();
        let attributes = answer.attributes.unwrap();
        let count = |name| attributes[&name].parse().unwrap();
        Depth {
            visible: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        }
    }

    /// Waits until it has no message, neither visible nor in flight.
    pub async fn until_empty(&self) {
        let empty = Depth {
            visible: 0,
            in_flight: 0,
        };
        until("the queue is empty", async || {
            (self.depth().await == empty).then_some(())
        })
        .await;
    }

    /// Receives what can be received, without waiting for more, and returns the bodies.
    pub async fn bodies(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let request = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(10);
            let received = request.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return bodies;
            }
            bodies.extend(received.into_iter().filter_map(|message| message.body));
        }
    }
}
