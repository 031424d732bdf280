//! Queues, streams and topics of a scenario.

use std::time::Duration;

use super::{Distribution, Workload};

/// A source of a scenario.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name: the last part of its ARN; of Kafka and Amazon MQ, the topic or queue.
    pub name: String,
    /// Its ARN as mappings name it; of a self-managed cluster of Kafka, its bootstrap servers.
    pub arn: String,
    /// What it is.
    pub kind: SourceKind,
    /// What arrives there.
    pub workload: Workload,
    /// How long a call takes that asks it for records or settles them, in seconds. Brokers of Amazon MQ are not asked.
    pub call_time: Distribution,
}

/// What a source is.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A queue of SQS.
    Sqs {
        /// Whether messages have groups: the workload's keys.
        fifo: bool,
        /// How long a received message stays hidden.
        visibility_timeout: Duration,
        /// After so many receives a message moves to the dead-letter queue; `None` without one.
        max_receive_count: Option<u32>,
    },
    /// A stream of Kinesis.
    Kinesis {
        /// Shards at the beginning.
        shards: usize,
        /// How long records stay.
        retention: Duration,
    },
    /// The stream of a table of DynamoDB.
    DynamoDb {
        /// Shards at the beginning.
        shards: usize,
    },
    /// A topic of Kafka, MSK or self-managed.
    Kafka {
        /// Its partitions.
        partitions: usize,
    },
    /// A queue of RabbitMQ.
    RabbitMq {
        /// Its virtual host.
        virtual_host: String,
    },
    /// A queue of ActiveMQ.
    ActiveMq,
    /// The change stream of a database of DocumentDB.
    DocumentDb,
}
