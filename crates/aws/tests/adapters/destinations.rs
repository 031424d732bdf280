//! On-failure destinations against a real server, where one is named, and one that fails.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use lambda_esm_aws::{AwsConfig, AwsDestinations};
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::mapping::{Arn, AwsDestination};
use lambda_esm_engine::contract::destination_contract;
use lambda_esm_engine::ports::{DestinationProvider, FailureDestination, FailureRecord};
use tokio::sync::Mutex;

use crate::fake::{Fake, Reply, reply};

const MINISTACK: &str = "LAMBDA_ESM_TEST_MINISTACK";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:dead";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:dead";
const BUCKET: &str = "arn:aws:s3:::dead";

/// A server with clients for it.
struct Server {
    url: String,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    s3: aws_sdk_s3::Client,
}

impl Server {
    /// Returns the server that an environment variable names.
    fn named(variable: &str) -> Option<Self> {
        let Ok(url) = std::env::var(variable) else {
            println!("skipped: {variable} names no server");
            return None;
        };
        macro_rules! client {
            ($sdk:ident) => {{
                let config = $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new("us-east-1"))
                    .endpoint_url(&url)
                    .credentials_provider(Credentials::new("test", "test", None, None, "test"));
                config
            }};
        }
        Some(Self {
            sqs: aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs).build()),
            sns: aws_sdk_sns::Client::from_conf(client!(aws_sdk_sns).build()),
            s3: aws_sdk_s3::Client::from_conf(client!(aws_sdk_s3).force_path_style(true).build()),
            url,
        })
    }

    fn name(what: &str) -> String {
        format!("aws-{}-{what}", std::process::id())
    }

    async fn queue(&self, what: &str) -> Queue {
        let create = self.sqs.create_queue().queue_name(Self::name(what));
        let url = create.send().await.unwrap().queue_url.unwrap();
        let client = self.sqs.clone();
        Queue { client, url }
    }
}

/// A queue to look into.
struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    /// Returns the bodies of the messages that wait, and deletes them.
    async fn take(&self) -> Vec<String> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive.max_number_of_messages(10).wait_time_seconds(1);
        let mut bodies = Vec::new();
        for message in receive.send().await.unwrap().messages.unwrap_or_default() {
            let delete = self.client.delete_message().queue_url(&self.url);
            let delete = delete.receipt_handle(message.receipt_handle.unwrap());
            delete.send().await.unwrap();
            bodies.push(message.body.unwrap());
        }
        bodies
    }
}

async fn destination(url: &str, arn: &str) -> Result<Arc<dyn FailureDestination>, DeliveryError> {
    let mut config = AwsConfig::default();
    config.endpoints.aws = Some(url.parse().unwrap());
    let arn = Arn::parse(arn).unwrap();
    let named = match arn.service() {
        "sqs" => AwsDestination::Sqs(arn),
        "sns" => AwsDestination::Sns(arn),
        _ => AwsDestination::S3(arn),
    };
    let found = AwsDestinations::new(config).destination(&named).await?;
    Ok(found.unwrap())
}

fn record(body: &str, object_key: &str) -> FailureRecord {
    FailureRecord::new(Bytes::from(body.to_owned())).with_object_key(object_key.to_owned())
}

#[tokio::test]
async fn a_queue_keeps_the_contract() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let queue = server.queue("failures").await;
    let arn = format!(
        "arn:aws:sqs:us-east-1:000000000000:{}",
        Server::name("failures")
    );
    let dead = destination(&server.url, &arn).await.unwrap();
    Box::pin(destination_contract(&*dead, false, async || {
        queue
            .take()
            .await
            .iter()
            .map(|body| record(body, ""))
            .collect()
    }))
    .await;
}

#[tokio::test]
async fn a_topic_keeps_the_contract() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let create = server.sns.create_topic().name(Server::name("failures"));
    let topic = create.send().await.unwrap().topic_arn.unwrap();
    let queue = server.queue("subscription").await;
    let endpoint = format!(
        "arn:aws:sqs:us-east-1:000000000000:{}",
        Server::name("subscription")
    );
    let subscribe = server.sns.subscribe().topic_arn(&topic).protocol("sqs");
    subscribe.endpoint(endpoint).send().await.unwrap();
    let dead = destination(&server.url, &topic).await.unwrap();
    Box::pin(destination_contract(&*dead, false, async || {
        let notifications = queue.take().await;
        let message = |text: &String| {
            let notification: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(notification["Type"], "Notification");
            assert_eq!(notification["TopicArn"], *topic);
            assert_eq!(notification.get("Subject"), None);
            assert_eq!(notification.get("MessageAttributes"), None);
            record(notification["Message"].as_str().unwrap(), "")
        };
        notifications.iter().map(message).collect()
    }))
    .await;
}

#[tokio::test]
async fn a_bucket_keeps_the_contract() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let bucket = Server::name("failures");
    server
        .s3
        .create_bucket()
        .bucket(&bucket)
        .send()
        .await
        .unwrap();
    let dead = destination(&server.url, &format!("arn:aws:s3:::{bucket}"))
        .await
        .unwrap();
    let seen = Mutex::new(Vec::new());
    Box::pin(destination_contract(&*dead, true, async || {
        let mut records = Vec::new();
        let list = server
            .s3
            .list_objects_v2()
            .bucket(&bucket)
            .send()
            .await
            .unwrap();
        for object in list.contents.unwrap_or_default() {
            let key = object.key.unwrap();
            let get = server
                .s3
                .get_object()
                .bucket(&bucket)
                .key(&key)
                .send()
                .await
                .unwrap();
            assert_eq!(get.content_type.as_deref(), Some("application/json"));
            let body = get.body.collect().await.unwrap().into_bytes();
            records.push(FailureRecord::new(body).with_object_key(key));
        }
        let mut seen = seen.lock().await;
        let new = records.iter().filter(|record| !seen.contains(*record));
        let new: Vec<_> = new.cloned().collect();
        seen.clone_from(&records);
        new
    }))
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_way_out() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    for (arn, what) in [(QUEUE, "queue"), (TOPIC, "topic"), (BUCKET, "bucket")] {
        let arn = format!("{arn}-{}", Server::name("missing"));
        let dead = destination(&server.url, &arn).await.unwrap();
        let error = dead.deliver(record("{}", "key")).await.unwrap_err().message;
        let name = format!("dead-{}", Server::name("missing"));
        let way_out = format!("create the {what}, or correct");
        for part in [
            &name,
            &way_out,
            &server.url,
            "DestinationConfig.OnFailure.Destination",
        ] {
            assert!(error.contains(part), "{part} not in: {error}");
        }
    }
}

#[tokio::test]
async fn a_record_goes_out_byte_for_byte_in_one_request() {
    const DOCUMENT: &str = "{\"text\":\"ä€😀 <&>\\\\\"}";
    let found = reply(
        200,
        &[],
        r#"{"QueueUrl":"http://elsewhere.invalid/000000000000/dead"}"#,
    );
    let queue = Fake::start([found, reply(200, &[], r#"{"MessageId":"m"}"#)]).await;
    let dead = destination(&queue.url, QUEUE).await.unwrap();
    dead.deliver(record(DOCUMENT, "")).await.unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&queue.seen()[1].body).unwrap();
    assert_eq!(sent["MessageBody"], DOCUMENT);
    dead.deliver(record(DOCUMENT, "")).await.unwrap();
    assert_eq!(queue.seen().len(), 3, "the queue URL is asked for once");

    let bucket = Fake::start([reply(200, &[], "")]).await;
    let dead = destination(&bucket.url, BUCKET).await.unwrap();
    let key = "aws/lambda/3f2c/shardId-000/2026/11/22/2026-11-22T10.00.00-a1b2";
    dead.deliver(record(DOCUMENT, key)).await.unwrap();
    let [put] = bucket.seen().try_into().unwrap();
    assert!(
        put.line.starts_with(&format!("PUT /dead/{key}?")),
        "{}",
        put.line
    );
    assert_eq!(put.body, DOCUMENT.as_bytes());
}

/// Answers each kind of destination with `reply`, after the queue was found; returns what they say.
async fn failures(reply: impl Fn(&str) -> Reply) -> [(String, String); 3] {
    let found = crate::fake::reply(200, &[], r#"{"QueueUrl":"http://x/000000000000/dead"}"#);
    let mut failures = Vec::new();
    for (arn, service) in [(QUEUE, "sqs"), (TOPIC, "sns"), (BUCKET, "s3")] {
        let first = (service == "sqs").then(|| found.clone());
        let fake = Fake::start(first.into_iter().chain([reply(service)])).await;
        let dead = destination(&fake.url, arn).await.unwrap();
        let error = dead.deliver(record("{}", "key")).await.unwrap_err();
        let attempts = fake.seen().len() - usize::from(service == "sqs");
        assert_eq!(attempts, 1, "an adapter makes one attempt");
        assert!(error.message.contains(&fake.url), "{error}");
        failures.push((service.to_owned(), error.message));
    }
    failures.try_into().unwrap()
}

/// Returns a refusal in the words of a service's protocol.
fn refused(service: &str, code: &str, text: &str) -> Reply {
    let body = match service {
        "sqs" => format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"{text}"}}"#),
        "sns" => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>\
             <RequestId>r</RequestId></ErrorResponse>"
        ),
        _ => format!("<Error><Code>{code}</Code><Message>{text}</Message></Error>"),
    };
    reply(403, &[], body)
}

#[tokio::test]
async fn a_refusal_names_what_to_allow_and_no_secret() {
    let told = failures(|service| {
        let text = "no.\n\nx-amz-security-token:hunter2";
        let text = if service == "sqs" {
            text.replace('\n', "\\n")
        } else {
            text.to_owned()
        };
        refused(service, "AccessDenied", &text)
    })
    .await;
    for ((_, error), permission) in
        told.iter()
            .zip(["sqs:SendMessage", "sns:Publish", "s3:PutObject"])
    {
        assert!(error.contains("AccessDenied: no."), "{error}");
        assert!(
            error.contains(&format!("that they allow {permission}")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_or_hangs_up_fails_the_delivery() {
    for reply in [reply(503, &[], "<html>busy</html>"), Reply::Hangup] {
        for (service, error) in failures(|_| reply.clone()).await {
            let service = service.to_ascii_uppercase();
            assert!(
                error.contains(&format!("{service} at http://127.0.0.1")),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    for (arn, seconds) in [(TOPIC, 10), (BUCKET, 30)] {
        let fake = Fake::start([Reply::Silence]).await;
        let dead = destination(&fake.url, arn).await.unwrap();
        let call = dead.deliver(record("{}", "key"));
        tokio::pin!(call);
        // The request is on its way before the clock is stopped, for stopped time flies while I/O waits.
        while fake.seen().is_empty() {
            tokio::select! {
                biased;
                result = &mut call => panic!("{result:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        tokio::time::pause();
        let start = tokio::time::Instant::now();
        let error = call.await.unwrap_err();
        assert!(
            error.message.contains(&format!("within {seconds} s")),
            "{error}"
        );
        assert!(start.elapsed() < Duration::from_secs(seconds + 1));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn what_cannot_be_a_destination_is_refused_in_words() {
    for (arn, words) in [
        (
            "arn:aws:sqs:us-east-1:000000000000:dead.fifo",
            "is a FIFO queue",
        ),
        (
            "arn:aws:sns:us-east-1:000000000000:dead.fifo",
            "is a FIFO topic",
        ),
        (
            "arn:aws:sqs::000000000000:dead",
            "must have the form arn:aws:sqs:",
        ),
        (
            "arn:aws:sns::000000000000:dead",
            "must have the form arn:aws:sns:",
        ),
        (
            "arn:aws:sns:us-east-1:000000000000:dead:9d",
            "must have the form arn:aws:sns:",
        ),
        (
            "arn:aws:s3:::dead/letters",
            "must have the form arn:aws:s3:::",
        ),
    ] {
        let Err(error) = destination("http://127.0.0.1:1", arn).await else {
            panic!("{arn} was taken")
        };
        assert!(
            error.message.contains(words) && error.message.contains(arn),
            "{error}"
        );
    }
    let dead = destination("http://127.0.0.1:1", BUCKET).await.unwrap();
    let error = dead.deliver(record("{}", "")).await.unwrap_err();
    assert!(error.message.contains("no object key"), "{error}");
}
