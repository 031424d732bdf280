//! Sources whose answers hold too much, or what cannot be: the rest of them counts.

use lambda_esm_engine::ports::QueueSource;

use crate::hostile::{ONCE, queue};
use crate::stand_in::{Answer, StandIn};

/// Returns the JSON of a message with these members beside those that it must have.
fn message(number: usize, members: &str) -> String {
    format!(r#"{{"MessageId":"m-{number}","ReceiptHandle":"r-{number}"{members}}}"#)
}

#[tokio::test]
async fn one_message_that_makes_no_sense_does_not_spoil_its_receive() {
    let server = StandIn::start(
        "ReceiveMessage",
        Answer::Body(|_| {
            let hello = r#","Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592""#;
            let messages = [
                message(0, hello),
                r#"{"ReceiptHandle":"r","Body":"no id"}"#.to_owned(),
                r#"{"MessageId":"m-2","ReceiptHandle":null}"#.to_owned(),
                message(3, &hello.replace("hello", "hallo")),
                message(4, r#","Body":7"#),
                "null".to_owned(),
                message(6, r#","Attributes":{"ApproximateReceiveCount":3}"#),
                message(7, r#","Body":"half a \ud83d","MD5OfBody":"""#),
            ];
            format!(r#"{{"Messages":[{}]}}"#, messages.join(","))
        }),
    );
    let received = queue(&server.url).await.receive(ONCE).await.unwrap();
    let ids = received.messages.iter().map(|message| message.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["m-0", "m-6", "m-7"]);
    let lost = received.unreadable.iter();
    let lost: Vec<_> = lost
        .map(|lost| (lost.id.as_str(), lost.because.as_str()))
        .collect();
    let expected = [
        ("", "it has no MessageId"),
        ("m-2", "it has no ReceiptHandle"),
        ("m-3", "its MD5OfBody is 5d41402abc4b2a76b9719d911017c592"),
        ("m-4", "invalid type: integer `7`"),
        ("", "invalid type: null"),
    ];
    assert_eq!(lost.len(), expected.len(), "{lost:?}");
    for ((id, because), (expected_id, words)) in lost.into_iter().zip(expected) {
        assert_eq!(id, expected_id);
        assert!(because.contains(words), "{because}");
    }
}

#[tokio::test]
async fn no_more_messages_are_taken_than_a_receive_brings() {
    let server = StandIn::start(
        "ReceiveMessage",
        Answer::Body(|_| {
            let messages: Vec<_> = (0..100_000).map(|number| message(number, "")).collect();
            format!(r#"{{"Messages":[{}]}}"#, messages.join(","))
        }),
    );
    let received = queue(&server.url).await.receive(ONCE).await.unwrap();
    assert_eq!(received.messages.len(), 10);
    let [lost] = received.unreadable.as_slice() else {
        panic!("{:?}", received.unreadable)
    };
    assert_eq!(lost.because, "99990 are beyond the 10 of one receive");
}
