//! Functions in the field read our events of streams as they read AWS's.

use lambda_esm_tests::streams::{KinesisStream, Streams, Table};
use lambda_esm_tests::{Python, Recording, until};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::000000000000:role/lambda-role";

/// Maps a stream to the function that reads all, waits until it has recorded so many lines that `wanted`
/// counts, and returns all lines.
async fn read(
    streams: &Streams,
    arn: &str,
    members: &Value,
    enough: impl Fn(&[Value]) -> bool,
) -> Option<Vec<Value>> {
    let python = Python::find()?;
    let recording = Recording::default();
    let backend = python.backend("stream_shapes.handler", &recording, &[]);
    let engine = streams.engine().invoke(backend).build();
    let mut request = json!({
        "EventSourceArn": arn,
        "FunctionName": "function",
        "StartingPosition": "TRIM_HORIZON",
    });
    let members = members.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    let request = serde_json::from_value(request).unwrap();
    engine.create(request).await.unwrap();
    let lines = until("the function has read the events", async || {
        let lines: Vec<Value> = recording.lines();
        enough(&lines).then_some(lines)
    })
    .await;
    let problem = engine.status()[0].problem.clone();
    engine.shutdown().await;
    assert_eq!(problem, None);
    Some(lines)
}

fn records(lines: &[Value], how: &str, name: &str) -> Vec<Value> {
    let lines = lines.iter().map(|line| &line[how][name]);
    let records = lines.flat_map(|records| records.as_array().unwrap());
    records.cloned().collect()
}

async fn put(stream: &KinesisStream, key: &str, data: &[u8]) {
    let put = stream.client.put_record().stream_name(&stream.name);
    let data = aws_sdk_kinesis::primitives::Blob::new(data);
    put.partition_key(key).data(data).send().await.unwrap();
}

async fn powertools_reads_every_property_of_a_kinesis_event(streams: Streams) {
    let stream = streams.kinesis("shapes", 1).await;
    let data = [
        ("test_0", &b"hello"[..]),
        ("Zo\u{eb} \"\u{1d11e}\"", &[0, 255, 7]),
        ("key", b"{\"n\": 1}"),
    ];
    for (key, data) in data {
        put(&stream, key, data).await;
    }
    let enough = |lines: &[Value]| records(lines, "read", "records").len() >= data.len();
    let Some(lines) = read(&streams, &stream.arn, &json!({}), enough).await else {
        return;
    };
    let stream = lambda_esm_tests::streams::Stream::Kinesis(stream);
    let known = stream.read(data.len()).await;
    let hex = |data: &[u8]| {
        data.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let base64 = ["aGVsbG8=", "AP8H", "eyJuIjogMX0="];
    let read = records(&lines, "read", "records");
    let parsed = records(&lines, "parsed", "Records");
    assert_eq!((read.len(), parsed.len()), (data.len(), data.len()));
    for (at, (key, data)) in data.into_iter().enumerate() {
        let known = &known[at];
        let seconds = known.arrival_ms as f64 / 1000.0;
        let id = format!("{}:{}", known.shard, known.sequence);
        let expected = json!({
            "aws_region": "us-east-1",
            "event_id": id,
            "event_name": "aws:kinesis:record",
            "event_source": "aws:kinesis",
            "event_source_arn": stream.arn(),
            "event_version": "1.0",
            "invoke_identity_arn": ROLE,
            "kinesis": {
                "approximate_arrival_timestamp": seconds,
                "data": base64[at],
                "data_as_bytes": { "bytes": hex(data) },
                "kinesis_schema_version": "1.0",
                "partition_key": key,
                "sequence_number": known.sequence,
            },
        });
        assert_eq!(read[at], expected);
        let expected = json!({
            "awsRegion": "us-east-1",
            "eventID": id,
            "eventName": "aws:kinesis:record",
            "eventSource": "aws:kinesis",
            "eventSourceARN": stream.arn(),
            "eventVersion": "1.0",
            "invokeIdentityArn": ROLE,
            "kinesis": {
                "approximateArrivalTimestamp": seconds,
                "data": { "bytes": hex(data) },
                "kinesisSchemaVersion": "1.0",
                "partitionKey": key,
                "sequenceNumber": known.sequence,
            },
        });
        assert_eq!(parsed[at], expected);
    }
    for line in &lines {
        for absent in [
            "window",
            "shard_id",
            "event_source_arn",
            "is_final_invoke_for_window",
            "is_window_terminated_early",
        ] {
            assert_eq!(line["read"][absent], Value::Null, "{absent}");
        }
    }
}

/// An item of every type of attribute, and what Powertools makes of it: it leaves binaries in Base64.
fn every_type() -> (Value, Value) {
    let item = json!({
        "id": { "S": "all" },
        "text": { "S": "Zo\u{eb} \"\u{1d11e}\"\n" },
        "number": { "N": "-12.5" },
        "binary": { "B": "AP8H" },
        "yes": { "BOOL": true },
        "nothing": { "NULL": true },
        "texts": { "SS": ["a", "b"] },
        "numbers": { "NS": ["1", "2.5"] },
        "binaries": { "BS": ["AQ==", "Ag=="] },
        "list": { "L": [{ "S": "x" }, { "N": "1" }, { "L": [{ "BOOL": false }] }] },
        "map": { "M": { "inner": { "M": { "deep": { "N": "3" } } } } },
    });
    let python = json!({
        "id": "all",
        "text": "Zo\u{eb} \"\u{1d11e}\"\n",
        "number": { "decimal": "-12.5" },
        "binary": "AP8H",
        "yes": true,
        "nothing": null,
        "texts": { "set": ["a", "b"] },
        "numbers": { "set": [{ "decimal": "1" }, { "decimal": "2.5" }] },
        "binaries": { "set": ["AQ==", "Ag=="] },
        "list": ["x", { "decimal": "1" }, [false]],
        "map": { "inner": { "deep": { "decimal": "3" } } },
    });
    (item, python)
}

/// Puts, changes and removes an item.
async fn change(table: &Table, item: &Value) {
    table.put_item(item.clone()).await;
    let mut changed = item.clone();
    changed["number"] = json!({ "N": "13" });
    table.put_item(changed).await;
    let key = json!({ "TableName": table.name, "Key": { "id": item["id"] } });
    table.call("DeleteItem", key).await;
}

async fn powertools_reads_every_property_and_type_of_a_dynamodb_event(streams: Streams) {
    let table = streams.table("shapes").await;
    let (item, python) = every_type();
    change(&table, &item).await;
    let enough = |lines: &[Value]| records(lines, "read", "records").len() >= 3;
    let Some(lines) = read(&streams, &table.arn, &json!({}), enough).await else {
        return;
    };
    let region = table.arn.split(':').nth(3).unwrap().to_owned();
    let stream = lambda_esm_tests::streams::Stream::DynamoDb(table);
    let known = stream.read(3).await;
    let mut changed = python.clone();
    changed["number"] = json!({ "decimal": "13" });
    let images = [
        ("INSERT", Some(&python), None),
        ("MODIFY", Some(&changed), Some(&python)),
        ("REMOVE", None, Some(&changed)),
    ];
    let read = records(&lines, "read", "records");
    let parsed = records(&lines, "parsed", "Records");
    assert_eq!((read.len(), parsed.len()), (3, 3));
    for (at, (name, new, old)) in images.into_iter().enumerate() {
        let (read, parsed, known) = (&read[at], &parsed[at], &known[at]);
        // Both servers have identifiers of another form than the service.
        assert!(!read["event_id"].as_str().unwrap().is_empty());
        assert_eq!(read["event_name"], name);
        assert_eq!(read["event_source"], "aws:dynamodb");
        assert_eq!(read["event_source_arn"], stream.arn());
        assert_eq!(read["event_version"], "1.1");
        assert_eq!(read["aws_region"], region.as_str());
        assert_eq!(read["user_identity"], json!({}));
        let empty = json!({});
        let change = json!({
            "approximate_creation_date_time": known.arrival_ms / 1000,
            "keys": { "id": "all" },
            "new_image": new.unwrap_or(&empty),
            "old_image": old.unwrap_or(&empty),
            "sequence_number": known.sequence,
            "size_bytes": read["dynamodb"]["size_bytes"],
            "stream_view_type": "NEW_AND_OLD_IMAGES",
        });
        assert_eq!(read["dynamodb"], change);
        let change = json!({
            "ApproximateCreationDateTime": { "datetime": (known.arrival_ms / 1000) as f64 },
            "Keys": { "id": "all" },
            "NewImage": new,
            "OldImage": old,
            "SequenceNumber": known.sequence,
            "SizeBytes": read["dynamodb"]["size_bytes"],
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        assert_eq!(parsed["dynamodb"], change);
        assert_eq!(parsed["eventName"], name);
        assert_eq!(parsed["eventID"], read["event_id"]);
        assert_eq!(parsed["userIdentity"], Value::Null);
    }
}

async fn powertools_reads_what_an_event_says_of_its_window(streams: Streams) {
    let stream = streams.stream("shapes-window", 1).await;
    stream.put_numbers(0..3).await;
    let known = stream.read(3).await;
    let ended = |line: &Value| line["read"]["is_final_invoke_for_window"] == json!(true);
    let enough = |lines: &[Value]| lines.iter().any(ended);
    let members = json!({ "TumblingWindowInSeconds": 1 });
    let Some(lines) = read(&streams, stream.arn(), &members, enough).await else {
        return;
    };
    for line in &lines {
        let read = &line["read"];
        assert_eq!(read["shard_id"], known[0].shard);
        assert_eq!(read["event_source_arn"], stream.arn());
        assert_eq!(read["is_window_terminated_early"], json!(false));
        let time = |name: &str| -> jiff::Timestamp {
            read["window"][name].as_str().unwrap().parse().unwrap()
        };
        assert_eq!((time("end") - time("start")).get_seconds(), 1);
    }
    let (before, rest) = lines.split_at(lines.iter().position(ended).unwrap());
    let last = &rest[0];
    assert_eq!(before[0]["read"]["state"], json!({}));
    let seen = records(before, "read", "records").len();
    assert_eq!(last["read"]["state"], json!({ "records": seen }));
    assert_eq!(last["read"]["records"], json!([]));
    assert_eq!(last["parsed"]["Records"], json!([]));
}

on_servers! {
    kinesis_local: powertools_reads_every_property_of_a_kinesis_event,
        powertools_reads_what_an_event_says_of_its_window;
    ministack_kinesis: powertools_reads_every_property_of_a_kinesis_event,
        powertools_reads_what_an_event_says_of_its_window;
    dynamodb_local: powertools_reads_every_property_and_type_of_a_dynamodb_event;
    ministack_dynamodb: powertools_reads_every_property_and_type_of_a_dynamodb_event,
        powertools_reads_what_an_event_says_of_its_window;
}
