//! Every kind of event source has a valid request; those that are not read are refused, and the refusal says why.

use aws_sdk_lambda::Client;
use lambda_esm_tests::streams::Streams;
use lambda_esm_tests::{QueueOptions, Recording, Sqs};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Control, configuration, listed};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";

/// One valid request of each kind of source that this daemon does not read, and what it says of it: what a later version
/// reads, and what nobody says the place of.
fn not_read() -> Vec<(&'static str, Value)> {
    let secret = json!([{ "Type": "BASIC_AUTH", "URI": SECRET }]);
    let broker =
        "arn:aws:mq:us-east-1:000000000000:broker:b:b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9";
    vec![
        (
            "amqps://HOST for RabbitMQ",
            json!({ "EventSourceArn": broker, "Queues": ["q"], "SourceAccessConfigurations": secret }),
        ),
        (
            "mongodb://HOST",
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
async fn sources_that_are_not_read_are_refused_and_the_refusal_says_why() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    for (why, mut request) in not_read() {
        request["FunctionName"] = json!("f");
        let (status, head, body) = post(&control.endpoint, &request).await;
        assert_eq!(status, 400, "{why}: {body}");
        assert!(
            head.contains("x-amzn-errortype: invalidparametervalueexception"),
            "{why}: {head} {body}"
        );
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(why), "{why}: {message}");
        println!("{message}");
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

/// One valid request of each kind of stream, with this ARN.
fn of_stream(arn: &str) -> Value {
    json!({
        "EventSourceArn": arn, "FunctionName": "f", "StartingPosition": "TRIM_HORIZON",
        "ParallelizationFactor": 2, "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3,
    })
}

/// A configuration like that of the queues' tests, whose streams are at this server.
fn at(server: &Streams) -> Value {
    let service = if server.is_dynamodb() {
        "dynamodb"
    } else {
        "kinesis"
    };
    json!({
        "api": { "listen": "127.0.0.1:0" },
        "endpoints": { service: server.endpoint },
        "functions": { "*": { "backend": "simulated" } },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_kinds_of_stream_are_built_and_one_that_is_missing_is_told_by_its_arn() {
    let (Some(kinesis), Some(dynamodb)) = (Streams::kinesis_local(), Streams::dynamodb_local())
    else {
        return;
    };
    for server in [kinesis, dynamodb] {
        let folder = Recording::default();
        let control = Control::start(folder.folder(), &at(&server)).await;
        let stream = server.stream("kinds", 1).await;
        // The Lambda API takes no region such as that of DynamoDB Local in an ARN.
        let arn = stream.arn().replace(":ddblocal:", ":us-east-1:");
        let missing = if server.is_dynamodb() {
            arn.replace("table/kinds", "table/missing")
        } else {
            arn.replace("stream/kinds", "stream/missing")
        };
        let (status, head, body) = post(&control.endpoint, &of_stream(&missing)).await;
        let text = format!("Stream not found: {missing}");
        assert_eq!(
            (status, &body),
            (400, &json!({ "Type": "User", "message": text }))
        );
        assert!(
            head.contains("x-amzn-errortype: invalidparametervalueexception"),
            "{head}"
        );
        let (status, _, body) = post(&control.endpoint, &of_stream(&arn)).await;
        assert_eq!(status, 202, "{}: {body}", server.what);
        assert_eq!(body["ParallelizationFactor"], 2);
        assert_eq!(count(&control.client).await, 1);
        control.stop().await;
    }
}
