//! Shards that are closed, and those that follow.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::stream::compare_sequences;
use lambda_esm_engine::contract::fetch;
use lambda_esm_engine::memory::StreamKind;
use lambda_esm_engine::ports::{ShardId, Start};

use crate::support::{dynamo_db, kinesis, open, put, read, shard, texts};

#[tokio::test(start_paused = true)]
async fn a_split_parent_ends_and_names_its_children() {
    let stream = kinesis(1);
    let parent = shard(&stream, 0);
    for each in ["1", "2", "3"] {
        put(&stream, StreamKind::Kinesis, "a", each);
    }
    let cursor = open(&stream, &parent, Start::TrimHorizon).await;
    let [lower, upper] = stream.split(&parent, None).unwrap();
    let middle = fetch(&stream, &parent, &cursor, 2).await;
    assert_eq!(
        (texts(&middle), middle.children.len()),
        (vec!["1".to_owned(), "2".to_owned()], 0)
    );
    let last = fetch(&stream, &parent, &middle.next.unwrap(), 2).await;
    assert_eq!((texts(&last), &last.next), (vec!["3".to_owned()], &None));
    let named: Vec<_> = last.children.iter().map(|child| child.id.clone()).collect();
    assert_eq!(named, [lower, upper]);
    assert_eq!(last.children, stream.shards()[1..]);
    assert!(stream.shards()[0].closed);
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_without_records_ends_at_once() {
    let stream = kinesis(1);
    let parent = shard(&stream, 0);
    stream.split(&parent, None).unwrap();
    for from in [Start::TrimHorizon, Start::Latest] {
        let page = read(&stream, &parent, from).await;
        assert_eq!(
            (page.records.len(), page.next, page.children.len()),
            (0, None, 2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_split_begins_the_second_child_at_the_hash_key() {
    let stream = kinesis(1);
    let parent = shard(&stream, 0);
    let [lower, upper] = stream.split(&parent, Some(1000)).unwrap();
    let keys: Vec<_> = stream
        .shards()
        .iter()
        .map(|shard| shard.hash_keys)
        .collect();
    assert_eq!(keys[1..], [Some((0, 999)), Some((1000, u128::MAX))]);
    assert_eq!(stream.put_at(999, "a", "x").unwrap().shard, lower);
    assert_eq!(stream.put_at(1000, "a", "x").unwrap().shard, upper);

    for outside in [0, 1000] {
        let error = stream.split(&lower, Some(outside)).unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Fatal, "{outside}");
    }
    let error = stream.split(&parent, None).unwrap_err();
    assert!(error.message.contains("closed already"), "{error}");
    let error = stream.split(&ShardId::new("none"), None).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    assert_eq!(stream.shards().len(), 3, "what was refused changed nothing");

    let [one, _] = stream.split(&lower, Some(1)).unwrap();
    let error = stream.split(&one, None).unwrap_err();
    assert_eq!(
        error.kind,
        SourceErrorKind::Fatal,
        "one hash key cannot be split"
    );
    let [_, last] = stream.split(&upper, Some(u128::MAX)).unwrap();
    assert_eq!(stream.put_at(u128::MAX, "a", "x").unwrap().shard, last);
}

#[tokio::test(start_paused = true)]
async fn a_split_without_a_hash_key_gives_each_child_half() {
    let stream = kinesis(1);
    let middle = 1 << 127;
    let [lower, upper] = stream.split(&shard(&stream, 0), None).unwrap();
    assert_eq!(stream.put_at(middle - 1, "a", "x").unwrap().shard, lower);
    assert_eq!(stream.put_at(middle, "a", "x").unwrap().shard, upper);
    let [two, _] = stream.split(&lower, Some(2)).unwrap();
    let [zero, one] = stream.split(&two, None).unwrap();
    assert_eq!(stream.put_at(0, "a", "x").unwrap().shard, zero);
    assert_eq!(stream.put_at(1, "a", "x").unwrap().shard, one);
}

#[tokio::test(start_paused = true)]
async fn only_adjacent_open_shards_are_merged() {
    let stream = kinesis(3);
    let [one, two, three] = [0, 1, 2].map(|n| shard(&stream, n));
    for (left, right) in [(&one, &three), (&one, &one)] {
        let error = stream.merge(left, right).unwrap_err();
        assert!(error.message.contains("not adjacent"), "{error}");
    }
    let child = stream.merge(&three, &two).unwrap();
    let listed = stream.shards().swap_remove(3);
    assert_eq!(
        (&listed.id, listed.parents),
        (&child, vec![three.clone(), two.clone()])
    );
    assert_eq!(listed.hash_keys.unwrap().1, u128::MAX);
    stream.merge(&one, &two).unwrap_err();
    let all = stream.merge(&child, &one).unwrap();
    assert_eq!(stream.put_at(0, "a", "x").unwrap().shard, all);
    let page = read(&stream, &two, Start::TrimHorizon).await;
    assert_eq!(page.children[0].id, child);
}

#[tokio::test(start_paused = true)]
async fn a_dynamo_db_shard_rolls_over_and_names_no_children() {
    let stream = dynamo_db(2);
    let placed = put(&stream, StreamKind::DynamoDb, "a", "old");
    let child = stream.roll(&placed.shard).unwrap();
    let next = put(&stream, StreamKind::DynamoDb, "a", "new");
    assert_eq!(next.shard, child);
    assert!(compare_sequences(&placed.sequence, &next.sequence).is_lt());
    let page = read(&stream, &placed.shard, Start::TrimHorizon).await;
    assert_eq!(
        (texts(&page), page.next, page.children),
        (vec!["old".to_owned()], None, vec![])
    );
    stream.roll(&placed.shard).unwrap_err();
    let listed = stream.shards();
    let listed = listed.iter().find(|shard| shard.id == child).unwrap();
    assert_eq!(listed.parents, [placed.shard]);
}

#[tokio::test(start_paused = true)]
async fn each_service_does_only_what_it_does() {
    let stream = dynamo_db(2);
    let (one, other) = (shard(&stream, 0), shard(&stream, 1));
    let error = stream.merge(&one, &other).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Fatal);
    let stream = kinesis(1);
    let error = stream.roll(&shard(&stream, 0)).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Fatal);
}
