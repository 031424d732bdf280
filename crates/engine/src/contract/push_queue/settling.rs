//! What becomes of deliveries.

use super::messages::ORDER;
use super::queue::{Queue, is_redelivered, numbers};
use super::session::Session;
use super::subject::PushQueueContract;
use crate::contract::promise::equal;
use crate::ports::Outcome;

pub(super) async fn settles_what_it_names(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(6).await;
    let mut session = Session::begin(&queue, 10).await;
    let all = session.read(6).await;
    equal(ORDER, &numbers(&all), &vec![0, 1, 2, 3, 4, 5]);
    // Neither those before nor those after them.
    session.settle(&all[1..2], Outcome::Accepted).await;
    session.settle(&all[4..5], Outcome::Accepted).await;
    session.close().await;
    let mut session = Session::begin(&queue, 10).await;
    let rest = session.read(4).await;
    equal(
        "settling ends the deliveries that it names, and no other",
        &numbers(&rest),
        &vec![0, 2, 3, 5],
    );
    session.settle(&rest, Outcome::Accepted).await;
    session
        .reads_nothing("what was accepted is not delivered again")
        .await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn releases_to_the_place_in_the_queue(subject: &dyn PushQueueContract) {
    const BACK: &str = "what goes back comes again, before what was sent after it, in its order";
    let mut queue = Queue::make(subject).await;
    queue.publish(6).await;
    let mut session = Session::begin(&queue, 3).await;
    let first = session.read(3).await;
    equal(ORDER, &numbers(&first), &vec![0, 1, 2]);
    let failed = false;
    session.settle(&first, Outcome::Released { failed }).await;
    let again = session.read(3).await;
    equal(BACK, &numbers(&again), &vec![0, 1, 2]);
    let redelivered: Vec<_> = again.iter().map(is_redelivered).collect();
    equal(
        "what was delivered before is shown as redelivered",
        &redelivered,
        &vec![true; 3],
    );
    let counted: Vec<_> = again.iter().map(|each| each.failed_deliveries).collect();
    equal(
        "a delivery that is released without a failure does not count as failed",
        &counted,
        &vec![0; 3],
    );
    session.settle(&again, Outcome::Accepted).await;
    let rest = session.read(3).await;
    equal(BACK, &numbers(&rest), &vec![3, 4, 5]);
    session.settle(&rest, Outcome::Accepted).await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn counts_failures(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(1).await;
    let mut session = Session::begin(&queue, 1).await;
    for failures in 0..3 {
        let found = session.read(1).await;
        equal("what is released comes again", &numbers(&found), &vec![0]);
        if subject.counts_failures() {
            equal(
                "a message tells how many of its deliveries have failed",
                &found[0].failed_deliveries,
                &failures,
            );
        }
        let failed = true;
        session.settle(&found, Outcome::Released { failed }).await;
    }
    let found = session.read(1).await;
    session.settle(&found, Outcome::Accepted).await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn rejects_for_good(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(3).await;
    let mut session = Session::begin(&queue, 10).await;
    let all = session.read(3).await;
    equal(ORDER, &numbers(&all), &vec![0, 1, 2]);
    session.settle(&all[1..2], Outcome::Rejected).await;
    session
        .reads_nothing("what was rejected is not delivered again")
        .await;
    session.settle(&all[..1], Outcome::Accepted).await;
    session.settle(&all[2..], Outcome::Accepted).await;
    session.close().await;
    queue.has("what was rejected is not in the queue", 0).await;
    queue
        .has_dead("what was rejected is a dead letter, and nothing else is", 1)
        .await;
}
