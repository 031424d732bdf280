//! Records are kept as Kafka keeps them.

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::TimestampType;
use lambda_esm_engine::memory::{MemoryTopicOptions, NewRecord, Tombstones, TopicCall};
use lambda_esm_engine::ports::{TopicFetch, Watermarks};

use crate::world::{Member, SECOND, START, put, topic, with};

#[tokio::test(start_paused = true)]
async fn a_key_decides_the_partition_as_with_kafkas_producers() {
    let topic = topic(12);
    let keyed = |key: &'static str| NewRecord::new("x").with_key(Some(Bytes::from(key)));
    let again = topic.put(keyed("foobar")).unwrap();
    assert_eq!(topic.put(keyed("foobar")).unwrap(), (again.0, again.1 + 1));
    // 0x7fffffff & -790332482 = 1357151166, of which 12 leaves 6.
    assert_eq!(again, (6, 0));
    let keyless = (0..12).map(|_| topic.put(NewRecord::new("x")).unwrap().0);
    assert_eq!(keyless.collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
    let nowhere = topic.put(NewRecord::new("x").with_partition(Some(12)));
    assert_eq!(nowhere.unwrap_err().kind, SourceErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn timestamps_are_the_producers_unless_the_topic_sets_its_own() {
    let made = Timestamp(START.0 - 1000);
    for (kind, shown) in [
        (TimestampType::CreateTime, made),
        (TimestampType::LogAppendTime, START),
    ] {
        let topic = with(MemoryTopicOptions::default().with_timestamp_type(kind));
        topic
            .put(NewRecord::tombstone("k").with_timestamp(Some(made)))
            .unwrap();
        let one = Member::join(&topic, "g").await;
        let page = one.fetch(one.partition(0)).await.unwrap();
        let record = &page.records[0];
        assert_eq!((record.timestamp, record.timestamp_type), (shown, kind));
        assert_eq!(
            (&record.key, &record.value),
            (&Some(Bytes::from("k")), &None)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_passes_over_markers_and_what_was_compacted() {
    let topic = topic(1);
    for value in ["1", "2"] {
        let record = NewRecord::new(value).with_key(Some(Bytes::from("k")));
        topic.put(record).unwrap();
    }
    topic.mark(0).unwrap();
    topic.compact(Tombstones::Dropped);
    let one = Member::join(&topic, "g").await;
    let page = one.fetch(one.partition(0)).await.unwrap();
    assert_eq!((page.records[0].offset, page.records.len()), (1, 1));
    assert_eq!(page.position, Some(3));
    topic.put(NewRecord::tombstone("k")).unwrap();
    topic.compact(Tombstones::Dropped);
    let page = one.fetch(one.partition(0)).await.unwrap();
    assert_eq!((page.records.len(), page.position), (0, Some(4)));
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_by_hand_or_by_age_is_passed_over() {
    let topic = with(MemoryTopicOptions::default().with_retention(60 * SECOND));
    for text in ["a", "b", "c"] {
        put(&topic, 0, text);
        tokio::time::sleep(10 * SECOND).await;
    }
    let one = Member::join(&topic, "g").await;
    topic.delete_records(0, 1).unwrap();
    tokio::time::sleep(40 * SECOND).await;
    assert_eq!(one.reads(0).await, ["c"]);
    let (partition, low, high) = (0, 2, 3);
    let marks = [Watermarks {
        partition,
        low,
        high,
    }];
    assert_eq!(topic.watermarks(), marks);
    assert_eq!(one.consumer.watermarks().await.unwrap(), marks);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_made_anew_is_read_from_its_first_offset() {
    let topic = topic(1);
    put(&topic, 0, "a");
    put(&topic, 0, "b");
    let one = Member::join(&topic, "g").await;
    assert_eq!(one.reads(0).await, ["a", "b"]);
    one.commits(one.partition(0), 2).await.unwrap();
    topic.recreate();
    assert_eq!(topic.committed("g").len(), 0);
    put(&topic, 0, "c");
    let page = one.fetch(one.partition(0)).await.unwrap();
    assert_eq!((page.records[0].offset, page.position), (0, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_waits_for_a_record_and_no_longer() {
    let topic = topic(2);
    let one = Member::join(&topic, "g").await;
    let request = TopicFetch::new(one.partition(0), 10, 1000).with_wait(60 * SECOND);
    let begun = tokio::time::Instant::now();
    let page = one.consumer.fetch(request).await.unwrap();
    assert_eq!((page.records.len(), begun.elapsed()), (0, 60 * SECOND));
    let late = async {
        tokio::time::sleep(5 * SECOND).await;
        put(&topic, 1, "elsewhere");
        tokio::time::sleep(5 * SECOND).await;
        put(&topic, 0, "here");
    };
    let (page, ()) = futures::join!(one.consumer.fetch(request), late);
    assert_eq!(page.unwrap().records.len(), 1);
    assert_eq!(begun.elapsed(), 70 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn calls_fail_as_often_as_they_are_told_to() {
    let topic = topic(1);
    let one = Member::join(&topic, "g").await;
    topic.fail_next(TopicCall::Commit, 1, SourceErrorKind::Transient);
    topic.fail_next(TopicCall::Fetch, 1, SourceErrorKind::Denied);
    let owned = one.partition(0);
    assert_eq!(one.commits(owned, 0).await, Err(SourceErrorKind::Transient));
    assert_eq!(one.commits(owned, 0).await, Ok(()));
    let refused = one.fetch(owned).await.map_err(|error| error.kind);
    assert_eq!(refused, Err(SourceErrorKind::Denied));
    assert!(one.fetch(owned).await.is_ok());
    assert_eq!(topic.calls(TopicCall::Commit), 2);
}
