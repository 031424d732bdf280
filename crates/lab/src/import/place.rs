//! Where a template is thought to be deployed, and the ARNs that AWS would assign there.

use lambda_esm_core::mapping::Partition;

/// When streams of tables are thought to be made: AWS names a stream by the time of that.
const STREAM_LABEL: &str = "2026-01-01T00:00:00.000";

/// A region and an account.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) account_id: String,
}

impl Place {
    pub(crate) fn new(region: Option<&str>, account_id: Option<&str>) -> Self {
        Self {
            region: region.unwrap_or("us-east-1").to_owned(),
            account_id: account_id.unwrap_or("000000000000").to_owned(),
        }
    }

    /// Returns the partition, for example `aws`.
    pub(crate) fn partition(&self) -> &'static str {
        Partition::of_region(&self.region).name
    }

    /// Makes an ARN of this region and account.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account_id
        )
    }

    /// Makes the ARN of what a mapping reads or tells, by the name of its service in ARNs.
    pub(crate) fn source(&self, service: &str, name: &str) -> String {
        let resource = match service {
            "kinesis" => format!("stream/{name}"),
            "dynamodb" => format!("table/{name}/stream/{STREAM_LABEL}"),
            "kafka" => format!("cluster/{name}/00000000-0000-0000-0000-000000000000-1"),
            "mq" => format!("broker:{name}:b-00000000-0000-0000-0000-000000000000"),
            "rds" => format!("cluster:{name}"),
            "secretsmanager" => format!("secret:{name}-000000"),
            "kms" => format!("key/{name}"),
            "lambda" => format!("function:{name}"),
            "s3" => return format!("arn:{}:s3:::{name}", self.partition()),
            _ => name.to_owned(),
        };
        self.arn(service, &resource)
    }

    /// Returns the bare name of a function of this place, with its qualifier; any other as it is.
    pub(crate) fn short_function<'a>(&self, function: &'a str) -> &'a str {
        let prefix = self.source("lambda", "");
        function.strip_prefix(&prefix).unwrap_or(function)
    }
}
