//! Where it is written: pages of the Lambda developer guide, by title.

pub(super) const SQS: &str = "Lambda developer guide, Using Lambda with Amazon SQS";
pub(super) const SQS_CONFIGURE: &str =
    "Lambda developer guide, Creating and configuring an Amazon SQS event source mapping";
pub(super) const SQS_SCALING: &str =
    "Lambda developer guide, Configuring scaling behavior for SQS event source mappings";
pub(super) const SQS_ERRORS: &str =
    "Lambda developer guide, Handling errors for an SQS event source in Lambda";
pub(super) const SQS_FILTERS: &str =
    "Lambda developer guide, Using event filtering with an Amazon SQS event source";
pub(super) const BATCHING: &str = "Lambda developer guide, How Lambda processes records from stream and queue-based event sources";
pub(super) const FILTERS: &str =
    "Lambda developer guide, Control which events Lambda sends to your function";
pub(super) const KINESIS_CREATE: &str =
    "Lambda developer guide, Process Amazon Kinesis Data Streams records with Lambda";
pub(super) const KINESIS_ERRORS: &str = "Lambda developer guide, Retain discarded batch records for a Kinesis Data Streams event source in Lambda";
pub(super) const KINESIS_WINDOWS: &str =
    "Lambda developer guide, Implementing stateful Kinesis Data Streams processing in Lambda";
pub(super) const DYNAMODB: &str = "Lambda developer guide, Using AWS Lambda with Amazon DynamoDB";
pub(super) const DYNAMODB_ERRORS: &str =
    "Lambda developer guide, Retain discarded records for a DynamoDB event source in Lambda";
pub(super) const DYNAMODB_WINDOWS: &str =
    "Lambda developer guide, Implementing stateful DynamoDB stream processing in Lambda";
pub(super) const KAFKA_START: &str =
    "Lambda developer guide, Apache Kafka polling and stream starting positions in Lambda";
pub(super) const KAFKA_SCALING: &str =
    "Lambda developer guide, Apache Kafka event poller scaling modes in Lambda";
pub(super) const KAFKA_ERRORS: &str =
    "Lambda developer guide, Configuring error handling controls for Kafka event sources";
pub(super) const SHARE_GROUP: &str = "Kafka documentation, Group Configs, share.auto.offset.reset";
pub(super) const DOCUMENTDB: &str = "Lambda developer guide, Using Lambda with Amazon DocumentDB";
pub(super) const MQ: &str = "Lambda developer guide, Using Lambda with Amazon MQ";
