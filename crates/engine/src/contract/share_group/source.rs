//! The contract of every share group.

use super::trial::{SharedRecordToPut, Trial};
use super::{content, ends, locks};
use crate::clock::Clock;
use crate::contract::bound;
use crate::contract::promise::{equal, holds, succeeds};
use crate::ports::QueueSource;

/// What [`share_group_contract`] needs of a share group.
#[non_exhaustive]
pub struct ShareGroupContract<'c> {
    /// A member of the group.
    pub source: &'c dyn QueueSource,
    /// Another one. It is closed at last.
    pub other: &'c dyn QueueSource,
    /// Shows the time of the group's locks.
    pub clock: Clock,
}

impl<'c> ShareGroupContract<'c> {
    /// Returns the members of a group.
    #[must_use]
    pub const fn new(
        source: &'c dyn QueueSource,
        other: &'c dyn QueueSource,
        clock: Clock,
    ) -> Self {
        Self {
            source,
            other,
            clock,
        }
    }
}

/// Checks the promises of a [`QueueSource`] whose messages a share group delivers, on an empty topic, and leaves it
/// without records that could be delivered. It stands in the place of the contract of queues, whose content is that of SQS.
///
/// `put` puts one record into the topic; it may be called while receives wait. The group's locks last 10 s at least, and it
/// delivers a record two times at least.
///
/// Runs on paused time where the group is within the process, and then takes no time. A group whose locks last 15 s it
/// costs about two minutes. What brokers do may be seen three seconds late.
///
/// What is checked:
///
/// * **Facts.** [`describe`](QueueSource::describe) tells the same each time: with it how often the group delivers a record.
/// * **Content.** Key, value, which may be null, and headers are delivered as they were put, on each delivery. The id names
///   partition and offset; each delivery has a receipt of its own; the delivery count begins with 1 and grows by 1.
/// * **Members.** Every record is delivered, to one member, and no receive returns more than `max`.
/// * **Ends.** What is accepted or rejected does not come again. What is released is there at once, for every member,
///   until it was delivered as often as the limit says: then it is archived. Results come in the order of the settlements,
///   and an unknown receipt fails with [`Expired`](lambda_esm_core::fault::SourceErrorKind::Expired) without spoiling others;
///   so does one whose delivery is over, and changes nothing.
/// * **Locks.** Nobody gets a record whose lock holds; it comes again when that has ended. One that is renewed begins anew,
///   under the same receipt.
/// * **Lag.** It counts what the group has not done with, if the source tells it.
/// * **Closing.** What a member has that is closed goes to others at once.
///
/// # Panics
/// Panics if a promise is broken, with its words, what was expected and what was seen.
pub async fn share_group_contract(
    subject: ShareGroupContract<'_>,
    put: impl AsyncFn(SharedRecordToPut),
) {
    let ShareGroupContract {
        source,
        other,
        clock,
        ..
    } = subject;
    let facts = bound::ends("describe", source.describe()).await;
    let facts = succeeds("a group that is there describes itself", facts);
    let promise = "a share group tells how often it delivers a record";
    let limit = facts.delivery_limit.unwrap_or_default();
    holds(promise, limit >= 2, "2 or more", &facts.delivery_limit);
    let trial = Trial {
        source,
        other,
        facts,
        limit,
    };
    // Brokers may take some seconds until a member has its partitions.
    trial
        .expect_none("a topic without records delivers none", source)
        .await;
    trial
        .expect_none("a topic without records delivers none", other)
        .await;
    ends::what_is_accepted_or_rejected_does_not_come_again(&trial, &put).await;
    ends::what_is_released_is_there_at_once(&trial, &put).await;
    content::records_are_delivered_as_they_were_put(&trial, &put).await;
    content::every_record_is_delivered_to_one_member(&trial, &put).await;
    ends::results_come_in_the_order_of_the_settlements(&trial, &put).await;
    ends::a_record_is_delivered_as_often_as_the_limit_says(&trial, &put).await;
    locks::the_lag_is_what_is_not_done_with(&trial, &put).await;
    locks::a_lock_holds_for_its_time(&trial, clock, &put).await;
    if facts.can_renew {
        locks::a_renewed_lock_holds_on(&trial, clock, &put).await;
    }
    locks::a_member_that_is_closed_gives_back_what_it_has(&trial, &put).await;
    let again = bound::ends("describe", source.describe()).await;
    let promise = "a group describes itself the same way each time";
    equal(promise, &again, &Ok(facts));
}
