//! Every kind of event source has a valid request; those that are not built are refused, and the refusal
//! says so.

use aws_sdk_lambda::Client;
use lambda_esm_tests::{QueueOptions, Recording, Sqs};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Control, configuration, listed};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";

/// One valid request of each kind of source that is not a queue of SQS.
fn not_built() -> Vec<(&'static str, Value)> {
    let secret = json!([{ "Type": "BASIC_AUTH", "URI": SECRET }]);
    let broker =
        "arn:aws:mq:us-east-1:000000000000:broker:b:b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9";
    let cluster =
        "arn:aws:kafka:us-east-1:000000000000:cluster/c/12345678-1234-1234-1234-123456789012-1";
    vec![
        (
            "Kinesis",
            json!({
                "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                "StartingPosition": "TRIM_HORIZON",
                "ParallelizationFactor": 2,
                "BisectBatchOnFunctionError": true,
            }),
        ),
        (
            "DynamoDb",
            json!({
                "EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-01-01T00:00:00.000",
                "StartingPosition": "LATEST",
                "MaximumRetryAttempts": 3,
            }),
        ),
        (
            "Msk",
            json!({ "EventSourceArn": cluster, "Topics": ["topic"], "StartingPosition": "LATEST" }),
        ),
        (
            "SelfManagedKafka",
            json!({
                "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:9092"] } },
                "Topics": ["topic"],
                "StartingPosition": "TRIM_HORIZON",
                "SourceAccessConfigurations": [{ "Type": "SASL_SCRAM_512_AUTH", "URI": SECRET }],
            }),
        ),
        (
            "Mq",
            json!({ "EventSourceArn": broker, "Queues": ["q"], "SourceAccessConfigurations": secret }),
        ),
        (
            "DocumentDb",
            json!({
                "EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:d",
                "StartingPosition": "LATEST",
                "SourceAccessConfigurations": secret,
                "DocumentDBEventSourceConfig": { "DatabaseName": "d" },
            }),
        ),
    ]
}

/// Posts a request to create a mapping; returns the answer's status line, headers and body.
async fn post(endpoint: &str, body: &Value) -> (u16, String, Value) {
    let address = endpoint.strip_prefix("http://").unwrap();
    let body = body.to_string();
    let request = format!(
        "POST /2015-03-31/event-source-mappings HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (
        status,
        head.to_lowercase(),
        serde_json::from_str(body).unwrap(),
    )
}

async fn count(client: &Client) -> usize {
    listed(client, 100).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_are_not_built_are_refused_and_the_refusal_says_so() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    for (kind, mut request) in not_built() {
        request["FunctionName"] = json!("f");
        let (status, head, body) = post(&control.endpoint, &request).await;
        assert_eq!(status, 400, "{kind}: {body}");
        assert!(
            head.contains("x-amzn-errortype: invalidparametervalueexception"),
            "{kind}: {head} {body}"
        );
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains("not supported by this build"),
            "{kind}: {message}"
        );
        println!("{kind}: {message}");
    }
    assert_eq!(count(&control.client).await, 0);
    control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_kinds_of_queue_are_built() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    for fifo in [false, true] {
        let options = QueueOptions {
            fifo,
            ..QueueOptions::default()
        };
        let queue = sqs.queue("kinds", options).await;
        let request = json!({ "EventSourceArn": queue.arn(), "FunctionName": "f" });
        let (status, _, body) = post(&control.endpoint, &request).await;
        assert_eq!(status, 202, "{body}");
    }
    assert_eq!(count(&control.client).await, 2);
    control.stop().await;
}
