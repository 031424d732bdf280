//! Several consumers compete.

use super::queue::{Queue, numbers};
use super::session::Session;
use super::subject::PushQueueContract;
use crate::contract::promise::{equal, holds};
use crate::ports::Outcome;

pub(super) async fn among_consumers(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    let mut sessions = [
        Session::begin(&queue, 10).await,
        Session::begin(&queue, 10).await,
    ];
    queue.publish(20).await;
    let mut of_each = Vec::new();
    for session in &mut sessions {
        // What one has it keeps, so that the rest is the other's.
        let found = session.read(10).await;
        holds(
            "consumers share what is in the queue",
            found.len() == 10,
            "as many messages as the prefetch",
            &found.len(),
        );
        of_each.push(found);
    }
    let mut all: Vec<_> = of_each.iter().flat_map(|found| numbers(found)).collect();
    all.sort_unstable();
    equal(
        "a message is delivered to one consumer at a time",
        &all,
        &(0..20).collect::<Vec<_>>(),
    );
    let [mut first, second] = sessions;
    first.settle(&of_each[0], Outcome::Accepted).await;
    second.close().await;
    let found = first.read(10).await;
    let mut others = numbers(&found);
    let mut expected = numbers(&of_each[1]);
    others.sort_unstable();
    expected.sort_unstable();
    equal(
        "what one consumer has not settled goes to another when its session ends",
        &others,
        &expected,
    );
    first.settle(&found, Outcome::Accepted).await;
    first.close().await;
    queue.has("what is accepted is gone", 0).await;
}
