//! A group on a topic of its own: its members hear what happens, and nothing is owned twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::StartingPosition;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::calls::{A_WHILE, PATIENCE, is};
use super::member::Member;
use super::subject::{RecordToPut, TopicContract};
use crate::contract::bound::ends;
use crate::contract::promise::{broken, equal, holds, succeeds};
use crate::ports::{GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicSource};

/// The promise of owners.
const ONE_OWNER: &str = "a partition has one owner in the group at a time";

/// The promise of what a partition delivers.
pub(super) const NOTHING_LOST: &str =
    "every record that is not below a committed offset is delivered, and no other";

/// How long a member may take to hear that it has lost what another one has.
const TOLD: Duration = Duration::from_secs(3);

/// A topic that the contract has made, and what it put.
pub(super) struct Topic<'a> {
    pub(super) subject: &'a dyn TopicContract,
    pub(super) name: String,
    pub(super) partitions: i32,
    /// How many records were put into each partition.
    put: BTreeMap<i32, i64>,
}

impl<'a> Topic<'a> {
    pub(super) async fn make(subject: &'a dyn TopicContract, partitions: i32) -> Self {
        let name = format!("contract-{}", Uuid::new_v4());
        subject.make(&name, partitions).await;
        Self {
            subject,
            name,
            partitions,
            put: BTreeMap::new(),
        }
    }

    /// Puts so many records into a partition, the next one under the next offset.
    pub(super) async fn put(&mut self, partition: i32, number: i64) {
        for _ in 0..number {
            let offset = self.put.entry(partition).or_default();
            let text = text(partition, *offset);
            *offset += 1;
            let record = RecordToPut::new(None, Some(text.as_bytes()));
            self.subject.put(&self.name, partition, record).await;
        }
    }

    /// Returns how many records a partition has.
    pub(super) fn end(&self, partition: i32) -> i64 {
        self.put.get(&partition).copied().unwrap_or_default()
    }
}

/// Returns the value of the record at an offset.
fn text(partition: i32, offset: i64) -> String {
    format!("{offset} of {partition}")
}

/// The members of a group, by the order in which they came.
pub(super) struct Group {
    id: String,
    source: Arc<dyn TopicSource>,
    pub(super) members: BTreeMap<usize, Member>,
    joined: usize,
    /// Partitions with two owners, since when.
    doubled: BTreeMap<(i32, usize), Instant>,
}

impl Group {
    pub(super) async fn of(topic: &Topic<'_>) -> Self {
        Self {
            id: format!("contract-{}", Uuid::new_v4()),
            source: topic.subject.source(&topic.name).await,
            members: BTreeMap::new(),
            joined: 0,
            doubled: BTreeMap::new(),
        }
    }

    /// Returns the number of a member that has just joined.
    pub(super) async fn join(&mut self, start: StartingPosition) -> usize {
        let request = JoinRequest::new(self.id.clone(), start);
        let joined = ends("a join", self.source.join(request)).await;
        let consumer = succeeds("a member joins", joined);
        self.joined += 1;
        self.members.insert(self.joined, Member::new(consumer));
        self.joined
    }

    /// Returns the only member of a group that begins at `start`, once it owns all partitions.
    pub(super) async fn join_alone(&mut self, topic: &Topic<'_>, start: StartingPosition) -> usize {
        let one = self.join(start).await;
        self.share_out(topic.partitions).await;
        one
    }

    pub(super) fn member(&mut self, member: usize) -> &mut Member {
        self.members.get_mut(&member).unwrap()
    }

    pub(super) async fn leave(&mut self, member: usize) {
        let left = self.members.remove(&member).unwrap();
        self.doubled.retain(|(_, owner), _| *owner != member);
        ends("leaving", left.consumer.leave()).await;
    }

    /// Drops a member that has not left.
    pub(super) fn drop(&mut self, member: usize) {
        self.members.remove(&member);
        self.doubled.retain(|(_, owner), _| *owner != member);
    }

    /// Lets every member hear what there is to hear.
    pub(super) async fn hear(&mut self) {
        const SHORT: Duration = Duration::from_millis(20);
        let ids: Vec<usize> = self.members.keys().copied().collect();
        for id in ids {
            loop {
                let consumer = self.member(id).consumer.clone();
                // A future that is dropped while it waits loses no event.
                let Ok(event) = timeout(SHORT, consumer.next_event()).await else {
                    break;
                };
                self.heard(id, event);
            }
        }
        let doubled = self
            .doubled
            .iter()
            .find(|(_, since)| since.elapsed() > TOLD);
        holds(ONE_OWNER, doubled.is_none(), "one", &self.view());
    }

    fn heard(&mut self, id: usize, event: GroupEvent) {
        match event {
            GroupEvent::Assigned(assignments) => {
                self.member(id).is_in = true;
                for assignment in assignments {
                    let partition = assignment.owned.partition;
                    let others = self.members.iter();
                    let others = others.filter(|(other, _)| **other != id);
                    for (other, member) in others {
                        if member.held.contains_key(&partition) {
                            let now = Instant::now();
                            self.doubled.entry((partition, *other)).or_insert(now);
                        }
                    }
                    self.member(id).is_assigned(assignment);
                }
            }
            GroupEvent::Revoking(asked) => {
                for owned in asked {
                    self.member(id).is_asked_for(owned);
                }
            }
            GroupEvent::Lost(lost) => {
                for owned in lost {
                    self.member(id).loses(owned);
                    self.doubled.remove(&(owned.partition, id));
                }
            }
            // Problems: a server may be slow to get going.
            _ => {}
        }
    }

    /// Lets members hear until something has happened.
    pub(super) async fn until(&mut self, promise: &str, what: &str, has: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !has(self) {
            holds(promise, start.elapsed() < PATIENCE, what, &self.view());
            self.hear().await;
        }
    }

    /// Lets members hear for so long.
    pub(super) async fn listen(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.hear().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Has members let go of what the group asks for, until every partition has an owner and every member its share.
    pub(super) async fn share_out(&mut self, partitions: i32) {
        let start = Instant::now();
        let mut quiet = Instant::now();
        while quiet.elapsed() < 2 * A_WHILE {
            self.hear().await;
            let ids: Vec<usize> = self.members.keys().copied().collect();
            for id in ids {
                self.give_way(id, &[]).await;
            }
            if !self.is_shared_out(partitions) {
                quiet = Instant::now();
            }
            holds(
                "every partition is assigned, and to every member some if there are enough",
                start.elapsed() < PATIENCE,
                format_args!("{partitions} partitions with owners"),
                &self.view(),
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_shared_out(&self, partitions: i32) -> bool {
        let mut owned: Vec<i32> = Vec::new();
        for member in self.members.values() {
            let idle =
                member.held.is_empty() && self.members.len() <= partitions.unsigned_abs() as usize;
            if idle || !member.is_in {
                return false;
            }
            owned.extend(member.held.keys());
        }
        owned.sort_unstable();
        owned.iter().copied().eq(0..partitions)
    }

    /// Lets go of what the group asks a member for, with offsets for some of it.
    pub(super) async fn give_way(&mut self, id: usize, settled: &[(i32, i64)]) {
        let asked = self.asked(id);
        if asked.is_empty() {
            return;
        }
        let offsets = asked.iter().flat_map(|owned| {
            let settled = settled
                .iter()
                .filter(|(partition, _)| *partition == owned.partition);
            settled.map(|(_, offset)| PartitionOffset {
                owned: *owned,
                offset: *offset,
            })
        });
        let offsets = offsets.collect();
        let doubled = self.doubled.keys().find(|(_, owner)| *owner == id);
        holds(ONE_OWNER, doubled.is_none(), "one", &self.view());
        let member = self.member(id);
        let result = ends("letting go", member.consumer.let_go(asked.clone(), offsets)).await;
        // Too late: an event tells of it.
        if is(&result, SourceErrorKind::Expired) {
            return;
        }
        succeeds("a member lets go of what the group asks for", result);
        for owned in asked {
            member.held.remove(&owned.partition);
            member.let_go.insert(owned);
        }
    }

    /// Returns what the group asks a member for.
    pub(super) fn asked(&mut self, id: usize) -> Vec<OwnedPartition> {
        let held = self.member(id).held.values();
        held.filter(|held| held.asked)
            .map(|held| held.owned)
            .collect()
    }

    /// Checks what a member reads of a partition: all from an offset on, and nothing else.
    pub(super) async fn reads(
        &mut self,
        promise: &str,
        topic: &Topic<'_>,
        (member, partition): (usize, i32),
        from: i64,
    ) {
        let expected: Vec<_> = (from..topic.end(partition))
            .map(|offset| (offset, text(partition, offset)))
            .collect();
        let member = self.member(member);
        let mut found = member.read(partition, expected.len()).await;
        found.extend(member.page(member.request(partition)).await.records);
        let found: Vec<_> = found
            .iter()
            .map(|record| {
                let value = record.value.as_deref().unwrap_or_default();
                (record.offset, String::from_utf8_lossy(value).into_owned())
            })
            .collect();
        equal(promise, &found, &expected);
    }

    /// Returns who owns what.
    pub(super) fn view(&self) -> BTreeMap<usize, Vec<String>> {
        let shown = |member: &Member| {
            let held = member.held.values();
            held.map(|held| {
                format!(
                    "{:?}{}",
                    held.owned,
                    if held.asked { " asked for" } else { "" }
                )
            })
            .collect()
        };
        self.members
            .iter()
            .map(|(id, member)| (*id, shown(member)))
            .collect()
    }

    /// Returns a partition of a member.
    pub(super) fn some_partition(&self, member: usize) -> i32 {
        match self.members[&member].held.keys().next() {
            Some(partition) => *partition,
            None => broken("every member has a share", "a partition", &self.view()),
        }
    }
}
