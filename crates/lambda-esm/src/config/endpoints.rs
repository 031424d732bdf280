//! Where AWS services really live.

#[cfg(not(feature = "aws"))]
use super::{fields::Field, problem::Problems};

/// The features that bring AWS clients.
#[cfg(not(feature = "aws"))]
pub(super) const BUILD_WITH_AWS: &str = "build it with `--features full`, or with those you need of sqs, kinesis, dynamodb, sns, s3, lambda-api";

/// The endpoints of a build without AWS clients: there is nothing to say.
#[cfg(not(feature = "aws"))]
pub(crate) struct Endpoints;

/// The endpoints of a build with AWS clients.
#[cfg(feature = "aws")]
pub(crate) type Endpoints = lambda_esm_aws::Endpoints;

/// Refuses the section, since this build calls no AWS service.
#[cfg(not(feature = "aws"))]
pub(super) fn read(field: Option<&Field<'_>>, problems: &mut Problems) -> Endpoints {
    if let Some(field) = field {
        problems.add(
            field.node.location,
            &field.path,
            "this build of lambda-esm calls no AWS service",
        );
        problems.hint(BUILD_WITH_AWS);
    }
    Endpoints
}

#[cfg(feature = "lambda-api")]
pub(super) use with_clients::parse;
#[cfg(feature = "aws")]
pub(super) use with_clients::{read, region, unreadable};

#[cfg(not(feature = "aws"))]
pub(super) const fn region(_: &Endpoints) -> Option<(&'static str, &'static str)> {
    None
}

#[cfg(not(feature = "aws"))]
pub(super) const fn unreadable(_: &Endpoints) -> Option<&'static str> {
    None
}

#[cfg(feature = "aws")]
mod with_clients {
    use lambda_esm_aws::{AwsEnvironment, AwsEnvironmentError, EndpointUrl, Endpoints};
    use lambda_esm_core::mapping::{Arn, SourceKind};

    use super::super::brokers;
    use super::super::clients::Client;
    use super::super::fields::Field;
    use super::super::problem::Problems;
    use super::super::suggest::known_names;
    use super::super::yaml::Member;

    /// The services that are called, and what else may stand here.
    const KNOWN: [&str; 13] = [
        "aws",
        "sqs",
        "kinesis",
        "dynamodb",
        "dynamodbstreams",
        "sns",
        "s3",
        "lambda",
        "secretsmanager",
        "sts",
        "glue",
        "kafka",
        "arns",
    ];
    /// Services that are reached by single ARNs only.
    const BY_ARN: [&str; 3] = ["mq", "rds", "docdb"];

    /// Reads the endpoints; what they leave open is as the environment and the AWS profile have it.
    pub(in super::super) fn read(field: Option<&Field<'_>>, problems: &mut Problems) -> Endpoints {
        let endpoints = field.map(|field| section(field, problems));
        let endpoints = endpoints.unwrap_or_default();
        endpoints.with_environment(environment(problems))
    }

    fn environment(problems: &mut Problems) -> AwsEnvironment {
        let reader = tokio::runtime::Builder::new_current_thread().build();
        match reader.map(|reader| reader.block_on(AwsEnvironment::load())) {
            Ok(Ok(environment)) => return environment,
            Ok(Err(AwsEnvironmentError { origin, error })) => {
                problems.add(None, &origin, error.to_string());
            }
            Err(error) => problems.add(None, "AWS_PROFILE", format!("cannot be read: {error}")),
        }
        AwsEnvironment::default()
    }

    /// Returns the region that the environment or the AWS profile names, and which of them does.
    pub(in super::super) fn region(endpoints: &Endpoints) -> Option<(&str, &str)> {
        endpoints.environment.region()
    }

    /// Returns why the AWS profile cannot be read, if it cannot.
    pub(in super::super) fn unreadable(endpoints: &Endpoints) -> Option<&str> {
        endpoints.environment.unreadable()
    }

    fn section(field: &Field<'_>, problems: &mut Problems) -> Endpoints {
        let mut endpoints = Endpoints::default();
        for (member, entry) in field.entries(problems).unwrap_or_default() {
            match member.key.as_str() {
                "aws" => endpoints.aws = parse(&entry, problems),
                "arns" => arns(&entry, &mut endpoints, problems),
                service if BY_ARN.contains(&service) => {
                    let rule = "brokers and clusters are reached one by one";
                    problems.add(member.location, &entry.path, rule);
                    problems.hint("name each by its ARN: endpoints.arns.ARN");
                }
                service => match Client::of_service(service) {
                    Some(client) => {
                        let url = built(client, member, &entry, problems);
                        endpoints
                            .services
                            .extend(url.map(|url| (service.to_owned(), url)));
                    }
                    None => {
                        problems.add(member.location, &entry.path, "unknown key");
                        problems.hint(known_names(service, &KNOWN));
                    }
                },
            }
        }
        endpoints
    }

    /// Reads the endpoints of single queues, streams, tables, topics and buckets.
    fn arns(field: &Field<'_>, endpoints: &mut Endpoints, problems: &mut Problems) {
        for (member, entry) in field.entries(problems).unwrap_or_default() {
            if Arn::parse(&member.key).is_some_and(|arn| brokers::is_one(&arn)) {
                continue;
            }
            match client(&member.key) {
                // Its brokers are no HTTP servers; see `kafka`.
                Some(client) if client.is_kafka() && client.missing().is_none() => {}
                Some(client) => {
                    let url = built(client, member, &entry, problems);
                    endpoints
                        .arns
                        .extend(url.map(|url| (member.key.clone(), url)));
                }
                None => {
                    problems.add(
                        member.location,
                        &entry.path,
                        "must be the ARN of an SQS queue, a Kinesis stream, a DynamoDB table or its stream, an \
                         Amazon MSK or DocumentDB cluster, an Amazon MQ broker, an SNS topic or an S3 bucket",
                    );
                    problems.hint("a function has an endpoint of its own: functions.NAME.endpoint");
                }
            }
        }
    }

    /// Returns the client that calls what an ARN names; `None` if that is nothing that has an endpoint here.
    fn client(arn: &str) -> Option<Client> {
        let arn = Arn::parse(arn)?;
        let fits = match arn.service() {
            "kinesis" => arn.resource().starts_with("stream/"),
            "dynamodb" => arn.resource().starts_with("table/"),
            "kafka" => SourceKind::of(&arn) == Some(SourceKind::Msk),
            "sqs" | "sns" | "s3" => !arn.resource().contains(['/', ':']),
            _ => false,
        };
        Client::of_service(arn.service()).filter(|_| fits)
    }

    /// Reads the endpoint of something that is called if this build has the client for it.
    fn built(
        client: Client,
        member: &Member,
        entry: &Field<'_>,
        problems: &mut Problems,
    ) -> Option<EndpointUrl> {
        if let Some((rule, hint)) = client.missing() {
            problems.add(member.location, &entry.path, rule);
            problems.hint(hint);
            return None;
        }
        parse(entry, problems)
    }

    /// Reads an HTTP URL.
    pub(in super::super) fn parse(
        field: &Field<'_>,
        problems: &mut Problems,
    ) -> Option<EndpointUrl> {
        field.parse(problems)
    }
}
