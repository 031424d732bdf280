//! The DynamoDB source against real servers; skipped where none is named.

use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{StreamReader, fetch, stream_source_contract};
use lambda_esm_engine::ports::{Cursor, FetchRequest, ShardId, Start, StreamSource};
use serde_json::{Value, json};

use crate::dynamodb_tables::{Server, content, text, value};
use crate::steady::Steady;

const LOCAL: &str = "LAMBDA_ESM_TEST_DYNAMODB";
const LOCAL_3: &str = "LAMBDA_ESM_TEST_DYNAMODB_3";
const MINISTACK: &str = "LAMBDA_ESM_TEST_MINISTACK";

async fn keeps_the_contract(server: Server) {
    let table = server.table("contract", "NEW_AND_OLD_IMAGES").await;
    let put = async |key: &str, text: &str| table.put_text(key, text).await;
    let source = Steady::new(table.source().await);
    stream_source_contract(&source, Clock::system(), put, text).await;
    table.drop().await;
}

async fn tells_the_facts_of_a_stream(server: Server) {
    let table = server.table("facts", "KEYS_ONLY").await;
    let source = table.source().await;
    let listing = source.list().await.unwrap();
    let facts = &listing.facts;
    assert_eq!(facts.retention, Some(Duration::from_hours(24)));
    assert_eq!(facts.fetch_limit, 1_000);
    assert_eq!(facts.base_interval, Duration::from_millis(250));
    assert_eq!(facts.reads_per_second, None);
    assert_eq!(facts.longest_wait, Duration::ZERO);
    let [shard] = listing.shards.as_slice() else {
        panic!("{listing:?}")
    };
    assert_eq!((shard.closed, shard.parents.as_slice()), (false, &[][..]));

    let other = server.table("facts-too", "KEYS_ONLY").await;
    let other_facts = other.source().await.list().await.unwrap().facts;
    assert_ne!(other_facts.identity, facts.identity);
    table.drop().await;
    other.drop().await;
}

/// Sorts the members of sets, which have no order.
fn without_order(mut item: Value) -> Value {
    match &mut item {
        Value::Object(members) => {
            for (kind, value) in members.iter_mut() {
                *value = without_order(value.take());
                if let ("SS" | "NS" | "BS", Value::Array(set)) = (kind.as_str(), value) {
                    set.sort_by_key(ToString::to_string);
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                *value = without_order(value.take());
            }
        }
        _ => {}
    }
    item
}

async fn brings_every_kind_of_value_as_the_table_has_it(server: Server) {
    let table = server.table("kinds", "NEW_AND_OLD_IMAGES").await;
    let item = json!({
        "id": {"S": "a"},
        "text": {"S": "ä€😀 \"quoted\" \\ \n\t<&>"},
        "nothing": {"S": ""},
        "number": {"N": "-12345678901234567890.0123456789"},
        "small": {"N": "1E-130"},
        "bytes": {"B": "AP9+"},
        "yes": {"BOOL": true},
        "no": {"BOOL": false},
        "null": {"NULL": true},
        "texts": {"SS": ["b", "a", "ä"]},
        "numbers": {"NS": ["10", "9", "-1.5"]},
        "blobs": {"BS": ["AQ==", "/w=="]},
        "list": {"L": [{"S": "x"}, {"L": []}, {"M": {"deep": {"L": [{"N": "1"}]}}}]},
        "map": {"M": {"z": {"BOOL": false}, "a": {"M": {}}, "ä \"": {"NULL": true}}},
    });
    table.put(&item).await;
    let source = table.source().await;
    let found = StreamReader::open(&source, Start::TrimHorizon)
        .await
        .read(1)
        .await;
    let image = content(&found[0].1).new_image.clone().unwrap();
    let image: Value = serde_json::from_str(&image).unwrap();
    let kept = table.get("a").await;
    assert_eq!(kept.as_object().unwrap().len(), 14, "{kept}");
    assert_eq!(without_order(image), without_order(kept));
    table.drop().await;
}

/// As a client leaves it that cuts a character in two.
async fn brings_half_a_character_as_the_one_for_what_cannot_be_read(server: Server) {
    let table = server.table("half", "NEW_IMAGE").await;
    table
        .put_json(r#"{"id":{"S":"a"},"\ud83d":{"S":"x\ud83d"}}"#)
        .await;
    table.put_text("b", "next").await;
    let source = table.source().await;
    let found = StreamReader::open(&source, Start::TrimHorizon)
        .await
        .read(2)
        .await;
    let image = content(&found[0].1).new_image.clone().unwrap();
    let expected = json!({"id": {"S": "a"}, "\u{fffd}": {"S": "x\u{fffd}"}});
    assert_eq!(value(Some(&image)), expected);
    assert_eq!(text(&found[1].1), "next");
    table.drop().await;
}

#[tokio::test]
async fn dynamodb_local_2_brings_half_a_character() {
    if let Some(server) = Server::named(LOCAL) {
        brings_half_a_character_as_the_one_for_what_cannot_be_read(server).await;
    }
}

#[tokio::test]
async fn dynamodb_local_3_brings_half_a_character() {
    if let Some(server) = Server::named(LOCAL_3) {
        brings_half_a_character_as_the_one_for_what_cannot_be_read(server).await;
    }
}

async fn brings_changes_with_the_images_of_the_view(server: Server) {
    let key = r#"{"id":{"S":"a"}}"#;
    let (first, second) = (
        json!({"id": {"S": "a"}, "text": {"S": "1"}}),
        json!({"id": {"S": "a"}, "text": {"S": "2"}}),
    );
    for (view, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let table = server.table(&format!("view-{new}-{old}"), view).await;
        table.put(&first).await;
        table.put(&second).await;
        table.delete("a").await;
        let source = table.source().await;
        let found = StreamReader::open(&source, Start::TrimHorizon)
            .await
            .read(3)
            .await;
        let image = |shown: bool, item: &Value| if shown { item.clone() } else { Value::Null };
        let expected = [
            ("INSERT", image(new, &first), Value::Null),
            ("MODIFY", image(new, &second), image(old, &first)),
            ("REMOVE", Value::Null, image(old, &second)),
        ];
        let mut ids = Vec::new();
        for ((_, record), (name, new, old)) in found.iter().zip(expected) {
            let change = content(record);
            assert_eq!(
                (change.event_name.as_ref(), change.stream_view_type.as_ref()),
                (name, view)
            );
            assert_eq!(change.keys, key);
            assert_eq!(value(change.new_image.as_ref()), new, "{view} {name}");
            assert_eq!(value(change.old_image.as_ref()), old, "{view} {name}");
            assert_eq!(change.user_identity, None);
            ids.push(change.event_id.clone());
        }
        ids.sort();
        ids.dedup();
        assert!(ids.len() == 3 && !ids[0].is_empty(), "{ids:?}");
        table.drop().await;
    }
}

async fn reads_a_disabled_stream_to_its_end(server: Server) {
    let table = server.table("disabled", "NEW_IMAGE").await;
    table.put_text("a", "last").await;
    let source = table.source().await;
    let open = source.list().await.unwrap().shards.remove(0);
    table.disable_stream().await;
    let closed = source.list().await.unwrap().shards;
    assert_eq!(closed.len(), 1);
    assert!(
        !open.closed && closed[0].closed && closed[0].id == open.id,
        "{open:?} {closed:?}"
    );
    let mut place = Some(source.open(&open.id, &Start::TrimHorizon).await.unwrap());
    let mut found = Vec::new();
    for _ in 0..10 {
        let Some(cursor) = place.take() else { break };
        let page = fetch(&source, &open.id, &cursor, 10).await;
        found.extend(page.records);
        place = page.next;
    }
    assert_eq!(place, None, "a closed shard has an end");
    assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["last"]);
    table.drop().await;
}

async fn knows_a_stream_that_is_not_there(server: Server) {
    let table = server.table("label", "KEYS_ONLY").await;
    let (names, _) = table.stream.rsplit_once('/').unwrap();
    let source = server
        .source(&format!("{names}/2020-01-01T00:00:00.000"))
        .await;
    let shard = ShardId::new("shardId-00000000000000000000-00000000");
    let errors = [
        source.list().await.unwrap_err(),
        source.open(&shard, &Start::Latest).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
        for part in [&table.name, "2020-01-01T00:00:00.000", &server.url] {
            assert!(error.message.contains(part), "{part} not in: {error}");
        }
    }
    table.drop().await;
}

async fn takes_no_text_for_an_iterator(server: Server) {
    let table = server.table("iterator", "KEYS_ONLY").await;
    let source = table.source().await;
    let shard = source.list().await.unwrap().shards.remove(0).id;
    let request = FetchRequest::new(shard, Cursor("no iterator".to_owned()), 1);
    let error = source.fetch(request).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Expired, "{error}");
    table.drop().await;
}

macro_rules! on_each_server {
    ($($behaviour:ident),* $(,)?) => {
        mod dynamodb_local {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named(super::LOCAL) {
                    super::$behaviour(server).await;
                }
            })*
        }

        mod dynamodb_local_3 {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named(super::LOCAL_3) {
                    super::$behaviour(server).await;
                }
            })*
        }

        mod ministack {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named(super::MINISTACK) {
                    super::$behaviour(server).await;
                }
            })*
        }
    };
}

on_each_server![
    keeps_the_contract,
    tells_the_facts_of_a_stream,
    brings_every_kind_of_value_as_the_table_has_it,
    brings_changes_with_the_images_of_the_view,
    reads_a_disabled_stream_to_its_end,
    knows_a_stream_that_is_not_there,
    takes_no_text_for_an_iterator,
];
