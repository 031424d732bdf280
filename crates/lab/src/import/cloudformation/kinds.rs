//! What resources are called, and what `Ref` and `Fn::GetAtt` return of them (CloudFormation template reference, "Return
//! values" of each resource).

use crate::import::place::Place;

/// One type of resource.
pub(super) struct Kind {
    name: &'static str,
    /// The service in its ARN.
    service: &'static str,
    /// The property that names it.
    named_by: &'static str,
    /// What `Ref` returns.
    reference: Reference,
    /// The attributes that are its ARN.
    arns: &'static [&'static str],
    /// The attributes that are its name.
    names: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Reference {
    Name,
    Arn,
    Url,
}

use Reference::{Arn, Name, Url};

#[rustfmt::skip]
const KINDS: [Kind; 17] = [
    kind("AWS::SQS::Queue", "sqs", "QueueName", Url, &["Arn"], &["QueueName"]),
    kind("AWS::SNS::Topic", "sns", "TopicName", Arn, &["TopicArn"], &["TopicName"]),
    kind("AWS::S3::Bucket", "s3", "BucketName", Name, &["Arn"], &[]),
    kind("AWS::Kinesis::Stream", "kinesis", "Name", Name, &["Arn"], &[]),
    kind("AWS::DynamoDB::Table", "dynamodb", "TableName", Name, &["StreamArn"], &[]),
    kind("AWS::DynamoDB::GlobalTable", "dynamodb", "TableName", Name, &["StreamArn"], &[]),
    kind("AWS::Serverless::SimpleTable", "dynamodb", "TableName", Name, &["StreamArn"], &[]),
    kind("AWS::Lambda::Function", "lambda", "FunctionName", Name, &["Arn"], &[]),
    kind("AWS::Serverless::Function", "lambda", "FunctionName", Name, &["Arn"], &[]),
    kind("AWS::MSK::Cluster", "kafka", "ClusterName", Arn, &["Arn"], &[]),
    kind("AWS::MSK::ServerlessCluster", "kafka", "ClusterName", Arn, &["Arn"], &[]),
    kind("AWS::AmazonMQ::Broker", "mq", "BrokerName", Name, &["Arn"], &[]),
    kind("AWS::DocDB::DBCluster", "rds", "DBClusterIdentifier", Name, &[], &[]),
    kind("AWS::SecretsManager::Secret", "secretsmanager", "Name", Arn, &["Id"], &[]),
    kind("AWS::KMS::Key", "kms", "", Name, &["Arn"], &["KeyId"]),
    kind("AWS::EC2::Subnet", "ec2", "", Name, &[], &["SubnetId"]),
    kind("AWS::EC2::SecurityGroup", "ec2", "", Name, &[], &["GroupId"]),
];

const fn kind(
    name: &'static str,
    service: &'static str,
    named_by: &'static str,
    reference: Reference,
    arns: &'static [&'static str],
    names: &'static [&'static str],
) -> Kind {
    Kind {
        name,
        service,
        named_by,
        reference,
        arns,
        names,
    }
}

impl Kind {
    /// Finds a type; `None` if nothing is known of it.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Returns the property that names a resource.
    pub(super) const fn named_by(&self) -> &'static str {
        self.named_by
    }

    /// Returns the name that a resource gets if no property names it.
    pub(super) fn default_name(&self, logical: &str, fifo: bool) -> String {
        match self.name {
            "AWS::SQS::Queue" | "AWS::SNS::Topic" if fifo => format!("{logical}.fifo"),
            "AWS::S3::Bucket" => logical.to_ascii_lowercase(),
            "AWS::EC2::Subnet" => format!("subnet-{logical}"),
            "AWS::EC2::SecurityGroup" => format!("sg-{logical}"),
            _ => logical.to_owned(),
        }
    }

    /// Returns what `Ref` returns.
    pub(super) fn reference(&self, name: &str, place: &Place) -> String {
        match self.reference {
            Name => name.to_owned(),
            Arn => place.source(self.service, name),
            Url => {
                let (region, account) = (&place.region, &place.account_id);
                format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
            }
        }
    }

    /// Returns an attribute; `None` if it is not known.
    pub(super) fn attribute(&self, attribute: &str, name: &str, place: &Place) -> Option<String> {
        if self.arns.contains(&attribute) {
            Some(place.source(self.service, name))
        } else if self.names.contains(&attribute) {
            Some(name.to_owned())
        } else if self.service == "dynamodb" && attribute == "Arn" {
            Some(place.arn("dynamodb", &format!("table/{name}")))
        } else {
            None
        }
    }
}

/// Tells whether something is known of a type: a mapping, or what mappings name.
pub(crate) fn is_known(name: &str) -> bool {
    const OTHERS: [&str; 4] = [
        "AWS::Kinesis::StreamConsumer",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Version",
    ];
    OTHERS.contains(&name) || Kind::of(name).is_some()
}
