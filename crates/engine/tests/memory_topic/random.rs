//! Members come and go at random, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::memory::{MemoryTopic, MemoryTopicOptions};
use lambda_esm_engine::ports::{
    GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicSource as _,
};
use proptest::prelude::*;

use crate::world::{Member, SECOND, put, with};

/// What happens next; numbers choose among the members and partitions that there are.
#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    Join,
    Leave(usize),
    Drop(usize),
    Expel(usize),
    Hear(usize),
    GiveWay(usize),
    Read(usize),
    Commit(usize),
    AddPartition,
    Wait,
}

fn request() -> JoinRequest {
    JoinRequest::new("g", StartingPosition::TrimHorizon)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = 0..12usize;
    let step = prop_oneof![
        8 => n.clone().prop_map(Step::Put),
        3 => Just(Step::Join),
        1 => n.clone().prop_map(Step::Leave),
        1 => n.clone().prop_map(Step::Drop),
        1 => n.clone().prop_map(Step::Expel),
        8 => n.clone().prop_map(Step::Hear),
        4 => n.clone().prop_map(Step::GiveWay),
        8 => n.clone().prop_map(Step::Read),
        4 => n.prop_map(Step::Commit),
        1 => Just(Step::AddPartition),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..120)
}

/// A member, and how far it has come.
struct Reader {
    member: Member,
    asked: Vec<OwnedPartition>,
    /// The offset of the next record of each partition that was read.
    read: BTreeMap<OwnedPartition, i64>,
}

struct World {
    topic: MemoryTopic,
    readers: Vec<Reader>,
    seen: BTreeSet<(i32, i64)>,
}

impl World {
    async fn step(&mut self, step: Step) {
        let partitions = self.topic.watermarks().len();
        match step {
            Step::Put(n) => drop(put(
                &self.topic,
                i32::try_from(n % partitions).unwrap(),
                "x",
            )),
            Step::Join => {
                let consumer = self.topic.join(request()).await.unwrap();
                let owned = Vec::new();
                let mut reader = Reader {
                    member: Member { consumer, owned },
                    asked: Vec::new(),
                    read: BTreeMap::new(),
                };
                reader.hear().await;
                self.readers.push(reader);
            }
            Step::AddPartition => self.topic.add_partitions(1),
            Step::Wait => tokio::time::sleep(4 * SECOND).await,
            Step::Expel(n) => {
                let members = self.topic.members("g");
                if !members.is_empty() {
                    assert!(self.topic.expel("g", members[n % members.len()].id));
                }
            }
            _ if self.readers.is_empty() => {}
            Step::Leave(n) => {
                let reader = self.readers.remove(n % self.readers.len());
                reader.member.consumer.leave().await;
            }
            Step::Drop(n) => drop(self.readers.remove(n % self.readers.len())),
            Step::Hear(n) => self.reader(n).hear().await,
            Step::GiveWay(n) => self.reader(n).give_way().await,
            Step::Read(n) => {
                let seen = self.reader(n).read().await;
                self.seen.extend(seen);
            }
            Step::Commit(n) => self.reader(n).commit().await,
        }
    }

    fn reader(&mut self, n: usize) -> &mut Reader {
        let number = self.readers.len();
        &mut self.readers[n % number]
    }

    /// Every partition has one owner, as long as there are members.
    fn is_consistent(&self) {
        let members = self.topic.members("g");
        let mut owned: Vec<_> = members.iter().flat_map(|each| &each.partitions).collect();
        let all = owned.len();
        owned.sort_unstable();
        owned.dedup();
        assert_eq!(owned.len(), all, "{members:?}");
        let partitions = self.topic.watermarks().len();
        assert!(members.is_empty() || all == partitions, "{members:?}");
    }

    /// One member reads on to the end: with what the others have seen, that is all.
    async fn everything_is_seen(mut self) {
        self.readers.clear();
        self.step(Step::Join).await;
        let seen = self.readers[0].read().await;
        self.seen.extend(seen);
        let marks = self.topic.watermarks();
        let all = marks
            .iter()
            .flat_map(|marks| (0..marks.high).map(|offset| (marks.partition, offset)));
        let missing: Vec<_> = all.filter(|each| !self.seen.contains(each)).collect();
        assert_eq!(missing, []);
    }
}

impl Reader {
    async fn hear(&mut self) {
        while let Some(event) = self.member.consumer.next_event().now_or_never() {
            match event {
                GroupEvent::Assigned(new) => {
                    for each in new {
                        let earlier = self.read.keys();
                        let mut earlier = earlier.filter(|it| it.partition == each.owned.partition);
                        assert!(earlier.all(|it| it.epoch < each.owned.epoch));
                        self.member.owned.push(each.owned);
                        self.read.insert(each.owned, each.committed.unwrap_or(0));
                    }
                }
                GroupEvent::Revoking(asked) => self.asked.extend(asked),
                GroupEvent::Lost(lost) => {
                    self.member.owned.retain(|each| !lost.contains(each));
                    self.asked.retain(|each| !lost.contains(each));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn give_way(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        self.member.owned.retain(|each| !asked.contains(each));
        let offsets = asked.iter().map(|owned| self.settled(*owned)).collect();
        let refused = self.member.consumer.let_go(asked, offsets).await.err();
        let kind = refused.map(|error| error.kind);
        assert!(
            matches!(kind, None | Some(SourceErrorKind::Expired)),
            "{kind:?}"
        );
    }

    fn settled(&self, owned: OwnedPartition) -> PartitionOffset {
        let offset = self.read.get(&owned).copied().unwrap_or_default();
        PartitionOffset { owned, offset }
    }

    async fn read(&mut self) -> Vec<(i32, i64)> {
        let mut seen = Vec::new();
        for owned in self.member.owned.clone() {
            // It may have lost the partition, and not heard of it yet.
            let Ok(page) = self.member.fetch(owned).await else {
                continue;
            };
            for record in page.records {
                let next = self.read.entry(owned).or_default();
                assert_eq!(record.offset, *next, "{owned:?}");
                *next += 1;
                seen.push((owned.partition, record.offset));
            }
        }
        seen
    }

    async fn commit(&mut self) {
        let offsets = self.member.owned.iter();
        let offsets = offsets.map(|owned| self.settled(*owned)).collect();
        let refused = self.member.consumer.commit(offsets).await.err();
        let kind = refused.map(|error| error.kind);
        assert!(
            matches!(
                kind,
                None | Some(SourceErrorKind::Expired | SourceErrorKind::Throttled)
            ),
            "{kind:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_members_do_each_record_is_seen_and_no_partition_has_two_owners(
        steps in steps(),
        partitions in 1..6usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let options = MemoryTopicOptions::default().with_partitions(partitions);
            let mut world = World {
                topic: with(options.with_revoke_bound(10 * SECOND)),
                readers: Vec::new(),
                seen: BTreeSet::new(),
            };
            for step in steps {
                world.step(step).await;
                world.is_consistent();
            }
            world.everything_is_seen().await;
        });
    }
}
