//! The SQS event (Lambda developer guide, "Using Lambda with Amazon SQS"; key order and the two
//! `md5OfMessageAttributes` dialects are recorded from the service).

use crate::json::{write_base64, write_string};
use crate::record::{AttributeValue, MessageAttribute, Receipt, SqsMessage};

/// Writes the event fragments of one queue.
#[derive(Clone, Debug)]
pub struct SqsEncoder {
    /// What is the same in every fragment: source, ARN, Region, and the closing brace.
    tail: Vec<u8>,
    /// Whether what is absent is `null`, rather than left out.
    shows_absent: bool,
}

impl SqsEncoder {
    /// Returns the encoder of the queue `arn` in `region`.
    ///
    /// What is absent is left out when the mapping has no batching window, and `null` when it has one: the
    /// `md5OfMessageAttributes` of a message without attributes (recorded: more than 30 cases, no
    /// exception), and of an attribute the one of `stringValue` and `binaryValue` that it does not have (as
    /// events that people show of the service).
    #[must_use]
    pub fn new(arn: &str, region: &str, has_window: bool) -> Self {
        let mut tail = Vec::with_capacity(96 + arn.len() + region.len());
        tail.extend_from_slice(b",\"eventSource\":\"aws:sqs\",\"eventSourceARN\":");
        write_string(&mut tail, arn);
        tail.extend_from_slice(b",\"awsRegion\":");
        write_string(&mut tail, region);
        tail.push(b'}');
        Self {
            tail,
            shows_absent: has_window,
        }
    }

    /// Appends the fragment of one message.
    pub fn write(&self, out: &mut Vec<u8>, id: &str, receipt: &Receipt, sqs: &SqsMessage) {
        out.reserve(sqs.body.len() + receipt.0.len() + self.tail.len() + 512);
        self.write_members(out, id, receipt, sqs, true);
    }

    /// Appends the fragment without its body: what a filter may look at beside the data key.
    pub fn write_without_body(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        receipt: &Receipt,
        sqs: &SqsMessage,
    ) {
        self.write_members(out, id, receipt, sqs, false);
    }

    fn write_members(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        receipt: &Receipt,
        sqs: &SqsMessage,
        with_body: bool,
    ) {
        out.extend_from_slice(b"{\"messageId\":");
        write_string(out, id);
        out.extend_from_slice(b",\"receiptHandle\":");
        write_string(out, &receipt.0);
        if with_body {
            out.extend_from_slice(b",\"body\":");
            write_string(out, &sqs.body);
        }
        out.extend_from_slice(b",\"attributes\":");
        write_object(out, &sqs.attributes, |out, value| write_string(out, value));
        out.extend_from_slice(b",\"messageAttributes\":");
        write_object(out, &sqs.message_attributes, |out, attribute| {
            self.write_attribute(out, attribute);
        });
        match &sqs.md5_of_message_attributes {
            Some(md5) => {
                out.extend_from_slice(b",\"md5OfMessageAttributes\":");
                write_string(out, md5);
            }
            None if self.shows_absent => {
                out.extend_from_slice(b",\"md5OfMessageAttributes\":null");
            }
            None => {}
        }
        out.extend_from_slice(b",\"md5OfBody\":");
        write_string(out, &sqs.md5_of_body);
        out.extend_from_slice(&self.tail);
    }

    fn write_attribute(&self, out: &mut Vec<u8>, attribute: &MessageAttribute) {
        match &attribute.value {
            AttributeValue::Text(text) => {
                out.extend_from_slice(b"{\"stringValue\":");
                write_string(out, text);
                if self.shows_absent {
                    out.extend_from_slice(b",\"binaryValue\":null");
                }
            }
            AttributeValue::Binary(bytes) => {
                out.push(b'{');
                if self.shows_absent {
                    out.extend_from_slice(b"\"stringValue\":null,");
                }
                out.extend_from_slice(b"\"binaryValue\":");
                write_base64(out, bytes);
            }
        }
        out.extend_from_slice(b",\"stringListValues\":[],\"binaryListValues\":[],\"dataType\":");
        write_string(out, &attribute.data_type);
        out.push(b'}');
    }
}

fn write_object<N: AsRef<str>, V>(
    out: &mut Vec<u8>,
    members: &[(N, V)],
    write: impl Fn(&mut Vec<u8>, &V),
) {
    out.push(b'{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name.as_ref());
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}
