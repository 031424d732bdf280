//! The events of Amazon MQ (Lambda developer guide, "Using Lambda with Amazon MQ"): the messages of a RabbitMQ queue under
//! its name and virtual host, those of an ActiveMQ queue in a list.

use bytes::Bytes;

use super::{activemq, rabbitmq};
use crate::json::{write_escaped, write_string};
use crate::record::PushedContent;

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
        PushedContent::RabbitMq(message) => rabbitmq::write(out, message, with_data),
        PushedContent::ActiveMq(message) => activemq::write(out, message, with_data),
        // Nothing shows it.
        PushedContent::Unreadable(_) => out.extend_from_slice(b"{}"),
    }
}
