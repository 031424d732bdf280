//! Functions in the field read our events as they read AWS's.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use lambda_esm_tests::{Message, Python, Queue, QueueOptions, Recording, Sqs};
use serde_json::{Value, json};

/// Hands all messages of a queue to the handler, and returns what it read.
async fn read(sqs: &Sqs, python: &Python, queue: &Queue) -> Vec<Value> {
    let recording = Recording::default();
    let engine = sqs
        .engine()
        .invoke(python.backend("parsed.handler", &recording, &[]))
        .build();
    let members = json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] });
    engine
        .create(queue.mapping("function", members))
        .await
        .unwrap();
    queue.until_empty().await;
    engine.shutdown().await;
    recording.lines()
}

fn attribute(data_type: &str) -> aws_sdk_sqs::types::builders::MessageAttributeValueBuilder {
    MessageAttributeValue::builder().data_type(data_type)
}

fn is_time(value: &Value) -> bool {
    // Milliseconds since 1970, as text: 13 digits until the year 2286.
    value
        .as_str()
        .is_some_and(|text| text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn powertools_reads_every_property_of_a_standard_queues_event() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let queue = sqs.queue("standard", QueueOptions::default()).await;
    let body = "{\"total\": 12,\n \"name\": \"Zoë \\\"𝄞\\\"\"}\t\u{7f}";
    let sent = queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body(body)
        .message_attributes(
            "Text",
            attribute("String")
                .string_value("a \"b\" ü")
                .build()
                .unwrap(),
        )
        .message_attributes(
            "Number",
            attribute("Number.int").string_value("-12").build().unwrap(),
        )
        .message_attributes(
            "Bytes",
            attribute("Binary")
                .binary_value(Blob::new([0, 255, 7]))
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let seen = read(&sqs, &python, &queue).await;
    let [seen] = seen.as_slice() else {
        panic!("one message: {seen:?}")
    };

    assert_eq!(seen["message_id"], sent.message_id.unwrap());
    assert_eq!(seen["body"], body);
    assert_eq!(seen["md5_of_body"], sent.md5_of_message_body.unwrap());
    assert_eq!(seen["event_source"], "aws:sqs");
    assert_eq!(seen["event_source_arn"], queue.arn());
    assert_eq!(seen["aws_region"], "us-east-1");
    assert!(!seen["receipt_handle"].as_str().unwrap().is_empty());
    let attributes = &seen["attributes"];
    assert_eq!(attributes["approximate_receive_count"], "1");
    assert!(!attributes["sender_id"].as_str().unwrap().is_empty());
    for time in ["sent_timestamp", "approximate_first_receive_timestamp"] {
        assert!(is_time(&attributes[time]), "{time}: {attributes}");
    }
    for absent in [
        "sequence_number",
        "message_group_id",
        "message_deduplication_id",
    ] {
        assert_eq!(attributes[absent], Value::Null, "{absent}");
    }
    let expected = json!({
        "Text": { "data_type": "String", "string_value": "a \"b\" ü" },
        "Number": { "data_type": "Number.int", "string_value": "-12" },
        "Bytes": { "data_type": "Binary", "binary_value": "AP8H" },
    });
    assert_eq!(seen["message_attributes"], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn powertools_reads_group_and_sequence_of_a_fifo_queues_event() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let queue = sqs
        .queue(
            "ordered",
            QueueOptions {
                fifo: true,
                ..Default::default()
            },
        )
        .await;
    let message = |number: usize| Message {
        body: number.to_string(),
        group: Some("g-1".to_owned()),
    };
    queue.send((0..3).map(message)).await;
    let seen = read(&sqs, &python, &queue).await;
    let bodies: Vec<_> = seen
        .iter()
        .map(|message| message["body"].as_str().unwrap())
        .collect();
    assert_eq!(bodies, ["0", "1", "2"]);
    for message in &seen {
        let attributes = &message["attributes"];
        assert_eq!(message["event_source_arn"], queue.arn());
        assert_eq!(attributes["message_group_id"], "g-1");
        assert!(
            !attributes["message_deduplication_id"]
                .as_str()
                .unwrap()
                .is_empty()
        );
        let sequence = attributes["sequence_number"].as_str().unwrap();
        assert!(
            !sequence.is_empty() && sequence.bytes().all(|b| b.is_ascii_digit()),
            "{sequence}"
        );
        assert_eq!(message["message_attributes"], json!({}));
    }
}
