//! FIFO queues that break the rules of message groups.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueContent, QueueMessage};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{MessageToSend, fifo_contract, queue_source_contract};
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement,
};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::outcome::{is_found, is_kept, outcome};

/// A rule of message groups that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    NewestFirst,
    SortedByBody,
    BatchReversed,
    GroupsNotBlocked,
    AllGroupsBlocked,
    GroupsBlockedWhateverTheirCase,
    OpenOnceOneIsDeleted,
    OpenOnceOneIsReleased,
    ReleasedGoesLast,
    LastReleasedComesFirst,
    ComesBackLast,
    NeverComesBack,
    NextIsLate,
    NextOnlyAfterTheVisibilityTimeout,
    GroupInLowerCase,
    SequenceNumberStays,
    DroppedGoesLast,
    DroppedBlocks,
    // These two are no rules, but liberties.
    ReleasedNeedNotWaitForLaterOnes,
    LastGroupFirst,
}

/// A FIFO queue: a row of queues of one message each, taken from by rules.
struct Unruly {
    clock: Clock,
    broken: Option<Broken>,
    row: Mutex<Vec<Slot>>,
}

struct Slot {
    group: String,
    body: String,
    queue: MemoryQueue,
    deliveries: u32,
    /// How many receives were dropped that were about to take it.
    dropped: u32,
    releases: u32,
    /// When it was last settled, and the number of that settlement.
    settled: Option<(SettleVerb, Timestamp, u32)>,
}

impl Slot {
    fn is_visible(&self) -> bool {
        self.queue.counts().0 > 0
    }

    fn is_in_flight(&self) -> bool {
        self.queue.counts().1 > 0
    }
}

impl Unruly {
    fn new(broken: Option<Broken>) -> Self {
        Self {
            clock: Clock::starting_at(Timestamp(1_700_000_000_000)),
            broken,
            row: Mutex::default(),
        }
    }

    fn has(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    async fn send(&self, asked: MessageToSend) {
        let options = MemoryQueueOptions::default().with_fifo(true);
        let queue = MemoryQueue::new(self.clock, options);
        let group = asked.group.unwrap();
        let mut message = SendMessage::new(asked.body.clone()).in_group(group.clone());
        message.attributes = asked.attributes;
        queue.send(message).unwrap();
        self.row.lock().unwrap().push(Slot {
            group,
            body: asked.body,
            queue,
            deliveries: 0,
            dropped: 0,
            releases: 0,
            settled: None,
        });
    }

    /// Returns the places in the row from which to take now.
    fn next(&self, max: usize) -> Vec<usize> {
        let row = self.row.lock().unwrap();
        let mut places: Vec<usize> = (0..row.len()).collect();
        match self.broken {
            Some(Broken::NewestFirst) => places.reverse(),
            Some(Broken::LastGroupFirst) => {
                places.sort_by_key(|place| std::cmp::Reverse(&row[*place].group));
            }
            Some(Broken::SortedByBody) => places.sort_by_key(|place| &row[*place].body),
            Some(Broken::ReleasedGoesLast) => places.sort_by_key(|place| row[*place].releases),
            Some(Broken::LastReleasedComesFirst) => {
                let released = |place: &usize| row[*place].settled.map(|(_, _, number)| number);
                places.sort_by_key(|place| std::cmp::Reverse(released(place)));
            }
            Some(Broken::DroppedGoesLast) => places.sort_by_key(|place| row[*place].dropped),
            Some(Broken::ComesBackLast) => {
                places.sort_by_key(|place| row[*place].deliveries - row[*place].releases);
            }
            _ => {}
        }
        places.retain(|place| row[*place].is_visible() && !self.is_blocked(&row, *place));
        places.truncate(max.min(10));
        if self.has(Broken::BatchReversed) {
            places.reverse();
        }
        places
    }

    fn is_blocked(&self, row: &[Slot], place: usize) -> bool {
        let group = &row[place].group;
        let now = self.clock.now();
        let mut in_flight = row.iter().filter(|slot| slot.is_in_flight());
        let mut same = row.iter().filter(|slot| slot.group == *group);
        let settled = |slot: &Slot, wanted| slot.settled.is_some_and(|(verb, ..)| verb == wanted);
        let late = |slot: &Slot, by: Duration| {
            let deleted = slot
                .settled
                .filter(|(verb, ..)| *verb == SettleVerb::Delete);
            deleted.is_some_and(|(_, at, _)| now < at + by)
        };
        match self.broken {
            Some(Broken::GroupsNotBlocked) => false,
            Some(Broken::AllGroupsBlocked) => in_flight.next().is_some(),
            Some(Broken::GroupsBlockedWhateverTheirCase) => {
                in_flight.any(|slot| slot.group.eq_ignore_ascii_case(group))
            }
            Some(Broken::OpenOnceOneIsDeleted) => {
                let open = same.any(|slot| settled(slot, SettleVerb::Delete));
                !open && in_flight.any(|slot| slot.group == *group)
            }
            Some(Broken::OpenOnceOneIsReleased) => {
                let open = same.any(|slot| settled(slot, SettleVerb::Release));
                !open && in_flight.any(|slot| slot.group == *group)
            }
            Some(Broken::DroppedBlocks) if same.any(|slot| slot.dropped > 0) => true,
            Some(Broken::ReleasedNeedNotWaitForLaterOnes) => {
                let mut before = row[..place].iter().filter(|slot| slot.is_in_flight());
                before.any(|slot| slot.group == *group)
            }
            Some(Broken::NextIsLate) if same.any(|slot| late(slot, Duration::from_secs(5))) => true,
            Some(Broken::NextOnlyAfterTheVisibilityTimeout)
                if same.any(|slot| late(slot, Duration::from_secs(30))) =>
            {
                true
            }
            _ => in_flight.any(|slot| slot.group == *group),
        }
    }

    fn may_be_dropped(&self) -> bool {
        self.has(Broken::DroppedGoesLast) || self.has(Broken::DroppedBlocks)
    }

    async fn take(&self, request: ReceiveRequest) -> Result<Vec<QueueMessage>, SourceError> {
        let mut messages = Vec::new();
        let places = self.next(request.max);
        if self.may_be_dropped() {
            let mut about_to_take = AboutToTake(self, places.first().copied());
            yield_now().await;
            about_to_take.1 = None;
        }
        for place in places {
            let queue = {
                let mut row = self.row.lock().unwrap();
                row[place].deliveries += 1;
                row[place].queue.clone()
            };
            let mut one = request.with_max(1);
            one.wait = Duration::ZERO;
            if self.has(Broken::NeverComesBack) {
                one.visibility_timeout = Some(Duration::from_secs(1_000_000));
            }
            for mut message in queue.receive(one).await?.messages {
                message.receipt.0 = format!("{place}/{}", message.receipt.0);
                let QueueContent::Sqs(content) = &mut message.content else {
                    unreachable!("{message:?}");
                };
                for (name, value) in &mut content.attributes {
                    if name == "SequenceNumber" && !self.has(Broken::SequenceNumberStays) {
                        *value = place.to_string();
                    }
                }
                if self.has(Broken::GroupInLowerCase) {
                    message.group = message.group.map(|group| group.to_lowercase());
                }
                messages.push(message);
            }
        }
        Ok(messages)
    }

    async fn settle_one(&self, settlement: &Settlement) -> Result<(), SourceError> {
        let expired = SourceError::new(SourceErrorKind::Expired, "no such receipt");
        let (place, receipt) = settlement.receipt.0.split_once('/').ok_or(expired)?;
        let place: usize = place.parse().unwrap();
        let mut inner = settlement.clone();
        inner.receipt.0 = receipt.to_owned();
        let queue = {
            let mut row = self.row.lock().unwrap();
            let number = row.iter().filter_map(|slot| Some(slot.settled?.2)).max();
            let number = number.unwrap_or_default() + 1;
            let slot = &mut row[place];
            slot.settled = Some((settlement.verb, self.clock.now(), number));
            slot.releases += u32::from(settlement.verb == SettleVerb::Release);
            slot.queue.clone()
        };
        queue.settle(&[inner]).await?.remove(0)
    }
}

/// A receive that has chosen a place, and has not yet taken from it.
struct AboutToTake<'a>(&'a Unruly, Option<usize>);

impl Drop for AboutToTake<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.1 {
            self.0.row.lock().unwrap()[place].dropped += 1;
        }
    }
}

#[async_trait]
impl QueueSource for Unruly {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let any = MemoryQueue::new(self.clock, MemoryQueueOptions::default());
        any.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let deadline = Instant::now() + request.wait;
        loop {
            let messages = self.take(request).await?;
            if !messages.is_empty() || Instant::now() >= deadline {
                return Ok(messages.into());
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn receive_is_cancel_safe(&self) -> bool {
        self.may_be_dropped()
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let mut results = Vec::new();
        for each in settlements {
            results.push(self.settle_one(each).await);
        }
        Ok(results)
    }
}

fn contract(broken: Option<Broken>) -> Result<(), String> {
    outcome(async {
        let queue = Unruly::new(broken);
        let send = async |message| queue.send(message).await;
        fifo_contract(&queue, queue.clock, send).await;
    })
}

#[test]
fn a_queue_that_keeps_the_rules_of_groups_keeps_the_contract() {
    is_kept("no rule broken", contract(None));
    let kept = outcome(async {
        let queue = Unruly::new(None);
        let send = async |message| queue.send(message).await;
        queue_source_contract(&queue, queue.clock, true, send).await;
    });
    is_kept("no rule broken", kept);
}

#[test]
fn a_queue_with_groups_may_take_liberties() {
    for (liberty, because) in [
        (
            Broken::ReleasedNeedNotWaitForLaterOnes,
            "it is the oldest of its group all the same, and ElasticMQ does so",
        ),
        (Broken::LastGroupFirst, "there is no order between groups"),
    ] {
        is_kept(
            &format!("{liberty:?}, which is legal since {because}"),
            contract(Some(liberty)),
        );
        println!("{:32} | {because}", format!("{liberty:?}"));
    }
}

#[test]
fn broken_rules_of_groups_are_found() {
    let order = "the messages of a group are delivered in the order in which they were sent";
    let blocked = "a group with a message in flight is blocked, and no other group is";
    let released = "a released message comes at once, and before those that were sent after it";
    let back = "a message whose visibility timeout ends comes back before";
    let dropped =
        "a receive that is dropped while it waits leaves groups open, and their messages in order";
    let next = "when the messages of a group that are in flight are settled, the next one is there";
    for (broken, promise) in [
        (Broken::NewestFirst, order),
        (Broken::SortedByBody, order),
        (Broken::BatchReversed, order),
        (Broken::GroupsNotBlocked, blocked),
        (Broken::AllGroupsBlocked, blocked),
        (Broken::GroupsBlockedWhateverTheirCase, blocked),
        (Broken::OpenOnceOneIsDeleted, blocked),
        (Broken::OpenOnceOneIsReleased, blocked),
        (Broken::ReleasedGoesLast, released),
        (Broken::LastReleasedComesFirst, released),
        (Broken::ComesBackLast, back),
        (Broken::NeverComesBack, back),
        (Broken::NextIsLate, next),
        (Broken::NextOnlyAfterTheVisibilityTimeout, next),
        (
            Broken::SequenceNumberStays,
            "SequenceNumber is a number that grows",
        ),
        (Broken::DroppedGoesLast, dropped),
        (Broken::DroppedBlocks, dropped),
        (Broken::GroupInLowerCase, "the group that it was sent with"),
    ] {
        is_found(&format!("{broken:?}"), promise, contract(Some(broken)));
    }
}
