//! What AWS will assign when a plan is carried out: names and ARNs.

use super::plan::{Plan, Resource};

/// A type of resource, the service in its ARN, and the attribute that names it.
const KINDS: [(&str, &str, &str); 13] = [
    ("aws_sqs_queue", "sqs", "name"),
    ("aws_sns_topic", "sns", "name"),
    ("aws_s3_bucket", "s3", "bucket"),
    ("aws_kinesis_stream", "kinesis", "name"),
    ("aws_dynamodb_table", "dynamodb", "name"),
    ("aws_lambda_function", "lambda", "function_name"),
    ("aws_msk_cluster", "kafka", "cluster_name"),
    ("aws_msk_serverless_cluster", "kafka", "cluster_name"),
    ("aws_mq_broker", "mq", "broker_name"),
    ("aws_docdb_cluster", "rds", "cluster_identifier"),
    ("aws_rds_cluster", "rds", "cluster_identifier"),
    ("aws_secretsmanager_secret", "secretsmanager", "name"),
    ("aws_kms_key", "kms", "key_id"),
];

/// The attributes that are the ARN of a resource.
const ARNS: [&str; 3] = ["arn", "stream_arn", "qualified_arn"];

impl Plan<'_> {
    /// Returns the name of a resource: what it is named, else the name that its block has.
    pub(super) fn name_of(&self, resource: &Resource<'_>) -> Option<String> {
        let (.., named_by) = KINDS.iter().find(|(kind, ..)| *kind == resource.kind)?;
        let name = resource.text(named_by);
        Some(name.unwrap_or_else(|| {
            match resource.value("fifo_queue").and_then(|fifo| fifo.boolean()) {
                Some(true) => format!("{}.fifo", resource.name),
                _ => resource.name.to_owned(),
            }
        }))
    }

    /// Returns what AWS would make an attribute of a resource; `None` if that is not known.
    pub(super) fn made(&self, resource: &Resource<'_>, attribute: &str) -> Option<String> {
        let (_, service, named_by) = KINDS.iter().find(|(kind, ..)| *kind == resource.kind)?;
        let name = self.name_of(resource)?;
        match attribute {
            "arn" if *service == "dynamodb" => {
                Some(self.place.arn("dynamodb", &format!("table/{name}")))
            }
            // The id of these is their ARN.
            "id" if matches!(*service, "sns" | "kinesis" | "kafka" | "secretsmanager") => {
                Some(self.place.source(service, &name))
            }
            _ if ARNS.contains(&attribute) => Some(self.place.source(service, &name)),
            "id" | "name" => Some(name),
            _ if attribute == *named_by => Some(name),
            _ => None,
        }
    }
}
