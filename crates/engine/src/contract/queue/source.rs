//! The contract of every queue.

use super::message::MessageToSend;
use super::trial::Trial;
use super::{
    cancellation, concurrency, content, facts, limits, settling, threads, visibility, waiting,
};
use crate::clock::Clock;
use crate::ports::QueueSource;

/// Checks the promises of [`QueueSource`] on an empty queue, and leaves it empty.
///
/// `clock` shows the queue's time. `fifo` tells whether the queue has message groups. `send` puts one message
/// into the queue; it may be called while receives wait. The queue hides messages for at least 10 s, and lets
/// each be received five times at least.
///
/// Runs on paused time (`#[tokio::test(start_paused = true)]`) where the queue is within the process and has no
/// threads of its own, and then takes no time. A server that hides messages for 10 s it costs some 25 s. What a
/// server does may be seen a second too early, or three too late. On paused time the times that messages show
/// must be paused too.
///
/// What is checked:
///
/// * **Facts.** [`describe`](QueueSource::describe) tells the same each time, whatever is in the queue, and what
///   it tells is so: `visibility_timeout`, the limits, and the waits from `wait_step` to `longest_wait`.
/// * **Waiting.** A receive that finds nothing succeeds, empty, when its wait is over and not before. One that
///   waits answers as soon as a message is sent, released, or no longer hidden, and does not wait for more. A
///   wait longer than the queue allows is cut. Every call answers within a bound, and sleeps while it waits.
/// * **Content.** Body, message attributes, their MD5s and the group are delivered as they were sent, whatever
///   characters they have, up to 256 KiB, and on each delivery. A message has the same id on each delivery, and
///   no other has it; each delivery has a receipt of its own. Messages with the same body are two.
///   `ApproximateReceiveCount` counts the deliveries from 1; `SentTimestamp` and
///   `ApproximateFirstReceiveTimestamp` are right, and stay; `SenderId` is there.
/// * **Hiding.** A received message stays hidden until it is settled or its visibility timeout ends, and then
///   comes back. [`visibility_timeout`](crate::ports::ReceiveRequest::visibility_timeout) of a receive takes the
///   place of the queue's own, shorter or longer.
/// * **Settling.** A deleted message does not come back. A released one is there at once. Neither changes
///   another. There is one result for each settlement, in their order; settling nothing gives none; a receipt
///   that is unknown fails with [`Expired`](lambda_esm_core::fault::SourceErrorKind::Expired) without spoiling
///   the others. `settle_limit` deliveries are settled in one call. Settling again, and by the receipt of an
///   earlier delivery, succeeds or fails with `Expired`; which one, and whether an earlier receipt deletes the
///   message, is left to the queue.
/// * **Limits.** No receive returns more than `max` messages, or more than `receive_limit`.
/// * **Concurrency.** Of receives at the same time each message goes to one, and none is lost: also in several
///   threads, if the source [is cancel safe](QueueSource::receive_is_cancel_safe).
/// * **Dropped receives**, if the source [is cancel safe](QueueSource::receive_is_cancel_safe). Dropped at
///   whatever point it waits, a receive has taken nothing: every message can be received at once, with no receive
///   counted, also one that came at that very moment, and a receive that still waits gets it.
///
/// # Panics
/// Panics if a promise is broken, with its words, what was expected and what was seen.
pub async fn queue_source_contract(
    source: &dyn QueueSource,
    clock: Clock,
    fifo: bool,
    send: impl AsyncFn(MessageToSend),
) {
    let facts = facts::facts_are_sane(source).await;
    let trial = Trial::new(source, facts, clock, fifo, &send);
    waiting::an_empty_queue_answers_after_the_wait(&trial).await;
    waiting::a_message_that_is_there_is_not_waited_for(&trial).await;
    waiting::a_waiting_receive_is_woken(&trial).await;
    content::bodies_are_delivered_as_they_were_sent(&trial).await;
    content::attributes_are_delivered_as_they_were_sent(&trial).await;
    content::times_are_told(&trial).await;
    settling::a_released_message_is_there_at_once(&trial).await;
    settling::nothing_can_be_settled(&trial).await;
    settling::results_come_in_the_order_of_the_settlements(&trial).await;
    settling::an_unknown_receipt_fails_by_itself(&trial).await;
    settling::a_delivery_may_be_settled_again(&trial).await;
    settling::as_many_as_the_limit_are_settled_at_once(&trial).await;
    limits::a_receive_is_bounded(&trial).await;
    if !fifo {
        content::messages_that_are_equal_are_two(&trial).await;
    }
    concurrency::each_message_goes_to_one_receive(&trial).await;
    facts::facts_stay_as_they_are(&trial).await;
    visibility::hidden_messages_come_back_in_time(&trial).await;
    if source.receive_is_cancel_safe() {
        cancellation::a_dropped_receive_takes_nothing(&trial).await;
    }
    if source.receive_is_cancel_safe() && !trial.long_wait().is_zero() {
        cancellation::a_message_that_comes_as_a_receive_is_dropped_stays(&trial).await;
        cancellation::many_receives_may_be_dropped(&trial).await;
        cancellation::a_receive_that_still_waits_is_served(&trial).await;
    }
    if source.receive_is_cancel_safe() {
        threads::each_message_goes_to_one_thread(&trial).await;
    }
    facts::facts_stay_as_they_are(&trial).await;
    let promise = "a queue is empty when all that was sent was deleted";
    trial.expect_none(promise).await;
}
