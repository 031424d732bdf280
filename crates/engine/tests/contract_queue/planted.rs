//! Every fault of a queue, and the promise by which the contract finds it.

use lambda_esm_engine::contract::queue_source_contract;

use crate::fault::Fault::{self, *};
use crate::faulty::Faulty;
use crate::outcome::{is_found, is_kept, outcome};

fn contract(fault: Option<Fault>, fifo: bool) -> Result<(), String> {
    outcome(async {
        let queue = Faulty::new(fault, fifo);
        let send = async |message| queue.send(message).await;
        queue_source_contract(&queue, queue.clock, fifo, send).await;
    })
}

fn are_found(faults: &[(Fault, &str)]) {
    for (fault, promise) in faults {
        let outcome = contract(Some(*fault), false);
        is_found(&format!("{fault:?}"), promise, outcome);
    }
}

#[test]
fn a_queue_without_a_fault_keeps_the_contract() {
    for fifo in [false, true] {
        is_kept("without a fault", contract(None, fifo));
    }
}

#[test]
fn wrong_facts_are_found() {
    let back = "a hidden message comes back when its visibility timeout ends";
    let waits = "answers when its wait is over";
    are_found(&[
        (DescribeFails, "describe succeeds"),
        (DescribeNeverAnswers, "describe answers within a bound"),
        (FactsChange, "describe tells the same facts each time"),
        (TellsHalfTheVisibility, back),
        (TellsTwiceTheVisibility, "stays hidden"),
        (TellsNoReceiveLimit, "receive_limit"),
        (TellsNoSettleLimit, "settle_limit"),
        (TellsASmallerReceiveLimit, "no more than receive_limit"),
        (TellsALargerSettleLimit, "the outer error of settle"),
        (TellsALongerWait, waits),
        (TellsAFinerStep, waits),
        (TellsAStepBeyondTheWait, "no longer than the longest wait"),
    ]);
}

#[test]
fn wrong_waits_are_found() {
    let waits = "answers when its wait is over";
    let sent = "answers as soon as a message is sent";
    are_found(&[
        (DoesNotWait, waits),
        (WaitsTwiceAsLong, waits),
        (
            WaitsAsLongAsItCan,
            "a receive answers within a bound beyond its wait",
        ),
        (SendsLate, "brings it, and does not wait for more"),
        (SpinsWhileItWaits, "a call that waits sleeps"),
        (RefusesALongWait, "a receive succeeds"),
        (WaitsAlone, "a receive that is not to wait answers at once"),
        (
            NeverAnswersWhenEmpty,
            "a receive answers within a bound beyond its wait",
        ),
        (FailsWhenEmpty, "a receive succeeds, also if it is empty"),
        (LooksOnlyWhenTheWaitEnds, "does not wait for more"),
        (LooksTooSeldom, sent),
        (
            IsNotWokenByARelease,
            "answers as soon as a message is released",
        ),
        (
            IsNotWokenWhenAMessageComesBack,
            "comes back when its visibility timeout ends",
        ),
        (WaitsForAFullBatch, "does not wait for more"),
    ]);
}

#[test]
fn wrong_visibility_is_found() {
    let hidden = "stays hidden until it is settled or its visibility timeout ends";
    let back = "comes back when its visibility timeout ends";
    let overridden = "stays hidden for as long as the receive asks for";
    are_found(&[
        (NeverComesBack, back),
        (NeverComesBackTwice, back),
        (HidesHalfAsLong, overridden),
        (HidesTwiceAsLong, back),
        (HidesHalfAsLongByItself, hidden),
        (DoesNotHide, hidden),
        (IgnoresTheOverride, back),
        (IgnoresAShorterOverride, back),
        (IgnoresALongerOverride, overridden),
        (OverridesOnlyTheFirst, back),
        (OverrideStays, hidden),
        (EndsWithAnEarlierTimeout, hidden),
        (LosesAfterTwoReceives, back),
    ]);
}

#[test]
fn wrong_names_counts_and_times_are_found() {
    let receipt = "each delivery has a receipt of its own";
    let count = "ApproximateReceiveCount is 1 at the first delivery";
    let sent = "SentTimestamp is when the message was sent";
    let first = "ApproximateFirstReceiveTimestamp is when the message was first received";
    are_found(&[
        (SameReceiptAgain, receipt),
        (OneReceiptForAll, receipt),
        (EmptyReceipt, "a message has an id and a receipt"),
        (NewIdOnEachDelivery, "the same id on each delivery"),
        (OneIdForAll, "each message has an id of its own"),
        (CountStaysOne, count),
        (CountBeginsWithZero, count),
        (NoCount, count),
        (CountGrowsByTwo, count),
        (NoSentTimestamp, sent),
        (SentTimestampInSeconds, sent),
        (SentTimestampOfTheReceive, sent),
        (FirstReceiveOfEachReceive, first),
        (FirstReceiveIsTheSending, first),
        (NoFirstReceive, first),
        (NoSenderId, "a message has a SenderId"),
    ]);
}

#[test]
fn wrong_content_is_found() {
    let body = "a body is delivered as it was sent";
    let body_md5 = "md5_of_body is the lower-case hexadecimal MD5";
    let attributes = "message attributes are delivered with name, type and value";
    let attributes_md5 = "md5_of_message_attributes is that of the message attributes";
    are_found(&[
        (BodyTrimmed, body),
        (BodyTrimmedOnceReleased, body),
        (AttributesLostOnceReleased, attributes),
        (
            TakesEqualsForOne,
            "messages with the same body are two messages",
        ),
        (DeletesEquals, "deliveries in flight can be settled"),
        (NewlinesNormalized, body),
        (BodyParsedAsJson, body),
        (CharactersBeyondTheFirstPlaneLost, body),
        (ByteOrderMarkLost, body),
        (BodyDecoded, body),
        (BodyCutAt64Kib, body),
        (BodyMd5OfTheTrimmed, body_md5),
        (BodyMd5InUpperCase, body_md5),
        (NoBodyMd5, body_md5),
        (AttributesLost, attributes),
        (BinaryAttributesLost, attributes),
        (BinaryAttributesAsText, attributes),
        (NumbersNormalized, attributes),
        (AttributeValuesTrimmed, attributes),
        (AttributeTypesWithoutSuffix, attributes),
        (AttributesUnreadable, "is not unreadable"),
        (NoAttributesMd5, attributes_md5),
        (AttributesMd5OfTheBody, attributes_md5),
        (AttributesMd5OfNone, attributes_md5),
        (GroupOnAStandardQueue, "no other has one"),
    ]);
}

#[test]
fn wrong_groups_are_found() {
    let group = "a message of a FIFO queue has the group that it was sent with";
    for (fault, promise) in [
        (GroupLost, group),
        (GroupOfAnother, group),
        (NoMessageGroupId, "MessageGroupId is the group"),
        (NoDeduplicationId, "has a MessageDeduplicationId"),
    ] {
        is_found(&format!("{fault:?}"), promise, contract(Some(fault), true));
    }
}

#[test]
fn wrong_limits_are_found() {
    let max = "no more than max messages";
    are_found(&[
        (IgnoresMax, max),
        (OneMoreThanMax, max),
        (
            MoreThanTheReceiveLimit,
            "no more than receive_limit messages",
        ),
        (BeyondMaxIsLost, "messages that are there can be received"),
        (TwiceInOneAnswer, "stays hidden until it is settled"),
        (DeliversWhatNobodySent, "a body is delivered as it was sent"),
        (
            LosesEveryFifth,
            "a message that was sent can be received at once",
        ),
    ]);
}

#[test]
fn wrong_settling_is_found() {
    let order = "results come in the order of the settlements";
    let one_each = "one result for each settlement";
    let outer = "the outer error of settle means that the outcome of all is unknown";
    let again = "settling again, or by the receipt of an earlier delivery";
    let deleted = "a message that was deleted does not come back";
    let released = "a released message is there at once, and no other";
    are_found(&[
        (SettleNeverAnswers, "settle answers within a bound"),
        (
            SettleWaitsForReceives,
            "a receive that is not to wait answers at once",
        ),
        (SettlingNothingFails, "settling nothing succeeds"),
        (ResultsReversed, order),
        (ResultsByVerb, order),
        (FailuresLast, order),
        (TooFewResults, one_each),
        (TooManyResults, one_each),
        (UnknownSucceeds, order),
        (UnknownFailsTheCall, outer),
        (UnknownIsTransient, order),
        (UnknownSpoilsTheOthers, released),
        (SettlesOnlyTheFirst, released),
        (
            SettlesFewerThanTheLimit,
            "as many as settle_limit are released",
        ),
        (SettledAgainFailsTheCall, outer),
        (SettledAgainIsFatal, again),
        (DeleteOnlyHides, deleted),
        (DeleteReleases, deleted),
        (DeleteFails, "can be settled"),
        (DeletesOnlyAFirstDelivery, deleted),
        (DeletesAll, "deliveries in flight can be settled"),
        (DeleteReleasesOthers, "stays hidden"),
        (ReleaseDeletes, "answers as soon as a message is released"),
        (
            ReleaseDoesNothing,
            "answers as soon as a message is released",
        ),
        (
            ReleaseHidesForAWhile,
            "answers as soon as a message is released",
        ),
        (ReleasesAll, "stays hidden"),
        (ReleasesBySendingAnew, "the same id on each delivery"),
    ]);
}

#[test]
fn wrong_receives_at_the_same_time_are_found() {
    are_found(&[
        (DeliversTwiceAtATime, "stays hidden until it is settled"),
        (DeliversTwiceToThreads, "stays hidden until it is settled"),
        (
            LosesBetweenThreads,
            "no message is lost between receives in several threads",
        ),
        (LosesBetweenReceives, "no message is lost between receives"),
        (
            WakesOneReceive,
            "each receive that waits answers as soon as",
        ),
    ]);
}

#[test]
fn wrong_ends_of_receives_are_found() {
    let taken = "a receive that is dropped while it waits has taken nothing";
    are_found(&[
        (LosesWhatADroppedReceiveTook, taken),
        (LosesAfterASecondLook, taken),
        (LosesWhatCameBack, taken),
        (LosesWhatADroppedReceiveWasHanded, taken),
        (CountsADroppedReceive, "is not counted as one"),
        (GivesBackLate, taken),
        (GoesOnWhenDropped, taken),
        (LosesTheWakeUp, "a receive that still waits gets a message"),
    ]);
}
