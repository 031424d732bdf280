//! What an event shows of each kind of message.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{ActiveMqKind, ActiveMqMessage, PushedContent};
use lambda_esm_engine::ports::Outcome;

use crate::scene::{Queue, jms};

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_each_kind_are_shown_as_java_sent_them_or_told_as_unreadable() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    let sent = queue.jms.send(&queue.name).await;
    let consumer = queue.consume(100).await;
    let messages = consumer.take(sent.len()).await;
    consumer.settle(&messages, Outcome::Accepted).await;
    consumer.close().await;
    assert!(queue.jms.read(&queue.name).await.is_empty());

    // A broker delivers those that are not persistent in their own order.
    let shown: Vec<&ActiveMqMessage> = messages
        .iter()
        .filter(|message| matches!(message.content, PushedContent::ActiveMq(_)))
        .map(jms)
        .collect();
    let sent_as = |name: &str| sent.iter().find(|sent| sent.name == name).unwrap();
    let find = |name: &str| {
        let id = &sent_as(name).id;
        (*shown
            .iter()
            .find(|message| message.message_id == *id)
            .unwrap())
        .clone()
    };
    let expected = |name: &str, kind, body: &'static [u8]| {
        let sent = sent_as(name);
        ActiveMqMessage::new(&queue.name, &sent.id, kind, body)
            .with_timestamp(Some(Timestamp(sent.timestamp)))
    };

    let mut text = find("text");
    text.properties.sort();
    let properties = [
        ("boolean", "true"),
        ("byte", "-1"),
        ("double", "1.0E10"),
        ("float", "1.5"),
        ("int", "3"),
        ("long", "1099511627776"),
        ("short", "2"),
        ("string", "text"),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        text,
        expected("text", ActiveMqKind::Text, "héllo € 😀".as_bytes())
            .with_priority(7)
            .with_expiration(Some(Timestamp(sent_as("text").expiration)))
            .with_correlation_id(Some("correlation-1".to_owned()))
            .with_reply_to(Some("answers".to_owned()))
            .with_jms_type(Some("greeting".to_owned()))
            .with_properties(properties.to_vec())
    );
    let left = messages
        .iter()
        .find_map(|message| message.time_to_live)
        .unwrap();
    let hour = Duration::from_secs(3600);
    assert!(
        left <= hour && left > hour - Duration::from_secs(60),
        "{left:?}"
    );

    let bytes = find("bytes");
    assert!(bytes.correlation_id.is_some());
    assert_eq!(
        bytes.with_correlation_id(None),
        expected("bytes", ActiveMqKind::Bytes, &[0, 1, 254, 255]).with_delivery_mode(1)
    );
    for (name, kind) in [
        ("empty-text", ActiveMqKind::Text),
        ("null-text", ActiveMqKind::Text),
        ("empty-bytes", ActiveMqKind::Bytes),
    ] {
        assert_eq!(find(name), expected(name, kind, b""));
    }
    assert_eq!(shown.len(), 5);

    let unreadable = messages
        .iter()
        .filter_map(|message| match &message.content {
            PushedContent::Unreadable(message) => {
                Some((message.json.clone(), message.because.clone()))
            }
            _ => None,
        });
    let unreadable: BTreeMap<String, String> = unreadable.collect();
    assert_eq!(unreadable.len(), 4);
    for (name, kind) in [
        ("map", "a map message"),
        ("object", "an object message"),
        ("stream", "a stream message"),
        ("message", "a message without a body"),
    ] {
        let json = format!(r#"{{"messageID":"{}"}}"#, sent_as(name).id);
        assert!(unreadable[&json].contains(kind), "{}", unreadable[&json]);
    }
}
