//! Sessions that end, and those that are stopped.

use lambda_esm_core::fault::SourceErrorKind;
use uuid::Uuid;

use super::messages::ORDER;
use super::queue::{Queue, is_redelivered, numbers};
use super::session::Session;
use super::subject::PushQueueContract;
use crate::contract::bound::ends;
use crate::contract::promise::{equal, holds};
use crate::ports::{ConsumeRequest, Outcome};

/// The promise of every end.
const BACK: &str =
    "what a session has not settled goes back to the queue when it ends, to its place";

pub(super) async fn by_being_closed(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(6).await;
    let mut session = Session::begin(&queue, 4).await;
    let first = session.read(4).await;
    equal(ORDER, &numbers(&first), &vec![0, 1, 2, 3]);
    session.settle(&first[..1], Outcome::Accepted).await;
    session.close().await;
    let again = if subject.marks_redeliveries() { 3 } else { 0 };
    comes_back(&queue, 1..6, again).await;
}

pub(super) async fn by_being_dropped(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(4).await;
    let mut session = Session::begin(&queue, 4).await;
    equal(ORDER, &numbers(&session.read(4).await), &vec![0, 1, 2, 3]);
    drop(session);
    queue.has(BACK, 4).await;
    let again = if subject.marks_redeliveries() { 4 } else { 0 };
    comes_back(&queue, 0..4, again).await;
}

pub(super) async fn by_a_broken_connection(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(4).await;
    let mut session = Session::begin(&queue, 3).await;
    let first = session.read(3).await;
    equal(ORDER, &numbers(&first), &vec![0, 1, 2]);
    let breaking = subject.break_connections(&queue.name);
    if !ends("breaking connections", breaking).await {
        return session.close().await;
    }
    session
        .is_over("a read fails when the connection is broken")
        .await;
    let settled = session.try_settle(&first, Outcome::Accepted).await;
    holds(
        "nothing is settled in a session that is over",
        settled.is_err(),
        "an error",
        &settled,
    );
    session.close().await;
    comes_back(&queue, 0..4, 3).await;
}

/// Checks that these messages come to the next session, the first of them not for the first time.
async fn comes_back(queue: &Queue<'_>, expected: std::ops::Range<usize>, again: usize) {
    let mut session = Session::begin(queue, 10).await;
    let found = session.read(expected.len()).await;
    equal(BACK, &numbers(&found), &expected.collect::<Vec<_>>());
    let redelivered = found.iter().take(again).all(is_redelivered);
    equal(
        "what was delivered before is shown as redelivered",
        &redelivered,
        &true,
    );
    session.settle(&found, Outcome::Accepted).await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn are_stopped_before(subject: &dyn PushQueueContract) {
    const STOPPED: &str = "a session that is stopped is sent nothing more";
    let mut queue = Queue::make(subject).await;
    queue.publish(2).await;
    let mut session = Session::begin(&queue, 10).await;
    let held = session.read(2).await;
    equal(ORDER, &numbers(&held), &vec![0, 1]);
    session.stop().await;
    queue.publish(2).await;
    session.reads_nothing(STOPPED).await;
    session.settle(&held[..1], Outcome::Accepted).await;
    let failed = false;
    session
        .settle(&held[1..], Outcome::Released { failed })
        .await;
    session.reads_nothing(STOPPED).await;
    session.close().await;

    // What was sent before and not read is there still, or in the queue.
    queue.publish(3).await;
    let mut session = Session::begin(&queue, 10).await;
    let mut found = session.read(1).await;
    session.stop().await;
    found.extend(session.read_on().await);
    session.settle(&found, Outcome::Accepted).await;
    session.close().await;
    let mut session = Session::begin(&queue, 10).await;
    let rest = session.read_on().await;
    session.settle(&rest, Outcome::Accepted).await;
    session.close().await;
    found.extend(rest);
    equal(
        "what was sent before a session was stopped is read, or goes back",
        &numbers(&found),
        &vec![1, 2, 3, 4, 5, 6],
    );
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn or_do_not_begin(subject: &dyn PushQueueContract) {
    if subject.makes_missing_queues() {
        return;
    }
    let name = format!("contract-missing-{}", Uuid::new_v4());
    let source = subject.source(&name).await;
    let begun = ends(
        "a session's beginning",
        source.consume(ConsumeRequest::new(1)),
    )
    .await;
    let kind = begun.as_ref().err().map(|error| error.kind);
    equal(
        "a queue that is not there is not found",
        &kind,
        &Some(SourceErrorKind::NotFound),
    );
}

pub(super) async fn with_the_queue(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(1).await;
    let mut session = Session::begin(&queue, 1).await;
    equal(ORDER, &numbers(&session.read(1).await), &vec![0]);
    if !ends("deleting a queue", subject.delete(&queue.name)).await {
        return session.close().await;
    }
    session
        .is_over("a read fails when the queue is deleted")
        .await;
    session.close().await;
}
