//! The error codes that only Kinesis has.

use lambda_esm_core::fault::SourceErrorKind;

use crate::failure::Service;

/// Kinesis in messages and codes (Kinesis API reference, the errors of each operation).
pub(super) static KINESIS: Service = Service {
    name: "Kinesis",
    resource: "stream",
    missing: "create the stream, or correct region, account and name in EventSourceArn",
    permissions: "kinesis",
    own: kind,
};

fn kind(code: &str, text: Option<&str>) -> Option<SourceErrorKind> {
    let names = |what| text.is_some_and(|text| text.to_ascii_lowercase().contains(what));
    match code {
        "ExpiredIterator" => Some(SourceErrorKind::Expired),
        // One that is merely older than the retention is no error to AWS, which then begins with the
        // oldest record. What is refused comes from elsewhere, or a server that keeps no numbers (so
        // does kinesis-local) has let go of the record.
        "InvalidArgument" | "ResourceNotFound" if names("sequencenumber") => {
            Some(SourceErrorKind::Trimmed)
        }
        // An iterator that the service cannot read will not get better: ask for a new one.
        "InvalidArgument" if names("sharditerator") => Some(SourceErrorKind::Expired),
        "ResourceNotFound" => Some(SourceErrorKind::NotFound),
        // `ResourceInUse`: somebody else is subscribed to the shard, or was within the last five seconds;
        // or the stream is being made.
        "ProvisionedThroughputExceeded" | "LimitExceeded" | "ResourceInUse" => {
            Some(SourceErrorKind::Throttled)
        }
        // A page of a listing that took too long: list from the beginning.
        "ExpiredNextToken" => Some(SourceErrorKind::Transient),
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
            ("ExpiredIteratorException", "Iterator expired", Expired),
            (
                "InvalidArgumentException",
                "Invalid ShardIterator.",
                Expired,
            ),
            (
                "InvalidArgumentException",
                "StartingSequenceNumber 49 used in GetShardIterator on shard shardId-1 in stream orders \
                 is invalid because it did not come from this stream.",
                Trimmed,
            ),
            (
                "ResourceNotFoundException",
                "Unable to find record with provided SequenceNumber SequenceNumber(1)",
                Trimmed,
            ),
            (
                "ResourceNotFoundException",
                "Stream orders under account 000000000000 not found.",
                NotFound,
            ),
            (
                "InvalidArgumentException",
                "Timestamp cannot be in the future",
                Fatal,
            ),
            ("ProvisionedThroughputExceededException", "Rate", Throttled),
            ("LimitExceededException", "Rate", Throttled),
            ("ResourceInUseException", "Another", Throttled),
            ("KMSThrottlingException", "Rate", Throttled),
            ("KMSDisabledException", "Key", Denied),
            ("AccessDeniedException", "No", Denied),
            ("ExpiredNextTokenException", "Token", Transient),
            ("InternalFailureException", "Oops", Transient),
        ];
        let call = Call {
            service: &KINESIS,
            operation: "GetShardIterator",
            resource: "orders",
            endpoint: &ServiceEndpoint::at("http://here"),
        };
        for (code, text, expected) in table {
            let error = call.refused(Some(code), Some(text), Some(400));
            assert_eq!(error.kind, expected, "{error}");
        }
    }
}
