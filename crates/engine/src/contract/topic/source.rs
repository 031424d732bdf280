//! What every topic must do, whatever its server.

use super::subject::TopicContract;
use super::{changes, moves, pages, records, starts, waits};
use crate::clock::Clock;

/// Checks the promises of [`TopicSource`](crate::ports::TopicSource) and
/// [`TopicConsumer`](crate::ports::TopicConsumer), on topics that the subject makes.
///
/// `clock` shows the server's time, within some seconds. Run it on paused time
/// (`#[tokio::test(start_paused = true)]`), unless the source calls a server. What must happen on a server may take a
/// minute each time.
///
/// The promises, beside those that the ports' documentation has in these words:
/// - every call ends;
/// - a record comes as it was put: key, value and headers, each of which may be null or empty, and its time;
/// - records come in the order of their offsets, each once in an epoch, from the committed offset on;
/// - a page has no more records than were asked for, and goes beyond its bytes by one at most; its position lies
///   behind all of its records, and passes over what no consumer sees;
/// - a fetch waits for a record as long as it is asked to, and holds up no other partition;
/// - every partition is assigned, and has one owner in the group at a time; every member gets some if there are
///   enough, and hears that it is a member if there are not;
/// - a partition stays with its owner until the group asks for it; what is not let go of within the bound is lost;
/// - each assignment has a greater epoch than all before it, and tells what the group has committed; under an epoch
///   that is over nothing is read, and nothing is committed;
/// - every record that is not below a committed offset is delivered after a move, and no other, be it that the owner
///   lets go, leaves or is dropped;
/// - a group begins where it is told, and that is kept; what is committed wins; a partition that was added, or whose
///   place the log no longer holds, begins with its oldest record;
/// - watermarks tell what the logs of the owned partitions hold.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn topic_source_contract(subject: &dyn TopicContract, clock: Clock) {
    records::come_as_they_were_put(subject, clock).await;
    pages::keep_to_their_limits(subject).await;
    pages::pass_over_what_no_consumer_sees(subject).await;
    waits::end_with_a_record_or_in_time(subject).await;
    Box::pin(moves::lose_nothing(subject)).await;
    moves::leave_some_without(subject).await;
    moves::do_not_wait_for_ever(subject).await;
    Box::pin(starts::begin_where_they_say(subject)).await;
    changes::partitions_are_added(subject).await;
    changes::records_are_deleted(subject).await;
    changes::a_topic_is_made_anew(subject).await;
}
