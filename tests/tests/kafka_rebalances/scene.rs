//! A topic of twelve partitions under load, and a group that reads it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_tests::kafka::{Kafka, Topic, TopicOptions};
use lambda_esm_tests::until_within;
use tokio::time::Instant;

use crate::deliveries::Outcome;
use crate::function::Function;
use crate::load::Load;
use crate::members::{BATCH, Group, Members};

const PARTITIONS: i32 = 12;
/// How long the members may take to begin, or to be through with what is left when the load ends.
const CATCH_UP: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) kafka: Kafka,
    pub(crate) topic: Arc<Topic>,
    pub(crate) function: Function,
    pub(crate) members: Members,
    group: String,
    load: Option<Load>,
    /// When all partitions had records and were read.
    since: Instant,
}

impl Scene {
    /// Begins with so many members, which have all partitions among them.
    pub(crate) async fn begin(
        kafka: &Kafka,
        what: &str,
        members: usize,
        protocol: &'static str,
        pacing: &'static str,
    ) -> Self {
        let topic = kafka
            .topic(what, TopicOptions::partitions(PARTITIONS))
            .await;
        let topic = Arc::new(topic);
        let group = Group {
            id: format!("group-of-{}", topic.name()),
            protocol,
            pacing,
        };
        let id = group.id.clone();
        let function = Function::start().await;
        let mut joined = Members::new(group, topic.name(), kafka.bootstrap());
        for _ in 0..members {
            joined.start(&function);
        }
        let mut scene = Self {
            kafka: kafka.clone(),
            load: None,
            topic,
            function,
            members: joined,
            group: id,
            since: Instant::now(),
        };
        scene.until_shared().await;
        scene.load = Some(Load::start(scene.topic.clone(), 4));
        until_within(CATCH_UP, "all partitions are read", async || {
            scene.has_read_all(scene.since).then_some(())
        })
        .await;
        scene.since = Instant::now();
        scene
    }

    /// Waits until each member has its share.
    async fn until_shared(&self) {
        until_within(CATCH_UP, "each member has its share", async || {
            let owned = self.members.owned();
            let share = PARTITIONS as usize / owned.len();
            let is_fair = owned.values().all(|owned| *owned == share);
            is_fair.then_some(())
        })
        .await;
    }

    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// Tells whether each partition had records delivered since then.
    pub(crate) fn has_read_all(&self, since: Instant) -> bool {
        let deliveries = self.function.deliveries();
        let since = deliveries.iter().filter(|delivery| delivery.at >= since);
        let partitions =
            since.flat_map(|delivery| delivery.records.iter().map(|&(number, _)| number));
        partitions
            .collect::<BTreeSet<i32>>()
            .into_iter()
            .eq(0..PARTITIONS)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let deliveries = self.function.deliveries();
        Outcome::of(&deliveries, self.since, &self.members.killed)
    }

    /// Ends the load, waits until all is delivered and committed, stops the members, and checks what all scenes have in
    /// common. `pause` is how long a partition may stand still.
    pub(crate) async fn end(mut self, pause: Duration) -> Outcome {
        let produced = self.load.take().unwrap().stop().await;
        let ends = self.topic.ends().await;
        let total: i64 = ends.values().sum();
        assert_eq!(usize::try_from(total).unwrap(), produced);
        until_within(CATCH_UP, "all is delivered", async || {
            (self.outcome().delivered() >= total).then_some(())
        })
        .await;
        until_within(CATCH_UP, "all is committed", async || {
            let committed = self.kafka.committed(&self.group, &self.topic).await;
            (committed == ends).then_some(())
        })
        .await;
        self.members.stop_all().await;
        let outcome = self.outcome();
        println!(
            "{produced} records, {} members, {} killed, {} assignments; {} repeated of killed, {} of living, {} in a row at most; \
             longest pause {:?}",
            self.members.started,
            self.members.killed.len(),
            self.members.assigned(),
            outcome.repeated_of_killed,
            outcome.repeated_of_living,
            outcome.longest_repeat,
            outcome.longest_pause,
        );
        assert_eq!(outcome.next, ends, "lost");
        assert_eq!(outcome.out_of_order, []);
        assert!(
            outcome.longest_repeat <= BATCH,
            "{}",
            outcome.longest_repeat
        );
        assert!(
            outcome.longest_pause.0 <= pause,
            "{:?}",
            outcome.longest_pause
        );
        let committed = self.kafka.committed(&self.group, &self.topic).await;
        assert_eq!(committed, ends);
        assert_eq!(self.kafka.group(&self.group).await.unwrap().0, 0);
        outcome
    }
}
