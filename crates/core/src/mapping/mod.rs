//! The event source mapping: parsed once at the edge, then impossible to get wrong.
//!
//! [`CreateEventSourceMapping`] is the request as the wire has it, every member optional.
//! [`Mapping`] is what it becomes when it is legal: a queue mapping has no shard to be wrong about,
//! a setting of provisioned mode exists only in provisioned mode. On the way lie, in this order,
//!
//! 1. each member alone (`validate::members`): ranges, lengths, patterns, enumerations;
//! 2. the table of parameter and source kind (`validate::table`), whose row order is the order in
//!    which AWS's checks win;
//! 3. the filter patterns.
//!
//! What needs facts from outside is in functions of those facts: the function's timeout against the queue's
//! visibility timeout ([`function_timeout`]), the broker's engine ([`broker_engine`]), another mapping of the
//! same source ([`duplicate`]). Whether the function exists is for the caller. What is legal, and does what hardly
//! anybody wants, is found by [`traps()`].

mod arn;
mod broker_engine;
mod configuration;
mod duplicate;
mod error;
mod explain;
mod filters;
mod function;
mod function_timeout;
mod kafka;
mod model;
mod mq;
mod partition;
mod request;
mod settings;
mod structures;
mod tags;
mod traps;
mod uncompiled;
mod wire;

mod build;
mod echo;
mod update;
mod validate;

pub use arn::{Arn, MqEngine, SourceKind};
pub use broker_engine::check_broker_engine;
pub use configuration::EventSourceMappingConfiguration;
pub use duplicate::duplicate_error;
pub use error::{ApiError, ErrorCode};
pub use filters::FilterSet;
pub use function::FunctionRef;
pub use function_timeout::check_function_timeout;
pub use kafka::{
    Access, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode, ProvisionedKafka,
};
pub use model::{
    Context, DocumentDbMapping, DynamoDbMapping, KinesisMapping, Lanes, Mapping, Source,
    SqsConcurrency, SqsMapping, StreamSettings, StreamStart,
};
pub use mq::MqMapping;
pub use partition::Partition;
pub use request::{CreateEventSourceMapping, UpdateEventSourceMapping};
pub use settings::{AwsDestination, Pollers, RetryPolicy, StartingPosition};
pub use structures::{
    AmazonManagedKafkaEventSourceConfig, DestinationConfig, DocumentDbEventSourceConfig, Filter,
    FilterCriteria, FilterCriteriaError, LoggingConfig, MetricsConfig, OnEvent,
    ProvisionedPollerConfig, ScalingConfig, SchemaRegistryAccessConfig, SchemaRegistryConfig,
    SchemaValidationConfig, SelfManagedEventSource, SelfManagedKafkaEventSourceConfig,
    SourceAccessConfiguration,
};
pub use tags::{MOST_TAGS, TAG_PATTERN, check_tags, is_tag};
pub use traps::{Facts, Redrive, Trap, traps};
pub use uncompiled::UncompiledMapping;
pub use wire::{AccessKind, ConsumptionMode, FullDocument, LogLevel, Metric};
