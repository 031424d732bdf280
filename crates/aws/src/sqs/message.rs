//! From the SDK's message to a polled record.

use std::borrow::Cow;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{
    AttributeValue, MessageAttribute, QueueContent, QueueMessage, Receipt, SqsMessage,
};

/// The system attributes that Lambda's events show first, in that order (recorded from the service).
/// The SDK returns them in a random order, so the others follow by name.
const FIRST: [&str; 4] = [
    "ApproximateReceiveCount",
    "SentTimestamp",
    "SenderId",
    "ApproximateFirstReceiveTimestamp",
];

/// Returns the record of a message. `fifo` tells whether its group orders it: on a standard queue a
/// group is only a hint for fairness (SQS developer guide, "Amazon SQS fair queues").
///
/// # Errors
/// Fails if the message has no id or receipt handle, without which it cannot be settled.
pub(super) fn record(message: Message, fifo: bool) -> Result<QueueMessage, SourceError> {
    let (Some(id), Some(receipt)) = (message.message_id, message.receipt_handle) else {
        return Err(SourceError::new(
            SourceErrorKind::Fatal,
            "received a message without MessageId or ReceiptHandle, so it cannot be settled; \
             is the endpoint really SQS?",
        ));
    };
    let attributes = system_attributes(
        message
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name.as_str().to_owned()), value)),
    );
    let group = attributes
        .iter()
        .find(|(name, _)| fifo && name == "MessageGroupId")
        .map(|(_, group)| group.clone());
    let mut message_attributes: Vec<_> = message
        .message_attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name, message_attribute(value)))
        .collect();
    message_attributes.sort_by(|(left, _), (right, _)| left.cmp(right));
    let content = SqsMessage {
        body: message.body.unwrap_or_default().into(),
        md5_of_body: message.md5_of_body.unwrap_or_default().into(),
        md5_of_message_attributes: message.md5_of_message_attributes,
        attributes,
        message_attributes,
    };
    Ok(QueueMessage {
        id,
        receipt: Receipt(receipt),
        group,
        content: QueueContent::Sqs(content),
    })
}

fn system_attributes(
    attributes: impl Iterator<Item = (Cow<'static, str>, String)>,
) -> Vec<(Cow<'static, str>, String)> {
    let place = |name: &str| {
        FIRST
            .iter()
            .position(|first| *first == name)
            .unwrap_or(FIRST.len())
    };
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort_by(|(left, _), (right, _)| {
        place(left).cmp(&place(right)).then_with(|| left.cmp(right))
    });
    attributes
}

fn message_attribute(value: MessageAttributeValue) -> MessageAttribute {
    let content = match (value.binary_value, value.string_value) {
        (Some(binary), _) => AttributeValue::Binary(binary.into_inner()),
        (None, text) => AttributeValue::Text(text.unwrap_or_default()),
    };
    MessageAttribute {
        data_type: value.data_type,
        value: content,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::primitives::Blob;
    use aws_sdk_sqs::types::MessageSystemAttributeName as Name;

    use super::*;

    fn message() -> aws_sdk_sqs::types::builders::MessageBuilder {
        Message::builder().message_id("m-1").receipt_handle("r-1")
    }

    fn sqs(record: QueueMessage) -> SqsMessage {
        let QueueContent::Sqs(content) = record.content;
        content
    }

    #[test]
    fn system_attributes_come_in_the_order_of_lambdas_events() {
        let full = message()
            .attributes(Name::SequenceNumber, "18")
            .attributes(Name::MessageGroupId, "g")
            .attributes(Name::ApproximateFirstReceiveTimestamp, "2")
            .attributes(Name::SenderId, "AIDA")
            .attributes(Name::SentTimestamp, "1")
            .attributes(Name::ApproximateReceiveCount, "3")
            .attributes(Name::from("LaterInvention"), "x")
            .build();
        let names: Vec<_> = sqs(record(full, false).unwrap())
            .attributes
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let expected = [
            "ApproximateReceiveCount",
            "SentTimestamp",
            "SenderId",
            "ApproximateFirstReceiveTimestamp",
            "LaterInvention",
            "MessageGroupId",
            "SequenceNumber",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn only_a_fifo_queue_has_groups() {
        let grouped = message().attributes(Name::MessageGroupId, "g").build();
        assert_eq!(
            record(grouped.clone(), true).unwrap().group.as_deref(),
            Some("g")
        );
        assert_eq!(record(grouped, false).unwrap().group, None);
    }

    #[test]
    fn a_missing_body_is_an_empty_one() {
        let content = sqs(record(message().build(), false).unwrap());
        assert_eq!(&*content.body, "");
        assert_eq!(content.md5_of_message_attributes, None);
    }

    #[test]
    fn message_attributes_keep_type_and_bytes() {
        let value = |kind: &str| MessageAttributeValue::builder().data_type(kind);
        let full = message()
            .md5_of_message_attributes("d25a")
            .message_attributes(
                "b",
                value("Binary")
                    .binary_value(Blob::new([0, 255]))
                    .build()
                    .unwrap(),
            )
            .message_attributes("a", value("Number.int").string_value("6").build().unwrap())
            .build();
        let content = sqs(record(full, false).unwrap());
        assert_eq!(content.md5_of_message_attributes.as_deref(), Some("d25a"));
        let [(first, number), (second, binary)] = content.message_attributes.as_slice() else {
            panic!("{:?}", content.message_attributes)
        };
        assert_eq!((first.as_str(), second.as_str()), ("a", "b"));
        assert_eq!(number.data_type, "Number.int");
        assert_eq!(number.value, AttributeValue::Text("6".to_owned()));
        assert_eq!(binary.value, AttributeValue::Binary(vec![0, 255]));
    }

    #[test]
    fn a_message_that_cannot_be_settled_is_refused() {
        let error = record(Message::builder().body("x").build(), false).unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Fatal);
    }
}
