//! The contract of queues with message groups.

use super::message::MessageToSend;
use super::trial::Trial;
use super::{facts, groups};
use crate::clock::Clock;
use crate::ports::QueueSource;

/// Checks what a FIFO queue promises on top of [`queue_source_contract`](super::queue_source_contract), on an
/// empty queue, and leaves it empty. The parameters are the same, and so is what it costs: nothing on paused
/// time, and a server that hides messages for 10 s some 15 s.
///
/// What is checked:
///
/// * **Order.** The messages of a group are delivered in the order in which they were sent, within one receive
///   and from one to the next. A released message, and one whose visibility timeout has ended, comes before those
///   that were sent after it, also if several are released in another order.
/// * **One at a time.** While messages of a group are in flight, no other receive gets a message of that group,
///   be it at the same time; other groups go on. When all are settled, the next ones are there at once, also for
///   a receive that waits. Whether a message that was released waits for later ones in flight is left to the
///   queue.
/// * **Dropped receives**, if the source [is cancel safe](QueueSource::receive_is_cancel_safe), leave groups
///   open, and their messages in order.
/// * **Names.** A message has the group that it was sent with, to the letter, as its
///   [group](lambda_esm_core::record::QueueMessage::group) and as `MessageGroupId`. It has a
///   `MessageDeduplicationId`, and a `SequenceNumber` that grows along the group.
///
/// # Panics
/// Panics if a promise is broken, with its words, what was expected and what was seen.
pub async fn fifo_contract(
    source: &dyn QueueSource,
    clock: Clock,
    send: impl AsyncFn(MessageToSend),
) {
    let facts = facts::facts_are_sane(source).await;
    let trial = Trial::new(source, facts, clock, true, &send);
    let promise = "the contract is given an empty queue";
    trial.expect_none(promise).await;
    groups::groups_keep_their_order(&trial).await;
    groups::a_group_in_flight_is_blocked(&trial).await;
    groups::released_messages_come_first(&trial).await;
    groups::a_group_is_blocked_until_all_of_it_is_settled(&trial).await;
    groups::a_deletion_makes_way_for_the_next(&trial).await;
    if source.receive_is_cancel_safe() {
        groups::a_dropped_receive_leaves_a_group_as_it_was(&trial).await;
    }
    groups::a_group_goes_to_one_receive_at_a_time(&trial).await;
    groups::a_message_whose_visibility_timeout_ends_comes_first(&trial).await;
    let promise = "a queue is empty when all that was sent was deleted";
    trial.expect_none(promise).await;
}
