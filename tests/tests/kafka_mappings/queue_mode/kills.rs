//! Daemons and brokers that are killed in the middle of their batches: nothing is lost, and nothing waits longer than a lock.

use std::collections::HashMap;
use std::time::Duration;

use lambda_esm_tests::kafka::{Cluster, Kafka, Topic, TopicOptions};
use lambda_esm_tests::until_within;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{again, request, times};
use crate::function::{Reply, Script, pending};
use crate::stage::Stage;

const RECORDS: usize = 3_000;
const PARTITIONS: i32 = 3;
const BATCH: usize = 10;
/// More than functions of a daemon have at work: ten batches, and those whose ends brokers have not written down. A
/// coordinator that has to be found anew writes down none for a while, so that a lock may end twice.
const AT_WORK: usize = 1_000;
const LOCK: Duration = Duration::from_secs(10);
/// No longer than the lock lasts does anything wait, and this.
const MORE: Duration = Duration::from_secs(10);

fn unhurried() -> Script {
    pending(async |_| {
        sleep(Duration::from_millis(50)).await;
        Reply::done()
    })
}

/// A topic, its share group, and the daemons that read it.
struct Scene {
    kafka: Kafka,
    topic: Topic,
    group: String,
    daemons: Vec<Stage>,
}

impl Scene {
    async fn begin(kafka: Kafka, daemons: usize) -> Option<Self> {
        let topic = kafka
            .topic("killed", TopicOptions::partitions(PARTITIONS))
            .await;
        let lock = format!("share.record.lock.duration.ms={}", LOCK.as_millis());
        let group = kafka.share_group(&[&lock]).await;
        let mut scene = Self {
            kafka,
            topic,
            group,
            daemons: Vec::new(),
        };
        for _ in 0..daemons {
            let mut stage = Stage::start([("killed", unhurried())]).await?;
            stage.kafka = scene.kafka.clone();
            let members = json!({
                "BatchSize": BATCH,
                "ProvisionedPollerConfig": { "MinimumPollers": 1, "MaximumPollers": 1 },
            });
            let request = request(&stage, &scene.topic, &scene.group, "killed", &members);
            let uuid = stage.post(&request).await;
            stage.until_state(uuid, "Enabled").await;
            scene.daemons.push(stage);
        }
        Some(scene)
    }

    /// Returns how often each record came, to whichever daemon.
    fn times(&self) -> HashMap<usize, usize> {
        let mut all = HashMap::new();
        for stage in &self.daemons {
            for (number, count) in times(&stage.functions.calls("killed")) {
                *all.entry(number).or_default() += count;
            }
        }
        all
    }

    fn records(&self) -> usize {
        let daemons = self.daemons.iter();
        daemons.map(|stage| stage.functions.records("killed")).sum()
    }

    /// Waits until a third of the records has come.
    async fn until_busy(&self) {
        let what = "a third of the records has come";
        until_within(LOCK + MORE, what, async || {
            (self.records() > RECORDS / 3).then_some(())
        })
        .await;
    }

    /// Checks that all come, that at most `repeats` come again, and that nothing stands still for longer than the lock of a
    /// record lasts and ten seconds.
    async fn ends(&self, repeats: usize) {
        let (mut seen, mut since, mut longest) = (0, Instant::now(), Duration::ZERO);
        loop {
            let times = self.times();
            let now = times.len();
            if now > seen {
                longest = longest.max(since.elapsed());
                (seen, since) = (now, Instant::now());
            }
            if seen == RECORDS {
                break;
            }
            assert!(
                since.elapsed() <= LOCK + MORE,
                "{seen} of {RECORDS}, and nothing more for {:?}",
                since.elapsed()
            );
            sleep(Duration::from_millis(100)).await;
        }
        self.kafka.until_shared_out(&self.group, &self.topic).await;
        let repeated = again(&self.times(), 0..RECORDS);
        println!("{repeated} records again; the longest pause {longest:?}");
        assert!(repeated <= repeats, "{repeated} records again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_of_three_daemons_had_comes_to_the_others_when_it_is_killed() {
    let Some(kafka) = Kafka::shared() else { return };
    let Some(mut scene) = Scene::begin(kafka, 3).await else {
        return;
    };
    scene.topic.fill(0, RECORDS).await;
    scene.until_busy().await;
    scene.daemons[0].kill().await;
    scene.ends(AT_WORK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_restarted_loses_nothing() {
    let Some(mut cluster) = Cluster::start(1).await else {
        return;
    };
    let Some(scene) = Scene::begin(cluster.kafka(), 1).await else {
        return;
    };
    scene.topic.fill(0, RECORDS).await;
    scene.until_busy().await;
    cluster.kill(0).await;
    cluster.restart(0).await;
    scene.ends(AT_WORK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_among_three_brokers_that_is_killed_loses_nothing() {
    let Some(mut cluster) = Cluster::start(3).await else {
        return;
    };
    let Some(scene) = Scene::begin(cluster.kafka(), 1).await else {
        return;
    };
    scene.topic.fill(0, RECORDS).await;
    scene.until_busy().await;
    // Each leads one of the three partitions.
    cluster.kill(1).await;
    scene.ends(AT_WORK).await;
}
