//! ActiveMQ events, against an independent reader and the documented shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use aws_lambda_events::activemq::ActiveMqEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::mq::MqEncoder;
use lambda_esm_core::record::{ActiveMqKind, ActiveMqMessage, PushedContent, Unreadable};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const BROKER: &str = "arn:aws:mq:us-east-2:111122223333:broker:test:b-9bcfa592-423a";

fn fragment(message: ActiveMqMessage) -> String {
    let mut out = Vec::new();
    let content = PushedContent::ActiveMq(Box::new(message));
    MqEncoder::activemq(BROKER).write(&mut out, &content);
    String::from_utf8(out).unwrap()
}

/// The sample of the developer guide.
fn documented() -> ActiveMqMessage {
    let properties = [
        ("index", "1"),
        ("doAlarm", "false"),
        ("myCustomProperty", "value"),
    ];
    let id = "ID:b-9bcfa592-423a-1.mq.us-east-2.amazonaws.com-37557-1234520418293-4:1:1:1:1";
    ActiveMqMessage::new("testQueue", id, ActiveMqKind::Text, "ABC:AAAA")
        .with_delivery_mode(1)
        .with_expiration(Some(Timestamp(60_000)))
        .with_priority(1)
        .with_correlation_id(Some("myJMSCoID".to_owned()))
        .with_timestamp(Some(Timestamp(1_598_827_811_958)))
        .with_broker_in_time(Some(Timestamp(1_598_827_811_958)))
        .with_broker_out_time(Some(Timestamp(1_598_827_811_959)))
        .with_properties(
            properties
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        )
}

#[test]
fn the_event_is_the_documented_one_with_what_the_event_types_want() {
    let encoder = MqEncoder::activemq(BROKER);
    let fragment = fragment(documented());
    let event = encoder.event([fragment.as_bytes()].into_iter());
    let expected = concat!(
        r#"{"eventSource":"aws:mq","eventSourceArn":"arn:aws:mq:us-east-2:111122223333:broker:test:"#,
        r#"b-9bcfa592-423a","messages":[{"messageID":"ID:b-9bcfa592-423a-1.mq.us-east-2.amazonaws.com-37557-"#,
        r#"1234520418293-4:1:1:1:1","messageType":"jms/text-message","deliveryMode":1,"replyTo":null,"#,
        r#""type":null,"expiration":60000,"priority":1,"correlationId":"myJMSCoID","#,
        r#""correlationID":"myJMSCoID","redelivered":false,"destination":{"physicalName":"testQueue"},"#,
        r#""data":"QUJDOkFBQUE=","timestamp":1598827811958,"brokerInTime":1598827811958,"#,
        r#""brokerOutTime":1598827811959,"properties":{"index":"1","doAlarm":"false","#,
        r#""myCustomProperty":"value"}}]}"#,
    );
    assert_eq!(std::str::from_utf8(&event).unwrap(), expected);
    let around = expected.len() - fragment.len();
    assert_eq!(encoder.envelope_bytes(), around);
}

#[test]
fn what_a_message_lacks_is_null_and_times_that_it_lacks_are_zero() {
    let message = ActiveMqMessage::new("q", "", ActiveMqKind::Bytes, &b"\xff"[..]);
    let expected = concat!(
        r#"{"messageID":"","messageType":"jms/bytes-message","deliveryMode":2,"replyTo":null,"type":null,"#,
        r#""expiration":0,"priority":4,"correlationId":null,"correlationID":null,"redelivered":true,"#,
        r#""destination":{"physicalName":"q"},"data":"/w==","timestamp":0,"brokerInTime":0,"#,
        r#""brokerOutTime":0,"properties":{}}"#,
    );
    assert_eq!(fragment(message.with_redelivered(true)), expected);
}

#[test]
fn metadata_is_the_fragment_without_the_data() {
    let mut metadata = Vec::new();
    let content = PushedContent::ActiveMq(Box::new(documented()));
    MqEncoder::activemq(BROKER).write_metadata(&mut metadata, &content);
    let whole = fragment(documented());
    let whole = whole.replace(r#""data":"QUJDOkFBQUE=","#, "");
    assert_eq!(metadata, whole.into_bytes());
}

#[test]
fn a_message_that_no_event_can_show_has_no_metadata() {
    let unreadable = Unreadable::new("a map message", "{}");
    let mut metadata = Vec::new();
    let content = PushedContent::Unreadable(Box::new(unreadable));
    MqEncoder::activemq(BROKER).write_metadata(&mut metadata, &content);
    assert_eq!(metadata, b"{}");
}

proptest! {
    #[test]
    fn an_independent_reader_finds_every_message_as_it_was(
        texts in vec(("(?s).{0,12}", option::of("(?s).{0,12}")), 1..6),
        body in vec(any::<u8>(), 0..40), numbers in any::<[i64; 4]>(), octets in any::<(u8, u8, bool)>(),
    ) {
        let messages = texts.iter().map(|(text, maybe)| {
            ActiveMqMessage::new(text, text, ActiveMqKind::Text, body.clone())
                .with_delivery_mode(octets.0)
                .with_priority(octets.1)
                .with_redelivered(octets.2)
                .with_reply_to(maybe.clone())
                .with_jms_type(maybe.clone())
                .with_correlation_id(maybe.clone())
                .with_expiration(Some(Timestamp(numbers[0])))
                .with_timestamp(Some(Timestamp(numbers[1])))
                .with_broker_in_time(Some(Timestamp(numbers[2])))
                .with_broker_out_time(Some(Timestamp(numbers[3])))
                .with_properties(vec![(text.clone(), text.clone())])
        });
        let fragments: Vec<String> = messages.map(fragment).collect();
        let event = MqEncoder::activemq(BROKER).event(fragments.iter().map(String::as_bytes));
        let event: ActiveMqEvent = serde_json::from_slice(&event).unwrap();
        prop_assert_eq!(event.event_source.as_deref(), Some("aws:mq"));
        prop_assert_eq!(event.event_source_arn.as_deref(), Some(BROKER));
        prop_assert_eq!(event.messages.len(), texts.len());
        for (read, (text, maybe)) in event.messages.iter().zip(&texts) {
            prop_assert_eq!(read.message_id.as_ref(), Some(text));
            prop_assert_eq!(read.message_type.as_deref(), Some("jms/text-message"));
            prop_assert_eq!(read.destination.physical_name.as_ref(), Some(text));
            prop_assert_eq!(&STANDARD.decode(read.data.as_ref().unwrap()).unwrap(), &body);
            prop_assert_eq!(&read.correlation_id, maybe);
            prop_assert_eq!(&read.reply_to, maybe);
            prop_assert_eq!((read.delivery_mode, read.priority), (octets.0.into(), octets.1.into()));
            prop_assert_eq!(read.redelivered, octets.2);
            let times = [read.expiration, read.timestamp, read.broker_in_time, read.broker_out_time];
            prop_assert_eq!(times, numbers);
            prop_assert_eq!(&read.properties[text], text);
        }
    }
}
