//! The error codes that only SQS has.

use lambda_esm_core::fault::SourceErrorKind;

use crate::failure::Service;

/// SQS in messages and codes, in the spellings of its JSON and its query protocol (SQS API reference,
/// "Common Errors" and the errors of each operation).
pub(super) static SQS: Service = Service {
    name: "SQS",
    resource: "queue",
    missing: "create the queue, or correct region, account and name in EventSourceArn",
    permissions: "sqs",
    own: own_kind,
};

/// Sorts the codes of SQS.
pub(crate) fn own_kind(code: &str, text: Option<&str>) -> Option<SourceErrorKind> {
    match code {
        "NonExistentQueue" | "QueueDoesNotExist" => Some(SourceErrorKind::NotFound),
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => Some(SourceErrorKind::Expired),
        // An old handle of a FIFO queue is refused with a general code.
        "InvalidParameterValue" if text.is_some_and(names_receipt) => {
            Some(SourceErrorKind::Expired)
        }
        "OverLimit" => Some(SourceErrorKind::Throttled),
        "InvalidSecurity" => Some(SourceErrorKind::Denied),
        _ => None,
    }
}

fn names_receipt(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("receipthandle") || text.contains("receipt handle")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Call;
    use crate::service_endpoint::ServiceEndpoint;

    fn kind(code: &str, text: Option<&str>) -> SourceErrorKind {
        let call = Call {
            service: &SQS,
            operation: "DeleteMessageBatch",
            resource: "orders",
            endpoint: &ServiceEndpoint::at("http://here"),
        };
        call.refused(Some(code), text, None).kind
    }

    #[test]
    fn codes_of_both_protocols_have_a_kind() {
        use SourceErrorKind::{Denied, Expired, Fatal, NotFound, Throttled};
        let table = [
            ("AWS.SimpleQueueService.NonExistentQueue", NotFound),
            ("com.amazonaws.sqs#QueueDoesNotExist", NotFound),
            ("ReceiptHandleIsInvalid", Expired),
            ("AWS.SimpleQueueService.MessageNotInflight", Expired),
            ("OverLimit", Throttled),
            ("KmsThrottled", Throttled),
            ("KmsOptInRequired", Denied),
            ("InvalidSecurity", Denied),
            ("AWS.SimpleQueueService.BatchRequestTooLong", Fatal),
        ];
        for (code, expected) in table {
            assert_eq!(kind(code, None), expected, "{code}");
        }
    }

    #[test]
    fn an_old_receipt_under_a_general_code_is_still_expired() {
        let text = "Value r-1 for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
        assert_eq!(
            kind("InvalidParameterValue", Some(text)),
            SourceErrorKind::Expired
        );
        let other = "Value 11 for parameter MaxNumberOfMessages is invalid.";
        assert_eq!(
            kind("InvalidParameterValue", Some(other)),
            SourceErrorKind::Fatal
        );
    }
}
