//! From a message of SQS to ours.

use std::borrow::Cow;

use aws_smithy_types::base64;
use lambda_esm_core::record::{
    AttributeValue, MessageAttribute, QueueContent, QueueMessage, Receipt, SqsMessage,
};
use lambda_esm_engine::ports::UnreadableMessage;
use md5::{Digest as _, Md5};
use serde_json::value::RawValue;

use super::responses::{Attribute, Message, MessageWithId, Text};
use crate::json::replace_lone_surrogates;
use crate::text::with_causes;

/// The longest JSON of a message that is read: 1 MiB with its attributes (SQS developer guide, "Amazon SQS
/// message quotas"), of which JSON may write each byte in six, and what stands around it.
const LONGEST: usize = 7 * 1024 * 1024;

/// The system attributes that Lambda's events show first, in that order (recorded from the service).
/// The others follow by name.
const FIRST: [&str; 4] = [
    "ApproximateReceiveCount",
    "SentTimestamp",
    "SenderId",
    "ApproximateFirstReceiveTimestamp",
];

/// Returns a message as it came. `fifo` tells whether its group orders it: on a standard queue a
/// group is only a hint for fairness (SQS developer guide, "Amazon SQS fair queues").
///
/// # Errors
/// Fails if the message lacks its id or its receipt handle, without which it cannot be settled; if its body is
/// not the one that was sent, by its MD5; or if it has another form than the API reference says.
pub(super) fn message(raw: &RawValue, fifo: bool) -> Result<QueueMessage, UnreadableMessage> {
    let length = raw.get().len();
    if length > LONGEST {
        return Err(UnreadableMessage::new(
            String::new(),
            format!("its {length} bytes are more than the {LONGEST} that are read"),
        ));
    }
    let json = replace_lone_surrogates(raw.get());
    let message = serde_json::from_str(&json).map_err(|error| error.to_string());
    message
        .and_then(|message| polled(message, fifo))
        .map_err(|because| {
            let named = serde_json::from_str::<MessageWithId>(&json);
            let id = named.map(|named| named.message_id).unwrap_or_default();
            UnreadableMessage::new(id, because)
        })
}

fn polled(message: Message, fifo: bool) -> Result<QueueMessage, String> {
    let named = |name: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| format!("it has no {name}, so that it cannot be settled"))
    };
    let id = named("MessageId", message.message_id)?;
    let receipt = named("ReceiptHandle", message.receipt_handle)?;
    let body = message.body.unwrap_or_default();
    let md5_of_body = message.md5_of_body.unwrap_or_default();
    // Not every server that stands in for SQS tells it.
    if !md5_of_body.is_empty() {
        let came = hex(&Md5::digest(body.as_bytes()));
        if !md5_of_body.eq_ignore_ascii_case(&came) {
            return Err(format!(
                "its MD5OfBody is {md5_of_body}, but {came} is that of the body that came"
            ));
        }
    }
    let attributes = system_attributes(message.attributes.unwrap_or_default().0);
    let group = attributes
        .iter()
        .find(|(name, _)| fifo && name == "MessageGroupId")
        .map(|(_, group)| group.clone());
    let mut message_attributes = message
        .message_attributes
        .unwrap_or_default()
        .0
        .into_iter()
        .map(|(name, attribute)| {
            let attribute = message_attribute(attribute);
            let attribute = attribute.map_err(|why| format!("MessageAttributes.{name}: {why}"))?;
            Ok((name, attribute))
        })
        .collect::<Result<Vec<_>, String>>()?;
    message_attributes.sort_by(|(left, _), (right, _)| left.cmp(right));
    // With the digests that came: the body's was compared, and costs as much as reading it.
    let mut content = SqsMessage::default();
    content.body = body;
    content.md5_of_body = md5_of_body;
    content.md5_of_message_attributes = message.md5_of_message_attributes;
    content.attributes = attributes;
    content.message_attributes = message_attributes;
    Ok(QueueMessage::new(id, Receipt(receipt), QueueContent::Sqs(content)).with_group(group))
}

fn system_attributes(attributes: Vec<(String, Text)>) -> Vec<(Cow<'static, str>, String)> {
    let place = |name: &str| {
        FIRST
            .iter()
            .position(|first| *first == name)
            .unwrap_or(FIRST.len())
    };
    let attributes = attributes.into_iter();
    let mut attributes: Vec<_> = attributes
        .map(|(name, Text(value))| (Cow::Owned(name), value))
        .collect();
    attributes.sort_by(|(left, _), (right, _): &(Cow<'_, str>, String)| {
        place(left).cmp(&place(right)).then_with(|| left.cmp(right))
    });
    attributes
}

fn message_attribute(attribute: Attribute) -> Result<MessageAttribute, String> {
    let value = match (attribute.binary_value, attribute.string_value) {
        (Some(binary), _) => {
            let bytes = base64::decode(binary).map_err(|error| with_causes(&error))?;
            AttributeValue::Binary(bytes)
        }
        (None, text) => AttributeValue::Text(text.map(|Text(text)| text).unwrap_or_default()),
    };
    Ok(MessageAttribute::new(
        attribute.data_type.unwrap_or_default(),
        value,
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(message: &Value, fifo: bool) -> Result<QueueMessage, UnreadableMessage> {
        super::message(&serde_json::value::to_raw_value(message).unwrap(), fifo)
    }

    fn message(members: Value) -> Value {
        let mut message = json!({"MessageId": "m-1", "ReceiptHandle": "r-1"});
        let Value::Object(members) = members else {
            panic!("{members}")
        };
        message.as_object_mut().unwrap().extend(members);
        message
    }

    fn sqs(members: Value) -> SqsMessage {
        let message = read(&message(members), false).unwrap();
        message.content.sqs().unwrap().clone()
    }

    #[test]
    fn system_attributes_come_in_the_order_of_lambdas_events() {
        let attributes = sqs(json!({"Attributes": {
            "SequenceNumber": "18", "MessageGroupId": "g", "ApproximateFirstReceiveTimestamp": "2",
            "SenderId": "AIDA", "SentTimestamp": "1", "ApproximateReceiveCount": "3", "LaterInvention": "x",
        }}))
        .attributes;
        let names: Vec<_> = attributes.into_iter().map(|(name, _)| name).collect();
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
        let grouped = message(json!({"Attributes": {"MessageGroupId": "g"}}));
        assert_eq!(read(&grouped, true).unwrap().group.as_deref(), Some("g"));
        assert_eq!(read(&grouped, false).unwrap().group, None);
    }

    #[test]
    fn what_is_missing_is_empty() {
        let nothing =
            json!({"Body": null, "MD5OfBody": null, "Attributes": null, "MessageAttributes": null});
        for members in [json!({}), nothing] {
            assert_eq!(sqs(members), SqsMessage::default());
        }
    }

    #[test]
    fn message_attributes_keep_type_and_bytes() {
        let content = sqs(
            json!({"MD5OfMessageAttributes": "d25a", "MessageAttributes": {
                "b": {"DataType": "Binary", "BinaryValue": "AP8="},
                "a": {"DataType": "Number.int", "StringValue": "6"},
            }}),
        );
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
    fn numbers_and_truth_values_are_read_as_texts() {
        let content = sqs(
            json!({"Attributes": {"ApproximateReceiveCount": 3, "Yes": true},
            "MessageAttributes": {"a": {"DataType": "Number", "StringValue": 6.5}}}),
        );
        assert_eq!(content.attributes[0].1, "3");
        assert_eq!(content.attributes[1].1, "true");
        let (_, number) = &content.message_attributes[0];
        assert_eq!(number.value, AttributeValue::Text("6.5".to_owned()));
    }

    #[test]
    fn the_body_must_be_the_one_that_was_sent() {
        let hello = "5d41402abc4b2a76b9719d911017c592";
        for md5 in [hello, &hello.to_ascii_uppercase(), ""] {
            let read = sqs(json!({"Body": "hello", "MD5OfBody": md5}));
            assert_eq!((&*read.body, &*read.md5_of_body), ("hello", md5));
        }
        let changed = message(json!({"Body": "hallo", "MD5OfBody": hello}));
        let lost = read(&changed, false).unwrap_err();
        assert_eq!(lost.id, "m-1");
        let words = "its MD5OfBody is 5d41402abc4b2a76b9719d911017c592, but 598d4c200461b81522a3328565c25f7c";
        assert!(lost.because.starts_with(words), "{lost:?}");
    }

    #[test]
    fn what_cannot_be_settled_or_read_says_why() {
        let many: Value = (0..101).map(|n| (n.to_string(), json!(""))).collect();
        let table = [
            (json!({"MessageId": null}), "", "it has no MessageId"),
            (json!({"MessageId": ""}), "", "it has no MessageId"),
            (json!({"MessageId": 7}), "", "invalid type: integer `7`"),
            (
                json!({"ReceiptHandle": null}),
                "m-1",
                "it has no ReceiptHandle",
            ),
            (json!({"Body": {"a": 1}}), "m-1", "invalid type: map"),
            (json!({"Attributes": [1]}), "m-1", "invalid type: sequence"),
            (
                json!({"Attributes": {"a": {}}}),
                "m-1",
                "a value that is no text",
            ),
            (
                json!({"Attributes": many}),
                "m-1",
                "more members than the 100",
            ),
            (
                json!({"MessageAttributes": {"a": {"BinaryValue": "not base64!"}}}),
                "m-1",
                "MessageAttributes.a: ",
            ),
            (json!({"Body": "x".repeat(LONGEST)}), "", "its 7340"),
        ];
        for (members, id, because) in table {
            let lost = read(&message(members), false).unwrap_err();
            assert_eq!(lost.id, id, "{lost:?}");
            assert!(lost.because.contains(because), "{lost:?}");
        }
        assert!(
            read(&json!(7), false)
                .unwrap_err()
                .because
                .contains("invalid type")
        );
    }
}
