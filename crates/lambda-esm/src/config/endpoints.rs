//! Where AWS services really live.

#[cfg(not(any(feature = "sqs", feature = "lambda-api")))]
use super::{problem::Problems, section::Field};

/// The features that bring AWS clients.
#[cfg(not(any(feature = "sqs", feature = "lambda-api")))]
pub(super) const BUILD_WITH_AWS: &str =
    "build it with `--features full`, or with `--features sqs` or `lambda-api`";

/// The endpoints of a build without AWS clients: there is nothing to say.
#[cfg(not(any(feature = "sqs", feature = "lambda-api")))]
pub(crate) struct Endpoints;

/// The endpoints of a build with AWS clients.
#[cfg(any(feature = "sqs", feature = "lambda-api"))]
pub(crate) type Endpoints = lambda_esm_aws::Endpoints;

/// Refuses the section, since this build calls no AWS service.
#[cfg(not(any(feature = "sqs", feature = "lambda-api")))]
pub(super) fn read(field: Option<&Field<'_>>, problems: &mut Problems) -> Endpoints {
    if let Some(field) = field {
        problems.add(
            field.node.place,
            &field.path,
            "this build of lambda-esm calls no AWS service",
        );
        problems.hint(BUILD_WITH_AWS);
    }
    Endpoints
}

#[cfg(feature = "lambda-api")]
pub(super) use with_clients::parse;
#[cfg(any(feature = "sqs", feature = "lambda-api"))]
pub(super) use with_clients::read;

#[cfg(any(feature = "sqs", feature = "lambda-api"))]
mod with_clients {
    use lambda_esm_aws::{EndpointUrl, Endpoints};

    use super::super::problem::Problems;
    use super::super::section::Field;

    /// The services that are called.
    const SERVICES: [&str; 2] = ["sqs", "lambda"];
    /// Services whose endpoints a later version will use.
    const LATER: [&str; 10] = [
        "kinesis",
        "dynamodb",
        "dynamodbstreams",
        "sns",
        "s3",
        "secretsmanager",
        "kafka",
        "mq",
        "rds",
        "docdb",
    ];

    /// Reads the endpoints, and fills what they leave open from the environment as every AWS SDK does.
    pub(in super::super) fn read(field: Option<&Field<'_>>, problems: &mut Problems) -> Endpoints {
        let endpoints = field
            .map(|field| section(field, problems))
            .unwrap_or_default();
        let given = endpoints.clone();
        endpoints
            .with_environment(|name| std::env::var(name).ok())
            .unwrap_or_else(|error| {
                problems.add(None, "AWS_ENDPOINT_URL (environment)", error.to_string());
                given
            })
    }

    fn section(field: &Field<'_>, problems: &mut Problems) -> Endpoints {
        let mut endpoints = Endpoints::default();
        for (member, entry) in field.entries(problems).unwrap_or_default() {
            match member.key.as_str() {
                "aws" => endpoints.aws = parse(&entry, problems),
                "arns" => {
                    for (member, entry) in entry.entries(problems).unwrap_or_default() {
                        if !member.key.starts_with("arn:") || !member.key.contains(":sqs:") {
                            problems.add(
                                member.place,
                                &entry.path,
                                "must be the ARN of an SQS queue",
                            );
                            problems.hint(
                                "other sources are not supported yet, and a function has an endpoint of \
                                 its own: functions.NAME.endpoint",
                            );
                        } else if let Some(url) = parse(&entry, problems) {
                            endpoints.arns.insert(member.key.clone(), url);
                        }
                    }
                }
                service if SERVICES.contains(&service) => {
                    let url = parse(&entry, problems);
                    endpoints
                        .services
                        .extend(url.map(|url| (service.to_owned(), url)));
                }
                service if LATER.contains(&service) => {
                    problems.add(
                        member.place,
                        &entry.path,
                        "this service is not supported yet",
                    );
                    problems.hint("leave it out");
                }
                _ => {
                    problems.add(member.place, &entry.path, "unknown key");
                    problems.hint("known are aws, sqs, lambda, arns");
                }
            }
        }
        endpoints
    }

    /// Reads an HTTP URL.
    pub(in super::super) fn parse(
        field: &Field<'_>,
        problems: &mut Problems,
    ) -> Option<EndpointUrl> {
        field.parse(problems)
    }
}

/// Returns how the AWS clients find their services.
#[cfg(any(feature = "sqs", feature = "lambda-api"))]
pub(crate) fn aws(configuration: &super::Configuration) -> lambda_esm_aws::AwsConfig {
    lambda_esm_aws::AwsConfig {
        region: configuration.options.region.clone(),
        account_id: configuration.options.account_id.clone(),
        endpoints: configuration.endpoints.clone(),
    }
}
