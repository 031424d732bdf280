//! Mappings through their lives: defaults, states and spellings.

use lambda_esm_engine::memory::SendMessage;
use serde_json::{Value, json};

use crate::support::{MAPPINGS, ORDERS, Server, until};

#[tokio::test]
async fn a_created_sqs_mapping_has_exactly_the_recorded_members() {
    let server = Server::start().await;
    let mut created = server.create(json!({})).await;
    let members = created.as_object_mut().unwrap();
    let uuid = members.remove("UUID").unwrap();
    let modified = members.remove("LastModified").unwrap();
    let uuid = uuid.as_str().unwrap();
    assert_eq!(uuid.len(), 36);
    let now = server.engine.clock().now().millis() as f64 / 1000.0;
    let modified = modified.as_f64().unwrap();
    assert!((now - 60.0..=now).contains(&modified), "{modified} {now}");
    let expected = json!({
        "BatchSize": 10,
        "EventSourceArn": ORDERS,
        "EventSourceMappingArn":
            format!("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}"),
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    });
    assert_eq!(created, expected);
    server.stop().await;
}

#[tokio::test]
async fn scaling_and_filters_are_echoed_only_if_they_were_given() {
    let server = Server::start().await;
    let created = server
        .create(json!({
            "ScalingConfig": { "MaximumConcurrency": 2 },
            "FilterCriteria": { "Filters": [{ "Pattern": "{\"body\":{\"n\":[1]}}" }] },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "Tags": { "team": "orders" },
        }))
        .await;
    assert_eq!(created["ScalingConfig"], json!({ "MaximumConcurrency": 2 }));
    let filters = json!({ "Filters": [{ "Pattern": "{\"body\":{\"n\":[1]}}" }] });
    assert_eq!(created["FilterCriteria"], filters);
    assert_eq!(
        created["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    for never in ["Enabled", "FunctionName", "Tags"] {
        assert!(created.get(never).is_none(), "{never}");
    }
    let empty = json!({ "FunctionName": "g", "FilterCriteria": { "Filters": [] } });
    assert!(server.create(empty).await.get("FilterCriteria").is_none());
    server.stop().await;
}

#[tokio::test]
async fn every_change_answers_202_in_its_transitional_state_and_settles() {
    let server = Server::start().await;
    let uuid = server.created(json!({})).await;
    let path = format!("{MAPPINGS}/{uuid}");
    let changes = [
        (json!({ "BatchSize": 3 }), "Updating", "Enabled"),
        (json!({ "Enabled": false }), "Disabling", "Disabled"),
        (json!({ "BatchSize": 4 }), "Updating", "Disabled"),
        (json!({ "Enabled": true }), "Enabling", "Enabled"),
    ];
    for (change, via, end) in changes {
        let answer = server.put(&path, change.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["State"]),
            (202, &json!(via))
        );
        let settled = server.settled(&uuid).await;
        assert_eq!(settled["State"], end, "{change}");
        assert_eq!(settled["StateTransitionReason"], "USER_INITIATED");
    }
    let answer = server.put(&path, json!({ "FunctionName": "g" })).await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:g";
    assert_eq!(answer.json()["FunctionArn"], arn);
    assert_eq!(server.settled(&uuid).await["FunctionArn"], arn);
    let mut before = server.get(&path).await.json();
    let deleted = server.delete(&path).await;
    before["State"] = json!("Deleting");
    assert_eq!((deleted.status.as_u16(), deleted.json()), (202, before));
    until("the mapping is gone", async || {
        (server.get(&path).await.status.as_u16() == 404).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_fifo_mapping_created_disabled_is_disabled_at_once() {
    let server = Server::start().await;
    let created = server
        .create(json!({ "EventSourceArn": format!("{ORDERS}.fifo"), "Enabled": false }))
        .await;
    assert_eq!(created["State"], "Disabled");
    assert_eq!(created["StateTransitionReason"], "USER_INITIATED");
    server.stop().await;
}

#[tokio::test]
async fn every_path_may_end_in_a_slash() {
    let server = Server::start().await;
    let slash = format!("{MAPPINGS}/");
    let request = json!({ "EventSourceArn": ORDERS, "FunctionName": "f" });
    let created = server.post(&slash, request).await;
    assert_eq!(created.status.as_u16(), 202);
    let uuid = created.json()["UUID"].as_str().unwrap().to_owned();
    server.settled(&uuid).await;
    let arn = created.json()["EventSourceMappingArn"]
        .as_str()
        .unwrap()
        .to_owned();
    for end in ["", "/"] {
        for path in [
            MAPPINGS.to_owned(),
            format!("{MAPPINGS}/{uuid}"),
            format!("/2017-03-31/tags/{arn}"),
            "/healthz".to_owned(),
            "/metrics".to_owned(),
            "/status".to_owned(),
            format!("/mappings/{uuid}/events"),
        ] {
            let answer = server.get(&format!("{path}{end}")).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}{end}");
        }
    }
    let path = format!("{MAPPINGS}/{uuid}/");
    assert_eq!(
        server
            .put(&path, json!({ "BatchSize": 2 }))
            .await
            .status
            .as_u16(),
        202
    );
    server.settled(&uuid).await;
    assert_eq!(server.delete(&path).await.status.as_u16(), 202);
    server.stop().await;
}

#[tokio::test]
async fn a_function_keeps_the_qualifier_it_was_named_with() {
    let server = Server::start().await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    for (n, (name, end)) in [
        ("f", ""),
        ("f:$LATEST", ":$LATEST"),
        ("f:1", ":1"),
        ("f:live", ":live"),
        ("000000000000:function:f", ""),
        ("function:f:live", ":live"),
        (arn, ""),
        (&format!("{arn}:1"), ":1"),
        (&format!("{arn}:live"), ":live"),
    ]
    .into_iter()
    .enumerate()
    {
        let source = format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}");
        let request = json!({ "EventSourceArn": source, "FunctionName": name });
        assert_eq!(
            server.create(request).await["FunctionArn"],
            format!("{arn}{end}"),
            "{name}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn one_source_may_feed_several_functions() {
    let server = Server::start().await;
    server.create(json!({})).await;
    server.create(json!({ "FunctionName": "g" })).await;
    server.stop().await;
}

#[tokio::test]
async fn scaling_is_removed_by_an_empty_structure() {
    let server = Server::start().await;
    let scaled = json!({ "ScalingConfig": { "MaximumConcurrency": 5 } });
    let uuid = server.created(scaled).await;
    let path = format!("{MAPPINGS}/{uuid}");
    let updated = server
        .put(&path, json!({ "ScalingConfig": {}, "UUID": uuid }))
        .await
        .json();
    assert!(updated.get("ScalingConfig").is_none(), "{updated}");
    server.stop().await;
}

#[tokio::test]
async fn status_health_and_metrics_tell_of_a_mapping_at_work() {
    let server = Server::start().await;
    let uuid = server.created(json!({})).await;
    server.orders.send(SendMessage::new("{}")).unwrap();
    let mapping = until("the message is deleted", async || {
        let status = server.get("/status").await.json();
        let mapping = status["mappings"][0].clone();
        (mapping["counts"]["DeletedEventCount"] == 1).then_some(mapping)
    })
    .await;
    assert_eq!(mapping["uuid"], uuid);
    assert_eq!(mapping["source"], ORDERS);
    assert_eq!(mapping["problem"], Value::Null);
    let health = server.get("/healthz").await;
    assert_eq!(
        (health.status.as_u16(), &health.body[..]),
        (200, &b"ok\n"[..])
    );
    let metrics = server.get("/metrics").await;
    let kind = metrics.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("aws_lambda_DeletedEventCount_total{") && text.ends_with("# EOF\n"));
    server.stop().await;
}
