//! The clients of AWS services: which of them this build has, and what needs which.

use lambda_esm_core::mapping::{AwsDestination, Source};

/// A client that a feature of this crate brings.
#[derive(Clone, Copy)]
pub(super) struct Client {
    /// What it is called in words.
    pub(super) name: &'static str,
    /// The feature that brings it.
    pub(super) feature: &'static str,
    /// What `endpoints` calls the services that it calls, the name that goes first at the beginning.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "a build without AWS clients has no endpoints")
    )]
    services: &'static [&'static str],
    is_built: bool,
}

const SQS: Client = Client {
    name: "SQS",
    feature: "sqs",
    services: &["sqs"],
    is_built: cfg!(feature = "sqs"),
};
const KINESIS: Client = Client {
    name: "Kinesis",
    feature: "kinesis",
    services: &["kinesis"],
    is_built: cfg!(feature = "kinesis"),
};
const DYNAMODB: Client = Client {
    name: "DynamoDB Streams",
    feature: "dynamodb",
    services: &["dynamodbstreams", "dynamodb"],
    is_built: cfg!(feature = "dynamodb"),
};
const SNS: Client = Client {
    name: "SNS",
    feature: "sns",
    services: &["sns"],
    is_built: cfg!(feature = "sns"),
};
const S3: Client = Client {
    name: "S3",
    feature: "s3",
    services: &["s3"],
    is_built: cfg!(feature = "s3"),
};
#[cfg(feature = "aws")]
const LAMBDA: Client = Client {
    name: "Lambda API",
    feature: "lambda-api",
    services: &["lambda"],
    is_built: cfg!(feature = "lambda-api"),
};

#[cfg(feature = "aws")]
const SECRETS_MANAGER: Client = Client {
    name: "Secrets Manager",
    feature: "secrets",
    services: &["secretsmanager"],
    is_built: cfg!(feature = "secrets"),
};
#[cfg(feature = "aws")]
const STS: Client = Client {
    name: "STS",
    feature: "kafka",
    services: &["sts"],
    is_built: cfg!(feature = "kafka"),
};
#[cfg(feature = "aws")]
const GLUE: Client = Client {
    name: "Glue",
    feature: "kafka",
    services: &["glue"],
    is_built: cfg!(feature = "kafka"),
};
const KAFKA: Client = Client {
    name: "Kafka",
    feature: "kafka",
    services: &["kafka"],
    is_built: cfg!(feature = "kafka"),
};

const RABBITMQ: Client = Client {
    name: "RabbitMQ",
    feature: "rabbitmq",
    services: &[],
    is_built: cfg!(feature = "rabbitmq"),
};
const ACTIVEMQ: Client = Client {
    name: "ActiveMQ",
    feature: "activemq",
    services: &[],
    is_built: cfg!(feature = "activemq"),
};
/// Whichever of the two a broker of Amazon MQ is.
const MQ: Client = Client {
    name: "RabbitMQ or ActiveMQ",
    feature: "rabbitmq,activemq",
    services: &[],
    is_built: cfg!(any(feature = "rabbitmq", feature = "activemq")),
};
const DOCUMENTDB: Client = Client {
    name: "DocumentDB",
    feature: "documentdb",
    services: &[],
    is_built: cfg!(feature = "documentdb"),
};

#[cfg(feature = "aws")]
const ALL: [Client; 10] = [
    SQS,
    KINESIS,
    DYNAMODB,
    SNS,
    S3,
    LAMBDA,
    SECRETS_MANAGER,
    STS,
    GLUE,
    KAFKA,
];

/// Returns the services that this build calls, each with the names that `endpoints` may give it.
#[cfg(feature = "aws")]
pub(crate) fn called_services() -> impl Iterator<Item = &'static [&'static str]> {
    let built = ALL.into_iter().filter(|client| client.is_built);
    built.map(|client| client.services)
}

impl Client {
    /// The client of Kafka clusters and of all that belongs to them.
    #[cfg(not(feature = "kafka"))]
    pub(super) const KAFKA: Self = KAFKA;
    /// The client of RabbitMQ's brokers.
    pub(super) const RABBITMQ: Self = RABBITMQ;
    /// The client of ActiveMQ's brokers.
    pub(super) const ACTIVEMQ: Self = ACTIVEMQ;
    /// The client of DocumentDB's clusters.
    pub(super) const DOCUMENTDB: Self = DOCUMENTDB;

    /// Returns why a thing that needs this client is refused, and the way out; `None` if this build has it.
    pub(super) fn missing(self) -> Option<(String, String)> {
        let Self { name, feature, .. } = self;
        let rule = format!("this build of lambda-esm has no {name} client");
        let hint = format!("build it with `--features {feature}` or `--features full`");
        (!self.is_built).then_some((rule, hint))
    }

    /// Tells whether this is the client of Kafka clusters.
    #[cfg(feature = "aws")]
    pub(super) fn is_kafka(self) -> bool {
        self.feature == KAFKA.feature
    }

    /// Returns the client that calls `service`; `None` if none does.
    #[cfg(feature = "aws")]
    pub(super) fn of_service(service: &str) -> Option<Self> {
        let calls = |client: &Self| client.services.contains(&service);
        ALL.into_iter().find(calls)
    }

    /// Returns the client that reads `source`.
    pub(super) const fn of_source(source: &Source) -> Self {
        match source {
            Source::Sqs(_) => SQS,
            Source::Kinesis(_) => KINESIS,
            Source::DynamoDb(_) => DYNAMODB,
            Source::Kafka(_) => KAFKA,
            Source::Mq(_) => MQ,
            _ => DOCUMENTDB,
        }
    }

    /// Returns the client that tells an on-failure destination.
    pub(super) const fn of_destination(destination: &AwsDestination) -> Self {
        match destination {
            AwsDestination::Sqs(_) => SQS,
            AwsDestination::Sns(_) => SNS,
            _ => S3,
        }
    }
}
