//! AWS Lambda event source mappings outside AWS.
//!
//! An [`Engine`] polls event sources, applies every rule of an event source mapping, and hands each batch
//! to a function through one trait, [`InvokeBackend`](ports::InvokeBackend). Sources are one trait too,
//! [`QueueSource`](ports::QueueSource); bundled ones are switched on by features.
//!
//! | feature | brings |
//! |---|---|
//! | *(none)* | the engine, in-memory queues, closures and simulated functions |
//! | `process` | real Lambda runtimes as local processes |
//! | `http` | functions behind plain HTTP |
//! | `api` | the Lambda API of event source mappings over HTTP |
//! | `store` | mappings and positions in one file |
//! | `contract` | the ports' promises, as tests for an implementation |
//! | `sqs` | the SQS event source |
//! | `lambda-api` | functions behind any Lambda Invoke API |
//! | `cli` (default) | the `lambda-esm` binary, with `process`, `http`, `api` and `store` |
//! | `full` | `cli`, `sqs` and `lambda-api` |
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

pub use lambda_esm_core as core;
pub use lambda_esm_core::mapping;
pub use lambda_esm_core::{decision, fault, lifecycle, pacing, record};
pub use lambda_esm_engine::{
    Clock, Counts, Engine, EngineBuilder, EngineOptions, Event, MappingStatus, Metrics, Started,
    StatusWatch, functions, memory, ports, simulated, store,
};
pub use lambda_esm_filter as filter;

/// What the ports promise, as tests for an implementation (feature `contract`).
#[cfg(feature = "contract")]
pub use lambda_esm_engine::contract;

/// The Lambda API of event source mappings over HTTP (feature `api`).
#[cfg(feature = "api")]
pub use lambda_esm_api as api;

/// A store in one file (feature `store`); for [`EngineBuilder::store`].
#[cfg(feature = "store")]
pub use lambda_esm_store::RedbStore;

/// AWS adapters: the SQS event source (feature `sqs`) and the Lambda Invoke backend (feature
/// `lambda-api`).
#[cfg(feature = "aws")]
pub use lambda_esm_aws as aws;

/// Functions on this machine: processes (feature `process`) and plain HTTP (feature `http`).
#[cfg(any(feature = "process", feature = "http"))]
pub use lambda_esm_runtime as runtime;
