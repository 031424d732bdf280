//! The batcher alone: when a batch is full, and what its event is.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{
    Batch, Batcher, CloseReason, Limits, MAX_PAYLOAD_BYTES, Oversized,
};
use lambda_esm_core::event::RECORDS;

const AROUND: usize = "{\"Records\":[]}".len();

fn batcher(count: usize, window: u64) -> Batcher<usize> {
    let window = Duration::from_secs(window);
    Batcher::new(Limits { count, window }, RECORDS)
}

/// Pushes a record of so many bytes, which is also its name.
fn push(
    batcher: &mut Batcher<usize>,
    bytes: usize,
) -> Result<Option<Batch<usize>>, Oversized<usize>> {
    batcher.push(Timestamp(0), bytes, |&bytes, out| {
        out.resize(out.len() + bytes, b'1');
    })
}

#[test]
fn an_event_may_have_six_megabytes_and_not_a_byte_more() {
    let largest = MAX_PAYLOAD_BYTES - AROUND;
    let mut batcher = batcher(10, 1);
    assert!(push(&mut batcher, largest).unwrap().is_none());
    let batch = batcher.close(CloseReason::Window).unwrap();
    assert_eq!(batch.payload().len(), MAX_PAYLOAD_BYTES);
    let error = push(&mut batcher, largest + 1).unwrap_err();
    assert_eq!(
        (error.item, error.bytes),
        (largest + 1, MAX_PAYLOAD_BYTES + 1)
    );
    assert!(batcher.is_empty() && batcher.window_end().is_none());
}

#[test]
fn records_that_fill_an_event_to_the_last_byte_stay_together() {
    let rest = MAX_PAYLOAD_BYTES - AROUND - 100 - ",".len();
    for (second, together) in [(rest, true), (rest + 1, false)] {
        let mut batcher = batcher(10, 1);
        push(&mut batcher, 100).unwrap();
        let closed = push(&mut batcher, second).unwrap();
        let first = closed.map(|batch| (batch.reason, batch.items));
        let last = batcher.close(CloseReason::Window).unwrap();
        if together {
            assert_eq!(last.payload().len(), MAX_PAYLOAD_BYTES);
            assert_eq!((first, last.items), (None, vec![100, second]));
        } else {
            let first = first.unwrap();
            assert_eq!(
                (first, last.items),
                ((CloseReason::Bytes, vec![100]), vec![second])
            );
        }
    }
}

#[test]
fn an_oversized_record_leaves_the_open_batch_as_it_was() {
    let mut batcher = batcher(10, 1);
    push(&mut batcher, 3).unwrap();
    push(&mut batcher, MAX_PAYLOAD_BYTES).unwrap_err();
    push(&mut batcher, 2).unwrap();
    let batch = batcher.close(CloseReason::Window).unwrap();
    assert_eq!(batch.payload(), "{\"Records\":[111,11]}");
}

#[test]
fn what_is_kept_of_a_batch_is_the_same_bytes_without_the_rest() {
    for (keep, payload) in [
        (vec![1, 2, 3], "{\"Records\":[1,11,111]}"),
        (vec![1, 3], "{\"Records\":[1,111]}"),
        (vec![2, 3], "{\"Records\":[11,111]}"),
        (vec![2], "{\"Records\":[11]}"),
        (vec![], "{\"Records\":[]}"),
    ] {
        let mut batcher = batcher(10, 1);
        for bytes in 1..=3 {
            push(&mut batcher, bytes).unwrap();
        }
        let mut batch = batcher.close(CloseReason::Window).unwrap();
        let removed = batch.retain(|bytes| keep.contains(bytes));
        assert_eq!(
            (batch.payload(), batch.items.len()),
            (payload.into(), keep.len())
        );
        assert_eq!(removed.len(), 3 - keep.len());
        // Once more, from what was kept.
        let last = keep.last().copied();
        batch.retain(|&bytes| Some(bytes) == last);
        let expected = last.map_or(String::new(), |bytes| "1".repeat(bytes));
        assert_eq!(batch.payload(), format!("{{\"Records\":[{expected}]}}"));
    }
}

#[test]
fn a_window_ends_counted_from_its_first_record_or_the_completion_before_it() {
    let mut batcher = batcher(10, 5);
    let push_at = |batcher: &mut Batcher<usize>, millis| {
        batcher
            .push(Timestamp(millis), 1, |_, out| out.push(b'1'))
            .unwrap();
    };
    push_at(&mut batcher, 1_000);
    push_at(&mut batcher, 3_000);
    batcher.previous_completed(Timestamp(4_000));
    assert_eq!(batcher.window_end(), Some(Timestamp(6_000)));
    batcher.close(CloseReason::Window);
    assert_eq!(batcher.window_end(), None);
    batcher.previous_completed(Timestamp(7_000));
    batcher.previous_completed(Timestamp(8_000));
    push_at(&mut batcher, 9_000);
    assert_eq!(batcher.window_end(), Some(Timestamp(12_000)));
    batcher.forget_empty_window(Timestamp(12_000));
    assert_eq!(
        batcher.window_end(),
        Some(Timestamp(12_000)),
        "it is not empty"
    );
}

/// Pushes a record that is a number in its event.
fn write(batcher: &mut Batcher<usize>, number: usize) -> Option<Batch<usize>> {
    let pushed = batcher.push(Timestamp(0), number, |number, out| {
        out.extend_from_slice(number.to_string().as_bytes());
    });
    pushed.unwrap()
}

#[test]
fn picked_and_joined_parts_are_the_same_bytes_in_another_cut() {
    let mut batcher = batcher(5, 0);
    let mut whole = None;
    for number in 0..5 {
        whole = write(&mut batcher, number);
    }
    let whole = whole.unwrap();
    let left = whole.pick(0..2);
    assert_eq!(left.payload().as_ref(), br#"{"Records":[0,1]}"#);
    assert_eq!(left.items, [0, 1]);
    let ends = whole.pick([0, 4]);
    assert_eq!(ends.payload().as_ref(), br#"{"Records":[0,4]}"#);
    let ends = Batch::joined(vec![ends, whole.pick(2..4)]);
    assert_eq!(ends.payload().as_ref(), br#"{"Records":[0,4,2,3]}"#);
    assert_eq!(ends.items, [0, 4, 2, 3]);
    assert_eq!(ends.pick(1..3).payload().as_ref(), br#"{"Records":[4,2]}"#);
}

#[test]
fn an_empty_batch_takes_another_ending_and_other_records() {
    let empty: Batch<usize> = Batch::empty(RECORDS, CloseReason::TumblingWindow);
    assert_eq!(empty.payload().as_ref(), br#"{"Records":[]}"#);
    assert_eq!(
        empty.payload_ending_with(br#"],"state":{}}"#).as_ref(),
        br#"{"Records":[],"state":{}}"#
    );
    let mut batcher = batcher(1, 0);
    let joined = Batch::joined(vec![empty, write(&mut batcher, 7).unwrap()]);
    assert_eq!(
        joined.payload_ending_with(br#"],"state":{}}"#).as_ref(),
        br#"{"Records":[7],"state":{}}"#
    );
}

#[test]
fn room_that_is_reserved_closes_a_batch_earlier() {
    let mut batcher = batcher(1_000, 0).reserving(MAX_PAYLOAD_BYTES / 2);
    let megabyte = 1024 * 1024;
    for _ in 0..2 {
        assert!(push(&mut batcher, megabyte).unwrap().is_none());
    }
    let closed = push(&mut batcher, megabyte).unwrap().unwrap();
    assert_eq!((closed.items.len(), closed.reason), (2, CloseReason::Bytes));
}
