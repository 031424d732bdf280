//! The contract of on-failure destinations.

use lambda_esm_engine::contract::destination_contract;
use lambda_esm_engine::memory::MemoryDestination;

use crate::faulty_destination::{Fault, FaultyDestination};
use crate::table::Table;

const SUCCEEDS: &str =
    "a delivery succeeds where nothing is in its way, also of the same record again";
const COMES: &str = "a record that was delivered comes, once or more";
const BODY: &str = "a record's body comes byte for byte, and nothing else does";
const KEY: &str = "a record is kept under its own key";
const ENDS: &str = "every call ends";

/// With keys or without.
const FAULTS: [(Fault, &str); 15] = [
    (Fault::BodiesAreAscii, BODY),
    (Fault::BodiesAreCut, BODY),
    (Fault::BodiesAreEscaped, BODY),
    (Fault::BodiesAreReformatted, BODY),
    (Fault::BodiesAreWrapped, BODY),
    (Fault::BodiesEndLines, BODY),
    (Fault::ComesMuchLater, COMES),
    (Fault::DropsWhatIsLarge, COMES),
    (Fault::KeepsLatest, COMES),
    (Fault::ReadsAndWritesAll, COMES),
    (Fault::SaysOkAndDrops, COMES),
    (Fault::RefusesAgain, SUCCEEDS),
    (Fault::RefusesLarge, SUCCEEDS),
    (Fault::NeverEnds, ENDS),
    (Fault::WaitsForDropped, ENDS),
];

const FAULTS_OF_KEYS: [(Fault, &str); 5] = [
    (Fault::KeysAreLost, KEY),
    (Fault::KeysAreLowerCase, KEY),
    (Fault::KeysAreShort, KEY),
    (Fault::KeysAreOfBodies, COMES),
    (Fault::FirstOfBodyWins, COMES),
];

/// What the contract lets pass, and why.
const LEGAL: [(Fault, &str); 3] = [
    (
        Fault::ComesLate,
        "services may take a moment to show what they have kept",
    ),
    (Fault::ComesTwice, "the same record may come twice"),
    (Fault::DroppedStillComes, "what was begun may come"),
];

async fn check(fault: impl Into<Option<Fault>>, object_keys: bool) {
    let destination = FaultyDestination::new(fault.into());
    let read_back = async || destination.records();
    destination_contract(&destination, object_keys, read_back).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_with_a_fault_is_found_by_the_promise_it_breaks() {
    let mut table = Table::default();
    for (fault, promise) in FAULTS {
        for object_keys in [false, true] {
            table.finds(fault, promise, check(fault, object_keys)).await;
        }
    }
    for (fault, promise) in FAULTS_OF_KEYS {
        table.finds(fault, promise, check(fault, true)).await;
    }
    table.end(35);
}

#[tokio::test(start_paused = true)]
async fn a_destination_without_a_fault_passes() {
    for object_keys in [false, true] {
        check(None, object_keys).await;
        let destination = MemoryDestination::default();
        let read_back = async || destination.records();
        destination_contract(&destination, object_keys, read_back).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_may_do_what_no_promise_forbids() {
    for (fault, why) in LEGAL {
        println!("{fault:?} passes: {why}");
        for object_keys in [false, true] {
            check(fault, object_keys).await;
        }
    }
}
