//! Filters on the data of records, as recorded from the service.

use lambda_esm_tests::streams::{Lab, Row, Streams, Table, saying};
use serde_json::{Value, json};

fn filter(pattern: &Value) -> Value {
    json!({
        "BatchSize": 1,
        "FilterCriteria": { "Filters": [{ "Pattern": pattern.to_string() }] },
    })
}

/// K1: two mappings of one stream, each with a pattern of its own.
async fn each_function_gets_the_records_of_its_own_type(streams: Streams) {
    let stream = streams.kinesis("k1", 1).await;
    let lab = Lab::new(streams.engine());
    let mut rows = Vec::new();
    for kind in ["function_1", "function_2"] {
        let members = filter(&json!({ "data": { "event_type": [kind] } }));
        let row = lab.map_arn(&stream.arn, &members, saying("null")).await;
        rows.push(row);
    }
    let records = [
        json!({ "event_type": "function_1", "message": "foo" }),
        json!({ "event_type": "function_2", "message": "bar" }),
    ];
    let puts = records.clone().map(|record| ("test".to_owned(), record));
    stream.put(&puts).await;
    for row in &rows {
        row.until_settled(2).await;
    }
    for (row, record) in rows.iter().zip(records) {
        assert_eq!(row.counts().filtered_out_event_count, 1);
        assert_eq!(row.batches(), [[record]]);
    }
    lab.engine.shutdown().await;
}

/// A pattern, the items that are put one after the other, and the records that pass, each as the name of its
/// event and its image.
struct Case {
    name: &'static str,
    pattern: Value,
    items: [Value; 2],
    passes: Vec<(&'static str, usize)>,
}

fn case(
    name: &'static str,
    pattern: Value,
    items: [Value; 2],
    passes: &[(&'static str, usize)],
) -> Case {
    Case {
        name,
        pattern,
        items,
        passes: passes.to_vec(),
    }
}

fn with(id: &str, member: Option<(&str, Value)>) -> Value {
    let mut item = json!({ "id": { "S": id } });
    if let Some((name, value)) = member {
        item[name] = value;
    }
    item
}

/// D1 to D9.
fn cases() -> Vec<Case> {
    let one = "id_value_1";
    let text = |name: &'static str, text: &str| Some((name, json!({ "S": text })));
    let number = |number: &str| Some(("numericFilter", json!({ "N": number })));
    let image = |pattern: Value| json!({ "dynamodb": { "NewImage": pattern } });
    let present = [
        with(one, text("presentKey", "presentValue")),
        with("id_value_2", None),
    ];
    vec![
        case(
            "insert_same_entry_twice",
            json!({ "eventName": ["INSERT"] }),
            [
                with(one, text("id2", "id2_value")),
                with(one, text("id2", "id2_value")),
            ],
            &[("INSERT", 0)],
        ),
        case(
            "content_or_filter",
            json!({ "eventName": ["INSERT", "MODIFY"] }),
            [with(one, None), with(one, text("id2", "id2_new_value"))],
            &[("INSERT", 0), ("MODIFY", 1)],
        ),
        case(
            "content_multiple_filters",
            json!({ "eventName": ["INSERT"], "eventSource": ["aws:dynamodb"] }),
            [with(one, None), with(one, text("id2", "id2_new_value"))],
            &[("INSERT", 0)],
        ),
        case(
            "content_filter_type",
            image(json!({ "presentKey": { "S": ["presentValue"] } })),
            present.clone(),
            &[("INSERT", 0)],
        ),
        case(
            "content_filter_type without the type",
            image(json!({ "presentKey": ["presentValue"] })),
            present.clone(),
            &[],
        ),
        case(
            "exists_filter_type",
            image(json!({ "presentKey": { "S": [{ "exists": true }] } })),
            present.clone(),
            &[("INSERT", 0)],
        ),
        case(
            "exists_filter_type without the type",
            image(json!({ "presentKey": [{ "exists": true }] })),
            present,
            &[],
        ),
        case(
            "exists_false_filter",
            image(json!({ "presentKey": [{ "exists": false }] })),
            [
                with(one, None),
                with("id_value_2", text("presentKey", "presentValue")),
            ],
            &[("INSERT", 0), ("INSERT", 1)],
        ),
        case(
            "numeric_filter",
            image(json!({
                "numericFilter": { "N": [{ "numeric": [">", 100] }, { "anything-but": "101" }] },
            })),
            [with(one, number("42")), with("id_value_2", number("101"))],
            &[("INSERT", 0)],
        ),
        case(
            "prefix_filter",
            image(json!({ "prefix": { "S": [{ "prefix": "us-1" }] } })),
            [
                with(one, text("prefix", "us-1-other-suffix")),
                with("id_value_2", text("prefix", "other-suffix")),
            ],
            &[("INSERT", 0)],
        ),
        case(
            "date_time_conversion",
            json!({ "dynamodb": { "ApproximateCreationDateTime": [{ "numeric": [">", 0] }] } }),
            [with(one, None), with("id_value_2", None)],
            &[("INSERT", 0), ("INSERT", 1)],
        ),
    ]
}

async fn patterns_look_at_the_change_as_dynamodb_writes_it(streams: Streams) {
    let lab = Lab::new(streams.engine());
    let mut rows: Vec<(Case, Table, Row)> = Vec::new();
    for case in cases() {
        let table = streams.table("filtered").await;
        for item in &case.items {
            table.put_item(item.clone()).await;
        }
        let members = filter(&case.pattern);
        let row = lab.map_arn(&table.arn, &members, saying("null")).await;
        rows.push((case, table, row));
    }
    for (case, _, row) in &rows {
        // A put that changes nothing makes no record.
        let records = if case.items[0] == case.items[1] { 1 } else { 2 };
        row.until_settled(records).await;
        let counts = row.counts();
        let passed = case.passes.len();
        println!("{}: {}", streams.what, case.name);
        assert_eq!(counts.polled_event_count, records as u64);
        assert_eq!(counts.filtered_out_event_count, (records - passed) as u64);
        let seen: Vec<_> = row
            .calls()
            .iter()
            .map(|call| {
                let [record] = call.event["Records"].as_array().unwrap().as_slice() else {
                    panic!("one record: {}", call.event)
                };
                (
                    record["eventName"].clone(),
                    record["dynamodb"]["NewImage"].clone(),
                )
            })
            .collect();
        let passes: Vec<_> = case
            .passes
            .iter()
            .map(|&(event, item)| (json!(event), case.items[item].clone()))
            .collect();
        assert_eq!(seen, passes);
    }
    lab.engine.shutdown().await;
}

on_servers! {
    kinesis_local: each_function_gets_the_records_of_its_own_type;
    ministack_kinesis: each_function_gets_the_records_of_its_own_type;
    dynamodb_local: patterns_look_at_the_change_as_dynamodb_writes_it;
    ministack_dynamodb: patterns_look_at_the_change_as_dynamodb_writes_it;
}
