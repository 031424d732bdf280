//! What every queue of a broker must do.

use super::subject::PushQueueContract;
use super::{ends, messages, settling, sharing};

/// Checks the promises of [`PushQueueSource`](crate::ports::PushQueueSource) and
/// [`PushQueueConsumer`](crate::ports::PushQueueConsumer), on queues that the subject makes.
///
/// Run it on paused time (`#[tokio::test(start_paused = true)]`), unless the source calls a broker. What must happen on a
/// broker may take half a minute each time.
///
/// The promises, beside those that the ports' documentation has in these words:
/// - every call ends, but for a read that has nothing to bring;
/// - a message comes as it was published: body, properties and headers, and whether it was delivered before;
/// - messages come in the order of the queue, each once, under tags that grow;
/// - no more messages are delivered and not settled than the prefetch, and what is settled makes room for as many;
/// - a read waits for a message, and loses none by being dropped;
/// - settling ends the deliveries that it names, and no other: what is accepted is gone, what is released comes again
///   before what was sent after it, what is rejected becomes a dead letter; failures are counted where the broker counts;
/// - a session that is stopped is sent nothing more, and can still settle;
/// - what a session has not settled goes back to its place in the queue when it ends: closed, dropped, or because its
///   connection is broken, which every read tells from then on;
/// - a message is delivered to one consumer at a time, and what one leaves goes to another;
/// - a queue that is not there is not found, and one that is deleted ends its sessions.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn push_queue_contract(subject: &dyn PushQueueContract) {
    Box::pin(messages::come_as_they_were_published(subject)).await;
    Box::pin(messages::come_in_order_up_to_the_prefetch(subject)).await;
    Box::pin(messages::are_waited_for(subject)).await;
    settling::settles_what_it_names(subject).await;
    Box::pin(settling::releases_to_the_place_in_the_queue(subject)).await;
    settling::counts_failures(subject).await;
    settling::rejects_for_good(subject).await;
    Box::pin(ends::are_stopped_before(subject)).await;
    ends::by_being_closed(subject).await;
    ends::by_being_dropped(subject).await;
    ends::by_a_broken_connection(subject).await;
    sharing::among_consumers(subject).await;
    ends::or_do_not_begin(subject).await;
    ends::with_the_queue(subject).await;
}
