//! The event source mapping: parsed once at the edge, then impossible to get wrong.
//!
//! [`CreateEventSourceMapping`] is the request as the wire has it, every member optional.
//! [`Mapping`] is what it becomes when it is legal: a queue mapping has no shard to be wrong about,
//! a setting of provisioned mode exists only in provisioned mode. On the way lie, in this order,
//!
//! 1. the shape of each member alone (`validate::shape`): ranges, lengths, patterns, enumerations;
//! 2. the table of parameter and source kind (`validate::table`), whose row order is the order in
//!    which AWS's checks win;
//! 3. the filter patterns.
//!
//! What needs facts from outside (does the function exist, the queue's visibility timeout, the
//! broker's engine, another mapping of the same source) is in [`outside`], as pure functions of
//! those facts.

pub mod arn;
pub mod configuration;
pub mod draft;
pub mod error;
pub mod explain;
pub mod filters;
pub mod function;
pub mod model;
pub mod outside;
pub mod partition;
pub mod request;
pub mod shapes;
pub mod tags;
pub mod wire;

mod build;
mod echo;
mod update;
mod validate;

pub use arn::{Arn, MqEngine, SourceKind};
pub use configuration::EventSourceMappingConfiguration;
pub use draft::Draft;
pub use error::{ApiError, ErrorCode};
pub use filters::FilterSet;
pub use function::FunctionRef;
pub use model::{
    Access, AwsDestination, Context, DocumentDbMapping, DynamoDbMapping, KafkaCluster,
    KafkaDestination, KafkaMapping, KafkaMode, KinesisMapping, Lanes, Mapping, MqMapping, Pollers,
    ProvisionedKafka, RetryPolicy, Source, SqsConcurrency, SqsMapping, StartingPosition,
    StreamSettings, StreamStart,
};
pub use outside::{check_broker_engine, check_function_timeout, duplicate_error};
pub use partition::Partition;
pub use request::{CreateEventSourceMapping, UpdateEventSourceMapping};
pub use tags::{MOST_TAGS, check_tags};
pub use wire::{AccessKind, FullDocument, LogLevel, Metric};
