//! The in-memory failure destination.

use lambda_esm_engine::contract::destination_contract;
use lambda_esm_engine::memory::MemoryDestination;
use lambda_esm_engine::ports::{FailureDestination as _, FailureRecord};

fn record(number: usize) -> FailureRecord {
    let body = format!("{{\"number\":{number}}}");
    FailureRecord::new(body)
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for object_keys in [false, true] {
        let destination = MemoryDestination::default();
        let read_back = async || destination.records();
        destination_contract(&destination, object_keys, read_back).await;
        assert_eq!(destination.delivered(), destination.records().len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_latest_records_and_counts_all() {
    let destination = MemoryDestination::new(2);
    for number in 0..5 {
        destination.clone().deliver(record(number)).await.unwrap();
    }
    assert_eq!(destination.records(), [record(3), record(4)]);
    assert_eq!((destination.delivered(), destination.refused()), (5, 0));
    let none = MemoryDestination::new(0);
    none.deliver(record(0)).await.unwrap();
    assert_eq!((none.records(), none.delivered()), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn fails_as_often_as_it_is_told_to() {
    let destination = MemoryDestination::default();
    destination.fail_next(2, "no room");
    destination.fail_next(1, "no way");
    for cause in ["no room", "no room", "no way"] {
        let error = destination.deliver(record(0)).await.unwrap_err();
        assert_eq!(error.message, cause);
    }
    destination.deliver(record(1)).await.unwrap();
    assert_eq!(destination.records(), [record(1)]);
    assert_eq!((destination.delivered(), destination.refused()), (1, 3));
}
