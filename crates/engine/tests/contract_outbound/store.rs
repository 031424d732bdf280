//! The contract of stores.

use std::sync::Arc;

use lambda_esm_engine::contract::store_contract;
use lambda_esm_engine::memory::MemoryStore;
use lambda_esm_engine::store::Store;

use crate::faulty_store::{Fault, FaultyStore};
use crate::table::Table;

const VERBATIM: &str = "a mapping is loaded once, and as it was put";
const COMMITTED: &str = "checkpoints are returned as they were committed";
const REMOVED: &str = "a removal forgets the checkpoints of its mapping, and no others";
const REFUSED: &str = "a commit under a lower fence is refused as Fenced";
const NOT_REFUSED: &str = "a commit is refused only under a lower fence than its partition's";
const NOTHING_KEPT: &str = "a refused commit keeps nothing";
const FORGOTTEN: &str = "a forget forgets the partitions that it names alone, or nothing";
const ALL_KEPT: &str = "changes at the same time are all kept";
const WHOLE: &str = "a call that is dropped is done as a whole or not at all";
const ENDS: &str = "every call ends";

const FAULTS: [(Fault, &str); 52] = [
    (Fault::AsciiOnly, VERBATIM),
    (Fault::TrimsText, VERBATIM),
    (Fault::LineFeedsOnly, VERBATIM),
    (Fault::NormalizesText, VERBATIM),
    (Fault::CutsTexts, VERBATIM),
    (Fault::LoadsTwice, VERBATIM),
    (
        Fault::LoadGivesOnePage,
        "all mappings are loaded, however many",
    ),
    (Fault::LoadNeverAnswers, ENDS),
    (
        Fault::PutKeepsFirst,
        "a put replaces the mapping with its UUID",
    ),
    (
        Fault::PutDropsCheckpoints,
        "a put leaves the checkpoints of its mapping",
    ),
    (Fault::PutIsLost, "a put is durable when it returns"),
    (Fault::PutReadsAndWritesAll, ALL_KEPT),
    (
        Fault::RemoveUnknownFails,
        "a removal succeeds, also of what is not there",
    ),
    (Fault::RemoveIsLost, "a removal is durable when it returns"),
    (Fault::RemoveLeavesCheckpoints, REMOVED),
    (Fault::RemovesAllCheckpoints, REMOVED),
    (Fault::RemoveByPrefix, REMOVED),
    (Fault::RemoveLeavesFence, "what is removed has no fence"),
    (Fault::RemoveInSteps, WHOLE),
    (
        Fault::CheckpointsOfUnknownFail,
        "checkpoints are found, also where there are none",
    ),
    (Fault::CheckpointsLosePlace, COMMITTED),
    (Fault::PartitionsAreFileNames, COMMITTED),
    (Fault::PartitionsAreShort, COMMITTED),
    (Fault::PartitionsAreTrimmed, COMMITTED),
    (Fault::PartitionsIgnoreCase, COMMITTED),
    (Fault::CommitReplacesAll, COMMITTED),
    (Fault::CommitIsLost, "a commit is durable when it returns"),
    (Fault::CommitTakesAtMost100, COMMITTED),
    (
        Fault::CommitKeepsFirst100,
        "all checkpoints of a commit are kept, however many",
    ),
    (
        Fault::CommitNeedsMapping,
        "a commit for a mapping that is not there is accepted",
    ),
    (Fault::CommitNeverAnswers, ENDS),
    (Fault::CommitWaitsForDropped, ENDS),
    (
        Fault::CommitChecksThenWrites,
        "of commits at the same time the one with the highest fence",
    ),
    (Fault::CommitReadsAndWritesAll, ALL_KEPT),
    (Fault::CommitInSteps, WHOLE),
    (Fault::IgnoresFences, REFUSED),
    (Fault::FencedIsIo, REFUSED),
    (Fault::FencedIsSuccess, REFUSED),
    (Fault::ChecksFirstFenceOnly, REFUSED),
    (Fault::FencesAreTexts, NOT_REFUSED),
    (Fault::FencesAreFloats, REFUSED),
    (Fault::FencesAreSigned, NOT_REFUSED),
    (Fault::SameFenceIsRefused, NOT_REFUSED),
    (Fault::FenceOfWholeMapping, NOT_REFUSED),
    (Fault::FenceIsLost, REFUSED),
    (Fault::KeepsRowsBeforeFenced, NOTHING_KEPT),
    (Fault::FencedRowsAreLeftOut, NOTHING_KEPT),
    (Fault::ForgetsAll, FORGOTTEN),
    (Fault::ForgetsByPrefix, FORGOTTEN),
    (Fault::ForgetsInAllMappings, FORGOTTEN),
    (Fault::ForgetsFirstOnly, FORGOTTEN),
    (
        Fault::ForgetUnknownFails,
        "a forget succeeds, also of what is not there",
    ),
];

/// These need that the store forgets what it is told to.
const FAULTS_OF_FORGETTING: [(Fault, &str); 2] = [
    (Fault::ForgetIsLost, "a forget is durable when it returns"),
    (Fault::ForgetLeavesFence, "what is forgotten has no fence"),
];

/// What the contract lets pass, and why.
const LEGAL: [(Fault, &str); 6] = [
    (
        Fault::ForgetsNothing,
        "the port's default: such a store only grows",
    ),
    (
        Fault::KeepsNothingForUnknown,
        "nobody reads the checkpoints of a deleted mapping",
    ),
    (Fault::AnswersInAnotherOrder, "no order is promised"),
    (Fault::FencedNamesNothing, "its text is for people"),
    (Fault::DroppedCallsGoOn, "all of it is done, if later"),
    (
        Fault::WritesWhenClosed,
        "nobody but the system can end a process before it closes its store",
    ),
];

async fn check(fault: impl Into<Option<Fault>>) {
    store_contract(FaultyStore::new(fault.into()), FaultyStore::reopened).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_with_a_fault_is_found_by_the_promise_it_breaks() {
    let mut table = Table::default();
    for (fault, promise) in FAULTS.into_iter().chain(FAULTS_OF_FORGETTING) {
        table.finds(fault, promise, check(fault)).await;
    }
    table.end(54);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_a_fault_passes() {
    check(None).await;
    store_contract(MemoryStore::default(), async |store| store).await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_store_passes_and_forgets_what_it_is_told_to() {
    let store = Arc::new(MemoryStore::default());
    store_contract(Arc::clone(&store), async |store| store).await;
    let mapping = store.load().await.unwrap().remove(0).uuid;
    let kept = store.checkpoints(mapping).await.unwrap();
    assert_ne!(kept, [], "the contract leaves some");
    let gone = kept.into_iter().map(|row| row.partition).collect();
    Store::forget(&store, mapping, gone).await.unwrap();
    assert_eq!(store.checkpoints(mapping).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_store_may_do_what_no_promise_forbids() {
    for (fault, why) in LEGAL {
        println!("{fault:?} passes: {why}");
        check(fault).await;
    }
}
