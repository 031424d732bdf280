//! On-failure destinations of one test's own, and what arrives there.

use std::sync::Mutex;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::queue::{Queue, QueueOptions};
use crate::servers::{Sqs, ministack};
use crate::wait::until;

/// Makes destinations at ministack.
#[derive(Clone, Debug)]
pub struct Office {
    sqs: Sqs,
    sns: aws_sdk_sns::Client,
    s3: aws_sdk_s3::Client,
}

impl Office {
    /// Returns the destinations of ministack, or says that the test is skipped.
    #[must_use]
    pub fn find() -> Option<Self> {
        let endpoint = ministack()?;
        let credentials = Credentials::new("test", "test", None, None, "test");
        let region = Region::new("us-east-1");
        let sns = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .endpoint_url(&endpoint)
            .credentials_provider(credentials.clone())
            .build();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .endpoint_url(&endpoint)
            .credentials_provider(credentials)
            .force_path_style(true)
            .build();
        Some(Self {
            sqs: Sqs::at(&endpoint),
            sns: aws_sdk_sns::Client::from_conf(sns),
            s3: aws_sdk_s3::Client::from_conf(s3),
        })
    }

    /// Creates a queue.
    pub async fn queue(&self) -> Mailbox {
        let queue = self.sqs.queue("failed", QueueOptions::default()).await;
        Mailbox::new(queue.arn(), Place::Queue(queue))
    }

    /// Creates a topic, and a queue that subscribes to it.
    pub async fn topic(&self) -> Mailbox {
        let queue = self.sqs.queue("notified", QueueOptions::default()).await;
        let name = format!("failed-{}", Uuid::new_v4().simple());
        let topic = self.sns.create_topic().name(name).send().await.unwrap();
        let arn = topic.topic_arn.unwrap();
        let subscribe = self.sns.subscribe().topic_arn(&arn).protocol("sqs");
        let subscribe = subscribe.endpoint(queue.arn());
        subscribe.send().await.unwrap();
        Mailbox::new(arn, Place::Topic(queue))
    }

    /// Creates a bucket.
    pub async fn bucket(&self) -> Mailbox {
        let bucket = format!("failed-{}", Uuid::new_v4().simple());
        let create = self.s3.create_bucket().bucket(&bucket);
        create.send().await.unwrap();
        let arn = format!("arn:aws:s3:::{bucket}");
        let client = self.s3.clone();
        Mailbox::new(arn, Place::Bucket { client, bucket })
    }

    /// Creates one of each.
    pub async fn each(&self) -> [Mailbox; 3] {
        [self.queue().await, self.topic().await, self.bucket().await]
    }
}

#[derive(Debug)]
enum Place {
    Queue(Queue),
    Topic(Queue),
    Bucket {
        client: aws_sdk_s3::Client,
        bucket: String,
    },
}

/// One destination.
#[derive(Debug)]
pub struct Mailbox {
    /// Its ARN.
    pub arn: String,
    place: Place,
    letters: Mutex<Vec<Letter>>,
}

/// What arrived at a destination.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The document.
    pub body: String,
    /// The key, of an object.
    pub key: Option<String>,
}

impl Mailbox {
    fn new(arn: String, place: Place) -> Self {
        Self {
            arn,
            place,
            letters: Mutex::default(),
        }
    }

    /// Returns the members of a mapping that tells it of discarded records.
    #[must_use]
    pub fn config(&self) -> Value {
        json!({ "OnFailure": { "Destination": self.arn } })
    }

    /// Tells whether it is a bucket, whose documents hold the event.
    #[must_use]
    pub fn is_bucket(&self) -> bool {
        matches!(self.place, Place::Bucket { .. })
    }

    /// Returns what has arrived so far.
    pub async fn letters(&self) -> Vec<Letter> {
        let came: Vec<Letter> = match &self.place {
            Place::Queue(queue) => queue.bodies().await.into_iter().map(letter).collect(),
            Place::Topic(queue) => queue
                .bodies()
                .await
                .iter()
                .map(|body| notified(body))
                .collect(),
            Place::Bucket { client, bucket } => return objects(client, bucket).await,
        };
        let mut letters = self.letters.lock().unwrap();
        letters.extend(came);
        letters.clone()
    }

    /// Waits until so many have arrived, and returns them.
    pub async fn until(&self, count: usize) -> Vec<Letter> {
        until(&format!("{count} documents at {}", self.arn), async || {
            let letters = self.letters().await;
            (letters.len() >= count).then_some(letters)
        })
        .await
    }
}

fn letter(body: String) -> Letter {
    Letter { body, key: None }
}

/// Takes a notification of a topic apart (SNS developer guide, "HTTP/HTTPS notification JSON format").
/// Recorded: without subject and attributes.
fn notified(body: &str) -> Letter {
    let envelope: Value = serde_json::from_str(body).unwrap();
    assert_eq!(envelope["Type"], "Notification", "{envelope}");
    for absent in ["Subject", "MessageAttributes"] {
        let none = envelope
            .get(absent)
            .is_none_or(|value| value == &json!({}) || value.is_null());
        assert!(none, "{absent}: {envelope}");
    }
    letter(envelope["Message"].as_str().unwrap().to_owned())
}

async fn objects(client: &aws_sdk_s3::Client, bucket: &str) -> Vec<Letter> {
    let list = client.list_objects_v2().bucket(bucket).send();
    let mut letters = Vec::new();
    for object in list.await.unwrap().contents.unwrap_or_default() {
        let key = object.key.unwrap();
        let get = client.get_object().bucket(bucket).key(&key).send();
        let body = get.await.unwrap().body.collect().await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let key = Some(key);
        letters.push(Letter { body, key });
    }
    letters
}
