//! The error codes of DynamoDB Streams.

use lambda_esm_core::fault::SourceErrorKind;

use crate::failure::Service;

/// DynamoDB Streams in messages and codes (DynamoDB Streams API reference, the errors of each operation).
pub(super) static DYNAMODB_STREAMS: Service = Service {
    name: "DynamoDB Streams",
    resource: "stream",
    missing: "create the stream, or correct region, account, table and label in EventSourceArn",
    permissions: "dynamodb",
    own: kind,
};

/// The same of the table itself (DynamoDB API reference, the errors of each operation).
pub(super) static DYNAMODB: Service = Service {
    name: "DynamoDB",
    resource: "table",
    missing: "create the table, or correct region, account and table in EventSourceArn",
    permissions: "dynamodb",
    own: kind,
};

fn kind(code: &str, text: Option<&str>) -> Option<SourceErrorKind> {
    let says = |words: &str| text.is_some_and(|text| text.contains(words));
    match code {
        "ResourceNotFound" => Some(SourceErrorKind::NotFound),
        "TrimmedDataAccess" => Some(SourceErrorKind::Trimmed),
        "ExpiredIterator" => Some(SourceErrorKind::Expired),
        "LimitExceeded" | "ProvisionedThroughputExceeded" => Some(SourceErrorKind::Throttled),
        // DynamoDB Local's words for a sequence number before the first one of the shard.
        "Validation" if says("Invalid SequenceNumber") => Some(SourceErrorKind::Trimmed),
        // An iterator that another server made, e.g. the same one before it was started anew; in the words of
        // DynamoDB Local and ministack.
        "Validation" if says("Invalid ShardIterator") || says("ShardIterator is not valid") => {
            Some(SourceErrorKind::Expired)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Call;
    use crate::service_endpoint::ServiceEndpoint;

    #[test]
    fn each_code_has_its_kind() {
        use SourceErrorKind::{Denied, Expired, Fatal, NotFound, Throttled, Transient, Trimmed};
        let table = [
            (
                "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                "",
                NotFound,
            ),
            ("TrimmedDataAccessException", "", Trimmed),
            ("ExpiredIteratorException", "", Expired),
            ("LimitExceededException", "", Throttled),
            ("ProvisionedThroughputExceededException", "", Throttled),
            ("ThrottlingException", "", Throttled),
            ("UnrecognizedClientException", "", Denied),
            ("InternalServerError", "", Transient),
            (
                "com.amazon.coral.validate#ValidationException",
                "Invalid SequenceNumber for the shard",
                Trimmed,
            ),
            ("ValidationException", "Invalid ShardIterator", Expired),
            ("ValidationException", "ShardIterator is not valid", Expired),
            (
                "ValidationException",
                "Limit should be less than or equal to 1000",
                Fatal,
            ),
        ];
        for (code, text, expected) in table {
            let call = Call {
                service: &DYNAMODB_STREAMS,
                operation: "GetRecords",
                resource: "table/orders/stream/1",
                endpoint: &ServiceEndpoint::at("http://here"),
            };
            let error = call.refused(Some(code), Some(text), Some(400));
            assert_eq!(error.kind, expected, "{code}: {text}");
        }
    }
}
