//! What is read, in which order, and from where.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::record::StreamContent;
use lambda_esm_engine::ports::{FetchRequest, ShardId, Start, StreamSource};
use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::server::Server;
use crate::stage::{Stage, ids};

#[tokio::test]
async fn changes_of_every_operation_come_in_their_order_with_their_members() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let collection = stage.collection();
    collection
        .insert_one(doc! {"_id": 1, "a": 1, "b": 1.5})
        .await
        .unwrap();
    let update = doc! {"$set": {"a": 2}, "$unset": {"b": ""}};
    collection
        .update_one(doc! {"_id": 1}, update)
        .await
        .unwrap();
    collection
        .replace_one(doc! {"_id": 1}, doc! {"z": "x"})
        .await
        .unwrap();
    collection.delete_one(doc! {"_id": 1}).await.unwrap();
    let run = stage.run(&json!({})).await;
    let changes = run.changes(4).await;
    let kinds: Vec<&Value> = changes
        .iter()
        .map(|change| &change["operationType"])
        .collect();
    assert_eq!(kinds, ["insert", "update", "replace", "delete"]);
    assert_eq!(
        changes[0]["fullDocument"],
        json!({"_id": 1, "a": 1, "b": 1.5})
    );
    assert_eq!(
        changes[1]["updateDescription"]["updatedFields"],
        json!({"a": 2})
    );
    assert_eq!(
        changes[1]["updateDescription"]["removedFields"],
        json!(["b"])
    );
    assert_eq!(changes[1].get("fullDocument"), None);
    assert_eq!(changes[2]["fullDocument"], json!({"_id": 1, "z": "x"}));
    assert_eq!(changes[3].get("fullDocument"), None);
    for change in &changes {
        assert_eq!(change["ns"], json!({"db": stage.name, "coll": "c"}));
        assert!(change["_id"]["_data"].is_string());
        assert!(change["clusterTime"]["$timestamp"]["t"].is_u64());
    }
    run.engine.shutdown().await;
}

#[tokio::test]
async fn an_update_carries_the_document_where_the_mapping_asks_for_it() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage
        .run(&stage.config(&json!({"FullDocument": "UpdateLookup"})))
        .await;
    stage
        .collection()
        .insert_one(doc! {"_id": 1, "a": 1})
        .await
        .unwrap();
    let update = doc! {"$set": {"a": 2}};
    stage
        .collection()
        .update_one(doc! {"_id": 1}, update)
        .await
        .unwrap();
    let changes = run.changes(2).await;
    assert_eq!(changes[1]["fullDocument"], json!({"_id": 1, "a": 2}));
    run.engine.shutdown().await;
}

#[tokio::test]
async fn changes_of_five_collections_keep_their_order_and_one_collection_is_read_alone() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    for number in 0..100 {
        let collection = stage.database().collection(&format!("c{}", number % 5));
        collection.insert_one(doc! {"_id": number}).await.unwrap();
    }
    let all = stage.run(&json!({})).await;
    assert_eq!(ids(&all.changes(100).await), (0..100).collect::<Vec<_>>());
    all.engine.shutdown().await;
    let mut one = stage.config(&json!({"CollectionName": "c3"}));
    one["FunctionName"] = json!("g");
    let one = stage.run(&one).await;
    let of_one: Vec<i64> = (0..20).map(|number| 5 * number + 3).collect();
    assert_eq!(ids(&one.changes(20).await), of_one);
    one.engine.shutdown().await;
}

#[tokio::test]
async fn latest_begins_after_what_is_there_and_a_time_with_what_came_since() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    stage.insert(0..3).await;
    let stream = stage.stream(&json!({}));
    let shard = ShardId::new("changes");
    let latest = stream.open(&shard, &Start::Latest).await.unwrap();
    let horizon = stream.open(&shard, &Start::TrimHorizon).await.unwrap();
    // Put before the first fetch.
    stage.insert(3..5).await;
    let request = |cursor, limit| {
        FetchRequest::new(shard.clone(), cursor, limit).with_wait(Duration::from_secs(1))
    };
    let page = stream.fetch(request(latest.clone(), 10)).await.unwrap();
    let shown: Vec<Value> = page
        .records
        .iter()
        .map(|record| shown(&record.content))
        .collect();
    assert_eq!(ids(&shown), [3, 4]);
    let since = page.records[0].arrival;
    let since = stream.open(&shard, &Start::Timestamp(since)).await.unwrap();
    let page = stream.fetch(request(since, 10)).await.unwrap();
    assert!(page.records.len() >= 2, "{page:?}");
    let page = stream.fetch(request(horizon, 2)).await.unwrap();
    assert_eq!(page.records.len(), 2);
    let page = stream.fetch(request(page.next.unwrap(), 10)).await.unwrap();
    assert_eq!(page.records.len(), 3);
}

fn shown(content: &StreamContent) -> Value {
    let StreamContent::Change(text) = content else {
        panic!("{content:?}");
    };
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_mapping_goes_on_where_it_was_after_a_restart() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage
        .run(&json!({"StartingPosition": "LATEST", "BatchSize": 10}))
        .await;
    run.enabled().await;
    stage.insert(0..25).await;
    assert_eq!(ids(&run.changes(25).await), (0..25).collect::<Vec<_>>());
    run.engine.shutdown().await;
    stage.insert(25..50).await;
    let run = stage.engine();
    run.engine.start(Vec::new()).await.unwrap();
    assert_eq!(ids(&run.changes(25).await), (25..50).collect::<Vec<_>>());
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_transaction_of_a_thousand_changes_comes_whole_and_in_order() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let mut session = stage.client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    for number in 0..1_000 {
        let collection = stage.collection();
        let insert = collection
            .insert_one(doc! {"_id": number})
            .session(&mut session);
        insert.await.unwrap();
    }
    session.commit_transaction().await.unwrap();
    stage.insert(1_000..1_001).await;
    let run = stage.run(&json!({})).await;
    assert_eq!(
        ids(&run.changes(1_001).await),
        (0..1_001).collect::<Vec<_>>()
    );
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_collection_that_is_dropped_and_made_anew_is_read_on() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage
        .run(&stage.config(&json!({"CollectionName": "c"})))
        .await;
    run.enabled().await;
    stage.insert(0..1).await;
    stage.collection().drop().await.unwrap();
    run.changes(3).await;
    stage.insert(1..2).await;
    let changes = run.changes(4).await;
    let kinds: Vec<&Value> = changes
        .iter()
        .map(|change| &change["operationType"])
        .collect();
    assert_eq!(kinds, ["insert", "drop", "invalidate", "insert"]);
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_database_that_is_dropped_and_made_anew_is_read_on() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage.run(&json!({})).await;
    run.enabled().await;
    stage.insert(0..1).await;
    stage.database().drop().await.unwrap();
    run.changes(4).await;
    stage.insert(1..2).await;
    let changes = run.changes(5).await;
    let kinds: Vec<&Value> = changes
        .iter()
        .map(|change| &change["operationType"])
        .collect();
    assert_eq!(
        kinds,
        ["insert", "drop", "dropDatabase", "invalidate", "insert"]
    );
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_collection_that_is_renamed_ends_with_that() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage
        .run(&stage.config(&json!({"CollectionName": "c"})))
        .await;
    run.enabled().await;
    stage.insert(0..1).await;
    let (from, to) = (format!("{}.c", stage.name), format!("{}.d", stage.name));
    let rename = doc! {"renameCollection": from, "to": to};
    stage
        .client
        .database("admin")
        .run_command(rename)
        .await
        .unwrap();
    let changes = run.changes(3).await;
    assert_eq!(changes[1]["operationType"], "rename");
    assert_eq!(changes[1]["to"], json!({"db": stage.name, "coll": "d"}));
    assert_eq!(changes[2]["operationType"], "invalidate");
    stage
        .database()
        .collection("d")
        .insert_one(doc! {"_id": 7})
        .await
        .unwrap();
    stage.insert(8..9).await;
    assert_eq!(run.changes(4).await[3]["documentKey"]["_id"], 8);
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_change_over_six_megabytes_is_dropped_and_told_and_the_next_one_comes() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let large = doc! {"_id": 1, "text": "x".repeat(7 * 1024 * 1024)};
    stage.insert(0..1).await;
    stage.collection().insert_one(large).await.unwrap();
    stage.insert(2..3).await;
    let run = stage.run(&json!({})).await;
    assert_eq!(ids(&run.changes(2).await), [0, 2]);
    let uuid = run.engine.status()[0].uuid;
    let told = run.engine.recent(uuid).unwrap();
    let told: Vec<String> = told
        .iter()
        .map(|event| event.decision.to_string())
        .collect();
    let dropped = told
        .iter()
        .filter(|told| told.contains("MaximumPayloadSizeExceeded"));
    assert_eq!(dropped.count(), 1, "{told:?}");
    run.engine.shutdown().await;
}

#[tokio::test]
async fn the_position_of_a_quiet_stream_is_renewed_and_good_to_go_on_at() {
    let Some(mut stage) = Stage::shared().await else {
        return;
    };
    stage.options = stage.options.with_renew_position(Duration::ZERO);
    let quiet = stage.stream(&stage.config(&json!({"CollectionName": "c"})));
    let shard = ShardId::new("changes");
    let mut cursor = quiet.open(&shard, &Start::Latest).await.unwrap();
    let elsewhere = stage.database().collection("other");
    let mut renewed = None;
    for number in 0..20 {
        elsewhere.insert_one(doc! {"_id": number}).await.unwrap();
        let request = FetchRequest::new(shard.clone(), cursor, 10);
        let page = quiet
            .fetch(request.with_wait(Duration::from_secs(1)))
            .await
            .unwrap();
        assert_eq!(page.records, []);
        cursor = page.next.unwrap();
        renewed = page.read_to.or(renewed);
    }
    let renewed = renewed.expect("a place after what happened elsewhere");
    stage.insert(0..1).await;
    let again = stage.stream(&stage.config(&json!({"CollectionName": "c"})));
    let cursor = again.open(&shard, &Start::After(renewed)).await.unwrap();
    let request = FetchRequest::new(shard, cursor, 10).with_wait(Duration::from_secs(5));
    let page = again.fetch(request).await.unwrap();
    let shown: Vec<Value> = page
        .records
        .iter()
        .map(|record| shown(&record.content))
        .collect();
    assert_eq!(ids(&shown), [0]);
}

#[tokio::test]
async fn a_missing_database_is_told_and_read_from_its_first_change_on() {
    let Some(mut stage) = Stage::shared().await else {
        return;
    };
    stage.name.push('x');
    let run = stage.run(&json!({"StartingPosition": "LATEST"})).await;
    let problem = run.problem("is not on").await;
    assert!(
        problem.contains(&format!("database {}", stage.name)),
        "{problem}"
    );
    run.enabled().await;
    stage.insert(0..5).await;
    assert_eq!(ids(&run.changes(5).await), (0..5).collect::<Vec<_>>());
    run.status(|status| status.problem.is_none()).await;
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_server_that_crashes_loses_and_repeats_nothing() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    let run = stage.run(&json!({"BatchSize": 7})).await;
    for round in 0..5 {
        stage.insert(20 * round..20 * (round + 1)).await;
        if round % 2 == 0 {
            run.changes(20 * usize::try_from(round).unwrap() + 1).await;
        }
        server.kill();
        server.start_again(&[]).await;
    }
    let changes = run.changes(100).await;
    let mut times = BTreeMap::new();
    for id in ids(&changes) {
        *times.entry(id).or_insert(0) += 1;
    }
    assert_eq!(times, (0..100).map(|id| (id, 1)).collect());
    run.engine.shutdown().await;
}

#[tokio::test]
async fn eight_thousand_changes_of_five_collections_come_once_and_in_their_order() {
    const DOCUMENTS: i64 = 2_000;
    // One that others read too would have them look through all of these.
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    let run = stage.run(&json!({"BatchSize": 1_000})).await;
    run.enabled().await;
    let begun = tokio::time::Instant::now();
    for number in 0..5 {
        let collection = stage.database().collection(&format!("c{number}"));
        let ids = (0..DOCUMENTS).filter(|id| id % 5 == number);
        let documents = ids.map(|id| doc! {"_id": id});
        collection.insert_many(documents).await.unwrap();
        for value in 0..2 {
            let set = doc! {"$set": {"value": value}};
            collection.update_many(doc! {}, set).await.unwrap();
        }
        collection.delete_many(doc! {}).await.unwrap();
    }
    let written = begun.elapsed();
    let number = usize::try_from(4 * DOCUMENTS).unwrap();
    let changes = run.changes(number).await;
    let read = begun.elapsed();
    println!("{number} changes were written in {written:?} and read in {read:?}");
    let mut kinds: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for (id, change) in ids(&changes).into_iter().zip(&changes) {
        kinds
            .entry(id)
            .or_default()
            .push(change["operationType"].as_str().unwrap());
    }
    let of_each = vec!["insert", "update", "update", "delete"];
    let expected = (0..DOCUMENTS).map(|id| (id, of_each.clone())).collect();
    assert_eq!(kinds, expected);
    let times = changes.iter().map(|change| {
        let time = &change["clusterTime"]["$timestamp"];
        (time["t"].as_u64().unwrap(), time["i"].as_u64().unwrap())
    });
    assert!(times.is_sorted());
    run.engine.shutdown().await;

    // Once more, by another function, now that all of it is there.
    let begun = tokio::time::Instant::now();
    let run = stage
        .run(&json!({"BatchSize": 1_000, "FunctionName": "g"}))
        .await;
    let again = run.changes(number).await;
    println!("{number} changes were read again in {:?}", begun.elapsed());
    assert!(again == changes, "the same changes in the same order");
    run.engine.shutdown().await;
}

#[tokio::test]
async fn a_reader_that_is_cut_off_at_twenty_points_leaves_no_gap() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    let run = stage.run(&json!({"BatchSize": 5})).await;
    let mut all = Vec::new();
    stage.insert(0..10).await;
    let mut run = run;
    for round in 1..=20_i32 {
        // After whatever has come of this part.
        let some = usize::try_from(round % 4).unwrap();
        all.extend(ids(&run.changes(some).await));
        run.engine.halt().await;
        stage.insert(10 * round..10 * (round + 1)).await;
        run = stage.engine();
        run.engine.start(Vec::new()).await.unwrap();
    }
    let last = run.until(|changes| ids(changes).last() == Some(&209)).await;
    all.extend(ids(&last));
    // What is repeated is what was under way, from where that began.
    let mut next = 0;
    for id in all {
        assert!(
            id <= next && id + 10 >= next,
            "{id} came where {next} was to come"
        );
        next = next.max(id + 1);
    }
    assert_eq!(next, 210);
    run.engine.shutdown().await;
}
