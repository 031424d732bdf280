//! Topics and queues of brokers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{Context, Mapping, MqEngine};
use lambda_esm_core::record::RabbitMqMessage;
use lambda_esm_engine::memory::{
    MemoryPushQueue, MemoryPushQueueOptions, MemoryQueue, MemoryQueueOptions, MemoryTopic,
    MemoryTopicOptions, NewRecord,
};
use lambda_esm_engine::ports::{PushQueueSource, QueueSource, SourceProvider, TopicSource};
use lambda_esm_engine::{Clock, EngineOptions};
use lambda_esm_lab::recording::{RecordedKind, RecordingOptions, Recordings};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{QUEUE, Source, clock, world};

fn topic_mapping() -> Value {
    json!({
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["broker:9092"]}},
        "SourceAccessConfigurations": [{
            "Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"
        }],
        "Topics": ["clicks"], "StartingPosition": "TRIM_HORIZON"
    })
}

fn broker_mapping() -> Value {
    json!({
        "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:jobs:b-1", "Queues": ["jobs"],
        "SourceAccessConfigurations": [{
            "Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"
        }]
    })
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_recorded_once_with_partitions_and_keys() {
    let clock = clock();
    let options = MemoryTopicOptions::default().with_partitions(2);
    let topic = MemoryTopic::new(clock, "clicks", options);
    let world = world(
        clock,
        Source::Topic(topic.clone()),
        RecordingOptions::new(7),
        3,
    );
    world.create(topic_mapping()).await;
    for number in 0..6_i32 {
        sleep(Duration::from_millis(250)).await;
        let record = NewRecord::new(format!("value {number}"));
        let key = (number > 0).then(|| vec![b'k', b'0' + u8::try_from(number).unwrap()].into());
        let record = record.with_key(key).with_partition(Some(number % 2));
        topic.put(record).unwrap();
    }
    world.recorded(6).await;
    let recorded = world.recording.read();
    assert_eq!(recorded.header.kind, RecordedKind::Kafka);
    assert_eq!(recorded.header.source, "broker:9092");
    assert_eq!(recorded.header.name.as_deref(), Some("clicks"));
    let found: Vec<_> = recorded
        .arrivals
        .iter()
        .map(|arrival| {
            (
                arrival.after.as_millis(),
                arrival.key.as_deref(),
                arrival.payload.as_deref(),
            )
        })
        .collect();
    assert_eq!(found[0], (250, None, Some(&b"value 0"[..])));
    assert_eq!(found[5], (1_500, Some("k5"), Some(&b"value 5"[..])));
    let lines = world.recording.lines();
    let last = lines
        .iter()
        .find(|line| line["key"] == json!("k5"))
        .unwrap();
    assert_eq!(
        (&last["shard"], &last["record"]["partition"]),
        (&json!("1"), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_a_broker_is_recorded_without_its_redeliveries() {
    let clock = clock();
    let queue = MemoryPushQueue::new(clock, "jobs", MemoryPushQueueOptions::default());
    let world = world(
        clock,
        Source::PushQueue(queue.clone()),
        RecordingOptions::new(7),
        2,
    );
    world.create(broker_mapping()).await;
    for body in ["one", "two"] {
        queue.publish(RabbitMqMessage::new(body)).unwrap();
    }
    // While the function fails the session is lost, and both are delivered again.
    sleep(Duration::from_millis(600)).await;
    queue.break_connections();
    world.recorded(2).await;
    assert_eq!((queue.ready(), queue.unsettled()), (0, 0));
    let recorded = world.recording.read();
    assert_eq!(recorded.header.kind, RecordedKind::RabbitMq);
    let payloads: Vec<_> = recorded
        .arrivals
        .iter()
        .map(|arrival| arrival.payload.as_deref())
        .collect();
    assert_eq!(payloads, [Some(&b"one"[..]), Some(b"two")]);
}

/// Finds these sources, whatever the mapping.
struct All {
    queue: MemoryQueue,
    topic: MemoryTopic,
    push_queue: MemoryPushQueue,
}

#[async_trait]
impl SourceProvider for All {
    async fn queue(&self, _: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        Ok(Some(Arc::new(self.queue.clone())))
    }

    async fn topic(&self, _: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        Ok(Some(Arc::new(self.topic.clone())))
    }

    async fn push_queue(
        &self,
        _: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        Ok(Some(Arc::new(self.push_queue.clone())))
    }
}

fn mapping(mut members: Value) -> Mapping {
    members["FunctionName"] = json!("f");
    let context = Context {
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        uuid: Uuid::nil(),
        now: Timestamp(0),
        filter_limits: Default::default(),
        dialect: Default::default(),
    };
    Mapping::create(serde_json::from_value(members).unwrap(), &context).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_a_source_says_of_itself_is_passed_on() {
    let clock: Clock = clock();
    let options = MemoryPushQueueOptions::default().with_engine(MqEngine::ActiveMq);
    let all = All {
        queue: MemoryQueue::new(clock, MemoryQueueOptions::default()),
        topic: MemoryTopic::new(clock, "clicks", MemoryTopicOptions::default()),
        push_queue: MemoryPushQueue::new(clock, "jobs", options),
    };
    let (servers, safe) = (
        all.topic.bootstrap_servers(),
        all.queue.receive_is_cancel_safe(),
    );
    let has_destination = all.topic.destination("dead").await.is_ok();
    let open: Arc<lambda_esm_lab::recording::OpenSink> = Arc::new(|_| None);
    let recordings = Recordings::new(
        clock,
        EngineOptions::default(),
        RecordingOptions::new(7),
        open,
    );
    let provider = Arc::new(recordings).of(Arc::new(all));
    let queue = provider
        .queue(&mapping(json!({"EventSourceArn": QUEUE})))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(queue.receive_is_cancel_safe(), safe);
    let topic = provider
        .topic(&mapping(topic_mapping()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(topic.bootstrap_servers(), servers);
    assert_eq!(topic.destination("dead").await.is_ok(), has_destination);
    let broker = provider
        .push_queue(&mapping(broker_mapping()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(broker.engine(), MqEngine::ActiveMq);
    let stream = json!({
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "StartingPosition": "LATEST"
    });
    assert!(provider.stream(&mapping(stream)).await.unwrap().is_none());
}
