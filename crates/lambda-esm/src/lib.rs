//! AWS Lambda event source mappings outside AWS.
//!
//! An [`Engine`] polls event sources, applies every rule of an event source mapping, and hands each batch
//! to a function through one trait, [`InvokeBackend`](ports::InvokeBackend). Sources are three traits,
//! [`QueueSource`](ports::QueueSource), [`StreamSource`](ports::StreamSource) and [`TopicSource`](ports::TopicSource),
//! and what is told of discarded batches is another, [`FailureDestination`](ports::FailureDestination); bundled ones are
//! switched on by features.
//!
//! | feature | brings |
//! |---|---|
//! | *(none)* | the engine, queues, streams, topics and destinations in memory, closures and simulated functions |
//! | `process` | real Lambda runtimes as local processes |
//! | `http` | functions behind plain HTTP |
//! | `api` | the Lambda API of event source mappings over HTTP |
//! | `store` | mappings and checkpoints in one file |
//! | `contract` | the ports' promises, as tests for an implementation |
//! | `sqs` | SQS as an event source and as an on-failure destination |
//! | `kinesis` | Kinesis as an event source, shared throughput and enhanced fan-out |
//! | `dynamodb` | DynamoDB Streams as an event source |
//! | `kafka` | Amazon MSK and self-managed Kafka as an event source and an on-failure destination, with schema registries |
//! | `rabbitmq`, `activemq` | queues of RabbitMQ and ActiveMQ, the brokers of Amazon MQ, as event sources |
//! | `documentdb` | change streams of DocumentDB and MongoDB as an event source |
//! | `sns`, `s3` | SNS and S3 as on-failure destinations |
//! | `lambda-api` | functions behind any Lambda Invoke API |
//! | `cli` (default) | the `lambda-esm` binary, with `process`, `http`, `api` and `store` |
//! | `full` | `cli` and all sources and destinations: `sqs`, `kinesis`, `dynamodb`, `kafka`, `rabbitmq`, `activemq`, `documentdb`, `sns`, `s3`, `lambda-api` |
//!
//! Authors of emulators begin with [`embedding`].
//!
//! # An engine with a queue of its own
//!
//! ```
//! use bytes::Bytes;
//! use lambda_esm::functions::Closure;
//! use lambda_esm::mapping::CreateEventSourceMapping;
//! use lambda_esm::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
//! use lambda_esm::{Clock, Engine};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (seen, mut events) = tokio::sync::mpsc::unbounded_channel();
//! let clock = Clock::system();
//! let my_queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
//! let my_backend = Closure::new(move |request: lambda_esm::ports::InvokeRequest| {
//!     let seen = seen.clone();
//!     async move {
//!         drop(seen.send(request.payload));
//!         Ok(Bytes::from_static(b"null"))
//!     }
//! });
//!
//! let engine = Engine::builder()
//!     .clock(clock)
//!     .source("orders", my_queue.clone())   // impl QueueSource, or a bundled source
//!     .invoke(my_backend)                   // impl InvokeBackend
//!     .build();
//! let mapping = engine
//!     .create(CreateEventSourceMapping {
//!         event_source_arn: Some("arn:aws:sqs:us-east-1:000000000000:orders".to_owned()),
//!         function_name: Some("handle-orders".to_owned()),
//!         ..CreateEventSourceMapping::default()
//!     })
//!     .await?;
//! assert_eq!(mapping.batch_size, Some(10));
//!
//! my_queue.send(SendMessage::new(r#"{"total": 12}"#))?;
//! let event = events.recv().await.ok_or("the engine is gone")?;
//! assert!(event.starts_with(br#"{"Records":[{"messageId":"#));
//! engine.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # A stream, and what is given up of it
//!
//! A record that the function cannot process is split off its batch, and told to the on-failure
//! destination; the stream goes on behind it.
//!
//! ```
//! use bytes::Bytes;
//! use lambda_esm::fault::InvokeError;
//! use lambda_esm::functions::Closure;
//! use lambda_esm::mapping::CreateEventSourceMapping;
//! use lambda_esm::memory::{MemoryDestination, MemoryStream, MemoryStreamOptions};
//! use lambda_esm::ports::InvokeRequest;
//! use lambda_esm::{Clock, Engine};
//! use serde_json::{Value, json};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::system();
//! let clicks = MemoryStream::new(clock, MemoryStreamOptions::kinesis().with_shards(2));
//! let dead = MemoryDestination::default();
//! let engine = Engine::builder()
//!     .clock(clock)
//!     .stream("clicks", clicks.clone())     // impl StreamSource, or a bundled source
//!     .destination("dead", dead.clone())    // impl FailureDestination, or a bundled one
//!     .invoke(Closure::new(|request: InvokeRequest| async move {
//!         let event: Value = serde_json::from_slice(&request.payload)
//!             .map_err(|error| InvokeError::function(error.to_string()))?;
//!         let mut records = event["Records"].as_array().into_iter().flatten();
//!         if records.any(|record| record["kinesis"]["partitionKey"] == "poison") {
//!             return Err(InvokeError::function("cannot process this"));
//!         }
//!         Ok(Bytes::from_static(b"null"))
//!     }))
//!     .build();
//! let mapping: CreateEventSourceMapping = serde_json::from_value(json!({
//!     "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
//!     "FunctionName": "count-clicks",
//!     "StartingPosition": "TRIM_HORIZON",
//!     "BisectBatchOnFunctionError": true,
//!     "MaximumRetryAttempts": 0,
//!     "DestinationConfig": {
//!         "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:dead" }
//!     },
//! }))?;
//! engine.create(mapping).await?;
//!
//! for key in ["a", "b", "poison", "c"] {
//!     clicks.put(key, "{}")?;
//! }
//! while dead.delivered() == 0 {
//!     tokio::time::sleep(std::time::Duration::from_millis(10)).await;
//! }
//! let told: Value = serde_json::from_slice(&dead.records()[0].body)?;
//! assert_eq!(told["KinesisBatchInfo"]["batchSize"], 1);
//! engine.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use lambda_esm_core::Timestamp;
#[doc(inline)]
pub use lambda_esm_core::activity::Activity;
#[doc(inline)]
pub use lambda_esm_core::event::EventDetail;
#[doc(inline)]
pub use lambda_esm_core::pacing::Pacing;
#[doc(inline)]
pub use lambda_esm_core::queue::ShareGroupRetries;
#[doc(inline)]
pub use lambda_esm_core::{fault, record};
#[doc(inline)]
pub use lambda_esm_engine::{
    Clock, Counts, Engine, EngineBuilder, EngineOptions, Event, Events, Heard, MappingStatus,
    Metrics, StartError, Started, StatusWatch, aws_identity, functions, memory, ports, secrets,
    simulated, store,
};
#[doc(inline)]
pub use lambda_esm_filter as filter;
// What the ports' signatures are made of.
#[doc(no_inline)]
pub use {async_trait, bytes, uuid};

/// Event source mappings: the requests and answers of the Lambda API, and what a valid one becomes.
pub mod mapping {
    pub use lambda_esm_core::mapping::{
        Access, AccessKind, AmazonManagedKafkaEventSourceConfig, ApiError, Arn, AwsDestination,
        ConsumptionMode, Context, CreateEventSourceMapping, DestinationConfig,
        DocumentDbEventSourceConfig, DocumentDbMapping, DynamoDbMapping, ErrorCode,
        EventSourceMappingConfiguration, Filter, FilterCriteria, FilterCriteriaError, FilterSet,
        FullDocument, FunctionRef, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode,
        KinesisMapping, Lanes, LogLevel, LoggingConfig, MOST_TAGS, Mapping, Metric, MetricsConfig,
        MqEngine, MqMapping, OnEvent, Partition, Pollers, ProvisionedKafka,
        ProvisionedPollerConfig, RetryPolicy, ScalingConfig, SchemaRegistryAccessConfig,
        SchemaRegistryConfig, SchemaValidationConfig, SelfManagedEventSource,
        SelfManagedKafkaEventSourceConfig, Source, SourceAccessConfiguration, SourceKind,
        SqsConcurrency, SqsMapping, StartingPosition, StreamSettings, StreamStart,
        UncompiledMapping, UpdateEventSourceMapping,
    };
}

/// Where a member of a consumer group begins, for topics of one's own.
pub mod topic {
    pub use lambda_esm_core::topic::{Beginning, beginning};
}

/// What mappings decide, and why.
pub mod decision {
    pub use lambda_esm_core::batching::CloseReason;
    pub use lambda_esm_core::decision::{AfterFailure, BatchId, Decision};
    pub use lambda_esm_core::on_failure_record::Condition;
}

/// The states of a mapping, and what its last batch came to.
pub mod lifecycle {
    pub use lambda_esm_core::lifecycle::{LastProcessingResult, State};
}

#[doc = include_str!("../EMBEDDING.md")]
pub mod embedding {}

/// Feature `contract`.
///
#[cfg(feature = "contract")]
#[doc(inline)]
pub use lambda_esm_engine::contract;

/// The Lambda API of event source mappings over HTTP (feature `api`).
#[cfg(feature = "api")]
#[doc(inline)]
pub use lambda_esm_api as api;

/// A store in one file (feature `store`); for [`EngineBuilder::store`].
#[cfg(feature = "store")]
#[doc(inline)]
pub use lambda_esm_store::RedbStore;

/// Kafka topics, of Amazon MSK and of self-managed clusters (feature `kafka`).
#[cfg(feature = "kafka")]
#[doc(inline)]
pub use lambda_esm_kafka as kafka;

/// Records decoded by the schemas of a registry (feature `kafka`).
#[cfg(feature = "kafka")]
#[doc(inline)]
pub use lambda_esm_schema_registry as schema_registry;

/// Queues of RabbitMQ (feature `rabbitmq`).
#[cfg(feature = "rabbitmq")]
#[doc(inline)]
pub use lambda_esm_rabbitmq as rabbitmq;

/// Queues of ActiveMQ (feature `activemq`).
#[cfg(feature = "activemq")]
#[doc(inline)]
pub use lambda_esm_activemq as activemq;

/// Change streams of DocumentDB and MongoDB (feature `documentdb`).
#[cfg(feature = "documentdb")]
#[doc(inline)]
pub use lambda_esm_documentdb as documentdb;

/// AWS adapters: event sources (features `sqs`, `kinesis`, `dynamodb`), on-failure destinations (`sqs`,
/// `sns`, `s3`), the Lambda Invoke backend (`lambda-api`), and what Kafka asks of AWS (`kafka`).
#[cfg(feature = "aws")]
#[doc(inline)]
pub use lambda_esm_aws as aws;

/// Functions on this machine: processes (feature `process`) and plain HTTP (feature `http`).
#[cfg(any(feature = "process", feature = "http"))]
#[doc(inline)]
pub use lambda_esm_runtime as runtime;

/// The library example of the README, which must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
