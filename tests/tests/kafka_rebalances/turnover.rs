//! Members that join and leave every few seconds.

use std::time::Duration;

use lambda_esm_tests::kafka::Kafka;
use tokio::time::{Instant, sleep};

use crate::members::BATCH;
use crate::scene::Scene;

/// How long members come and go, unless the environment says so.
const SECONDS: u64 = 30;
/// How long a group stays as it is.
const REST: Duration = Duration::from_secs(3);

/// Every fourth member that goes is killed, the others are asked to end; each has a successor three seconds later. So no
/// second member is killed before the group has noticed the first: it waits for a dead member's session to expire, and for
/// a second one's after that.
async fn members_come_and_go(
    what: &str,
    protocol: &'static str,
    pacing: &'static str,
    pause: Duration,
) {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let seconds = std::env::var("LAMBDA_ESM_TEST_REBALANCE_SECONDS");
    let seconds = seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let mut scene = Scene::begin(&kafka, what, 3, protocol, pacing).await;
    let mut seats: Vec<_> = scene.members.owned().into_keys().collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut turn = 0;
    while Instant::now() < end {
        let seat = turn % seats.len();
        sleep(REST).await;
        if turn.is_multiple_of(4) {
            scene.members.kill(seats[seat]).await;
        } else {
            scene.members.stop(seats[seat]).await;
        }
        sleep(REST).await;
        seats[seat] = scene.members.start(&scene.function);
        turn += 1;
    }
    let killed = scene.members.killed.len();
    let outcome = scene.end(pause).await;
    assert!(killed > 0);
    let repeated = outcome.repeated();
    let records = usize::try_from(outcome.delivered()).unwrap();
    // A killed member had one batch of each of its partitions, which are a third of twelve and more while others change.
    assert!(repeated <= killed * 12 * BATCH, "{outcome:?}");
    assert_eq!(outcome.repeated_of_living, 0, "{outcome:?}");
    if seconds >= 600 {
        assert!(repeated * 1000 <= records, "{repeated} of {records}");
    }
}

/// The coordinator takes a member for dead after 6 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_the_classic_protocol_loses_nothing() {
    members_come_and_go("classic", "classic", "eager", Duration::from_secs(10)).await;
}

/// The broker takes a member for dead after 10 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_the_consumer_protocol_loses_nothing() {
    members_come_and_go("consumer", "consumer", "aws", Duration::from_secs(15)).await;
}
