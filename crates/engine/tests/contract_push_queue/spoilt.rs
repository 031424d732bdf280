//! Messages that a fault has spoilt.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, DeliveryTag, PushedContent, PushedMessage, RabbitMqMessage,
};

use crate::fault::Fault;

/// Spoils a message by itself.
pub(crate) fn spoil(fault: Fault, message: &mut PushedMessage) {
    match fault {
        Fault::FailedAtOnce => message.failed_deliveries = 1,
        Fault::Expires => message.time_to_live = Some(Duration::from_secs(3600)),
        Fault::TagsRepeat => message.tag = DeliveryTag(1),
        Fault::TagsWithGaps => message.tag.0 *= 3,
        _ => {}
    }
    match &mut message.content {
        PushedContent::RabbitMq(message) => rabbitmq(fault, message),
        PushedContent::ActiveMq(message) => activemq(fault, message),
        _ => {}
    }
}

fn body(fault: Fault, body: &mut Bytes) {
    match fault {
        Fault::BodyCut => body.truncate(body.len().saturating_sub(1)),
        Fault::BodyLossy => *body = String::from_utf8_lossy(body).into_owned().into(),
        _ => {}
    }
}

fn rabbitmq(fault: Fault, message: &mut RabbitMqMessage) {
    body(fault, &mut message.body);
    match fault {
        Fault::PropertiesLost => message.properties.correlation_id = None,
        Fault::KindLost => message.properties.kind = None,
        Fault::PriorityLost => message.properties.priority = None,
        Fault::HeadersLost => message.properties.headers = None,
        Fault::RedeliveredAtOnce => message.redelivered = true,
        Fault::RedeliveryNotShown => message.redelivered = false,
        _ => {}
    }
}

fn activemq(fault: Fault, message: &mut ActiveMqMessage) {
    body(fault, &mut message.body);
    if fault == Fault::TextAsBytes {
        message.kind = ActiveMqKind::Bytes;
    }
}

/// Spoils the messages of one read.
pub(crate) fn spoil_read(fault: Fault, messages: &mut Vec<PushedMessage>) {
    for message in &mut *messages {
        spoil(fault, message);
    }
    match (fault, &mut messages[..]) {
        (Fault::OrderSwapped, [first, second, ..]) => {
            std::mem::swap(&mut first.content, &mut second.content);
        }
        (Fault::DeliveredTwice, [.., last]) => {
            let again = last.clone();
            messages.push(again);
        }
        (Fault::FirstLost, [_, _, ..]) => drop(messages.remove(0)),
        _ => {}
    }
}
