//! The events of Amazon MQ (Lambda developer guide, "Using Lambda with Amazon MQ"): the messages of a RabbitMQ queue under
//! its name and virtual host, those of an ActiveMQ queue in a list.

use bytes::Bytes;

use crate::json::{write_base64, write_escaped, write_integer, write_string};
use crate::record::{ActiveMqKind, ActiveMqMessage, PushedContent, RabbitMqMessage};

/// Writes the event fragments of one queue, and the events made of them.
#[derive(Clone, Debug)]
pub struct MqEncoder {
    /// Everything before the first message.
    prefix: Vec<u8>,
    /// Everything after the last one.
    suffix: &'static [u8],
}

impl MqEncoder {
    /// Returns the encoder of a queue of the RabbitMQ broker `arn`.
    #[must_use]
    pub fn rabbitmq(arn: &str, queue: &str, virtual_host: &str) -> Self {
        let mut prefix = b"{\"eventSource\":\"aws:rmq\",\"eventSourceArn\":".to_vec();
        write_string(&mut prefix, arn);
        prefix.extend_from_slice(b",\"rmqMessagesByQueue\":{\"");
        write_escaped(&mut prefix, queue);
        prefix.extend_from_slice(b"::");
        write_escaped(&mut prefix, virtual_host);
        prefix.extend_from_slice(b"\":[");
        Self {
            prefix,
            suffix: b"]}}",
        }
    }

    /// Returns the encoder of a queue of the ActiveMQ broker `arn`.
    #[must_use]
    pub fn activemq(arn: &str) -> Self {
        let mut prefix = b"{\"eventSource\":\"aws:mq\",\"eventSourceArn\":".to_vec();
        write_string(&mut prefix, arn);
        prefix.extend_from_slice(b",\"messages\":[");
        Self {
            prefix,
            suffix: b"]}",
        }
    }

    /// Returns how many bytes of an event stand around its fragments.
    #[must_use]
    pub const fn envelope_bytes(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// Appends the fragment of one message.
    pub fn write(&self, out: &mut Vec<u8>, content: &PushedContent) {
        out.reserve(content.size() * 4 / 3 + 512);
        write_message(out, content, true);
    }

    /// Appends the fragment without its data: what a filter may look at beside the data key `data`.
    pub fn write_metadata(&self, out: &mut Vec<u8>, content: &PushedContent) {
        write_message(out, content, false);
    }

    /// Returns the event of these fragments.
    pub fn event<'a>(&self, fragments: impl Iterator<Item = &'a [u8]>) -> Bytes {
        let mut event = self.prefix.clone();
        for (index, fragment) in fragments.enumerate() {
            if index > 0 {
                event.push(b',');
            }
            event.extend_from_slice(fragment);
        }
        event.extend_from_slice(self.suffix);
        event.into()
    }
}

fn write_message(out: &mut Vec<u8>, content: &PushedContent, with_data: bool) {
    match content {
        PushedContent::RabbitMq(message) => write_rabbitmq(out, message, with_data),
        PushedContent::ActiveMq(message) => write_activemq(out, message, with_data),
        // Nothing shows it.
        PushedContent::Unreadable(_) => out.extend_from_slice(b"{}"),
    }
}

fn write_rabbitmq(out: &mut Vec<u8>, message: &RabbitMqMessage, with_data: bool) {
    out.extend_from_slice(b"{\"basicProperties\":{\"bodySize\":");
    write_integer(out, message.body.len() as i64);
    out.extend_from_slice(b"},\"redelivered\":");
    write_flag(out, message.redelivered);
    write_data(out, &message.body, with_data);
    out.push(b'}');
}

fn write_activemq(out: &mut Vec<u8>, message: &ActiveMqMessage, with_data: bool) {
    out.extend_from_slice(b"{\"messageID\":");
    write_string(out, &message.message_id);
    out.extend_from_slice(match message.kind {
        ActiveMqKind::Text => b",\"messageType\":\"jms/text-message\"",
        ActiveMqKind::Bytes => b",\"messageType\":\"jms/bytes-message\"",
    });
    out.extend_from_slice(b",\"redelivered\":");
    write_flag(out, message.redelivered);
    write_data(out, &message.body, with_data);
    out.push(b'}');
}

fn write_flag(out: &mut Vec<u8>, flag: bool) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

fn write_data(out: &mut Vec<u8>, body: &[u8], with_data: bool) {
    if with_data {
        out.extend_from_slice(b",\"data\":");
        write_base64(out, body);
    }
}
