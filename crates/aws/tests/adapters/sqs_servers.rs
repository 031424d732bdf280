//! The SQS source against real servers; skipped where none is named.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use lambda_esm_aws::{AwsConfig, SqsProvider, SqsQueue};
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::AttributeValue;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{
    MessageToSend, fifo_contract, one, queue_source_contract, receive, settle_ok,
};
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb};

const ACCOUNT: &str = "000000000000";

/// A server under test.
struct Server {
    client: Client,
    url: String,
}

/// How long its queues hide messages; not its default.
const VISIBILITY: Duration = Duration::from_secs(10);

/// A fresh queue on it.
struct Fresh {
    source: SqsQueue,
    client: Client,
    url: String,
}

impl Server {
    /// Returns the server that an environment variable names.
    fn named(variable: &str) -> Option<Self> {
        let Ok(url) = std::env::var(variable) else {
            println!("skipped: {variable} names no server");
            return None;
        };
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        Some(Self {
            client: Client::from_conf(config),
            url,
        })
    }

    fn provider(&self) -> SqsProvider {
        let mut config = AwsConfig::default();
        config
            .endpoints
            .services
            .insert("sqs".to_owned(), self.url.parse().unwrap());
        SqsProvider::new(config)
    }

    async fn source(&self, name: &str) -> SqsQueue {
        self.provider()
            .open(&format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"))
            .await
            .unwrap()
    }

    /// Creates a queue that no other run uses.
    async fn queue(&self, what: &str) -> Fresh {
        let client = self.client.clone();
        let name = format!("aws-{}-{what}", std::process::id());
        let fifo = name.ends_with(".fifo").then(|| "true".to_owned());
        let url = client
            .create_queue()
            .queue_name(&name)
            .set_attributes(fifo.map(|yes| [(QueueAttributeName::FifoQueue, yes)].into()))
            .attributes(
                QueueAttributeName::VisibilityTimeout,
                VISIBILITY.as_secs().to_string(),
            )
            .send()
            .await
            .unwrap()
            .queue_url
            .unwrap();
        Fresh {
            source: self.source(&name).await,
            client,
            url,
        }
    }
}

impl Fresh {
    async fn send(&self, body: &str) {
        let request = self.client.send_message().queue_url(&self.url);
        request.message_body(body).send().await.unwrap();
    }

    /// Sends what the contract asks for.
    async fn put(&self, message: MessageToSend) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let attributes = message.attributes.into_iter().map(|(name, attribute)| {
            let value = MessageAttributeValue::builder().data_type(attribute.data_type);
            let value = match attribute.value {
                AttributeValue::Text(text) => value.string_value(text),
                AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes)),
                other => unreachable!("{other:?}"),
            };
            (name, value.build().unwrap())
        });
        self.client
            .send_message()
            .queue_url(&self.url)
            .set_message_attributes(Some(attributes.collect()))
            .set_message_deduplication_id(message.group.as_ref().map(|_| number))
            .set_message_group_id(message.group)
            .message_body(message.body)
            .send()
            .await
            .unwrap();
    }

    async fn drop(self) {
        self.client
            .delete_queue()
            .queue_url(&self.url)
            .send()
            .await
            .unwrap();
    }
}

async fn keeps_the_contract(server: Server) {
    let queue = server.queue("plain").await;
    let send = async |message| queue.put(message).await;
    queue_source_contract(&queue.source, Clock::system(), false, send).await;
    queue.drop().await;
}

async fn keeps_the_contract_on_a_fifo_queue(server: Server) {
    let queue = server.queue("ordered.fifo").await;
    let send = async |message| queue.put(message).await;
    queue_source_contract(&queue.source, Clock::system(), true, send).await;
    fifo_contract(&queue.source, Clock::system(), send).await;
    queue.drop().await;
}

async fn describes_the_queue(server: Server) {
    let queue = server.queue("facts").await;
    let facts = queue.source.describe().await.unwrap();
    assert_eq!(facts.visibility_timeout, VISIBILITY);
    assert_eq!((facts.receive_limit, facts.settle_limit), (10, 10));
    assert_eq!(facts.longest_wait, Duration::from_secs(1));
    assert_eq!(facts.wait_step, Duration::from_secs(1));
    queue.drop().await;
}

async fn carries_all_attributes(server: Server) {
    let queue = server.queue("attributes").await;
    let value = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body("The Whistler")
        .message_attributes(
            "Title",
            value("String")
                .string_value("The Whistler")
                .build()
                .unwrap(),
        )
        .message_attributes(
            "Author",
            value("String")
                .string_value("John Grisham")
                .build()
                .unwrap(),
        )
        .message_attributes(
            "WeeksOn",
            value("Number").string_value("6").build().unwrap(),
        )
        .message_attributes(
            "Cover",
            value("Binary")
                .binary_value(Blob::new([0, 255]))
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let message = one(&queue.source).await;
    let content = message.content.sqs().unwrap();
    let first: Vec<_> = content
        .attributes
        .iter()
        .map(|(name, _)| name.as_ref())
        .take(4)
        .collect();
    let expected = [
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    ];
    assert_eq!(first, expected);
    let attributes: Vec<_> = content
        .message_attributes
        .iter()
        .map(|(name, attribute)| {
            (
                name.as_str(),
                attribute.data_type.as_str(),
                &attribute.value,
            )
        })
        .collect();
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let expected = [
        ("Author", "String", &text("John Grisham")),
        ("Cover", "Binary", &AttributeValue::Binary(vec![0, 255])),
        ("Title", "String", &text("The Whistler")),
        ("WeeksOn", "Number", &text("6")),
    ];
    assert_eq!(attributes, expected);
    assert_eq!(content.md5_of_body.len(), 32);
    assert_eq!(
        content.md5_of_message_attributes.as_deref().map(str::len),
        Some(32)
    );
    settle_ok(&queue.source, SettleVerb::Delete, &message).await;
    queue.drop().await;
}

async fn overrides_the_visibility_timeout(server: Server) {
    let queue = server.queue("visibility").await;
    queue.send("short").await;
    let request = ReceiveRequest::new(1, Duration::from_secs(5))
        .with_visibility_timeout(Some(Duration::from_millis(900)));
    assert_eq!(
        queue.source.receive(request).await.unwrap().messages.len(),
        1
    );
    let again = receive(&queue.source, 1, Duration::from_secs(10)).await;
    assert_eq!(
        again.len(),
        1,
        "the message did not come back after a second"
    );
    settle_ok(&queue.source, SettleVerb::Delete, &again[0]).await;
    queue.drop().await;
}

async fn knows_a_missing_queue_and_finds_it_once_it_is_there(server: Server) {
    let name = format!("aws-{}-missing", std::process::id());
    let source = server.source(&name).await;
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
    assert!(
        error.message.contains(&name) && error.message.contains(&server.url),
        "{error}"
    );

    let queue = server.queue("missing").await;
    source.describe().await.unwrap();
    queue.drop().await;
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
    let request = ReceiveRequest::new(1, Duration::ZERO);
    let error = source.receive(request).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
}

async fn takes_a_queue_url_for_an_arn(server: Server) {
    let queue = server.queue("by-url").await;
    let name = format!("aws-{}-by-url", std::process::id());
    let arn = format!("arn:aws:sqs:us-east-1:123456789012:{name}");
    let mut config = AwsConfig::default();
    let url = format!("{}/{ACCOUNT}/{name}", server.url);
    config
        .endpoints
        .arns
        .insert(arn.clone(), url.parse().unwrap());
    queue.send("here").await;
    let source = SqsProvider::new(config).open(&arn).await.unwrap();
    let message = one(&source).await;
    settle_ok(&source, SettleVerb::Delete, &message).await;
    queue.drop().await;
}

macro_rules! on_each_server {
    ($($behaviour:ident),* $(,)?) => {
        mod elasticmq {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named("LAMBDA_ESM_TEST_ELASTICMQ") {
                    super::$behaviour(server).await;
                }
            })*
        }

        mod ministack {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named("LAMBDA_ESM_TEST_MINISTACK") {
                    super::$behaviour(server).await;
                }
            })*
        }
    };
}

on_each_server![
    keeps_the_contract,
    keeps_the_contract_on_a_fifo_queue,
    describes_the_queue,
    carries_all_attributes,
    overrides_the_visibility_timeout,
    knows_a_missing_queue_and_finds_it_once_it_is_there,
    takes_a_queue_url_for_an_arn,
];
