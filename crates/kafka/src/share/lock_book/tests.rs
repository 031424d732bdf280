use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{KafkaRecord, Receipt};

use super::*;

const LOCK: Duration = Duration::from_secs(40);
const PLACE: Place = ([7; 16], 3);

struct World {
    book: LockBook,
    now: Instant,
}

fn session(broker: i32) -> SessionId {
    SessionId { broker, number: 1 }
}

impl World {
    fn new(can_renew: bool) -> Self {
        let settings = GroupSettings {
            lock: LOCK,
            delivery_limit: 2,
            can_renew,
        };
        Self {
            book: LockBook::new("m".to_owned(), settings),
            now: Instant::now(),
        }
    }

    fn step(&mut self, broker: i32) -> Step {
        self.book
            .step(self.now, session(broker), &BTreeSet::from([PLACE]))
    }

    fn acquire(&mut self, broker: i32, offsets: std::ops::Range<i64>) {
        let record = |offset| (KafkaRecord::new(offset, Timestamp(0), None), 1);
        let records: Vec<_> = offsets.map(record).collect();
        let page = Page {
            longest: records.len(),
            records,
            ..Page::default()
        };
        let session = session(broker);
        let place = PLACE;
        self.book.fetched(broker);
        let longest = page.longest;
        let origin = Origin { session, place };
        self.book.acquire(self.now, self.now, origin, page);
        self.book.came(longest);
    }

    fn taken(&mut self, max: usize) -> Vec<Receipt> {
        let received = self.book.take(self.now, max).unwrap_or_default();
        received
            .messages
            .into_iter()
            .map(|message| message.receipt)
            .collect()
    }

    fn settle(&mut self, receipts: &[Receipt], verb: SettleVerb) -> Arc<Settling> {
        let settlements = receipts.iter().cloned();
        let settlements: Vec<_> = settlements
            .map(|receipt| Settlement::new(receipt, verb))
            .collect();
        self.book.settle(self.now, &settlements).0
    }

    fn demand(&mut self, broker: i32) -> Demand {
        match self.step(broker) {
            Step::Fetch(demand, _) => demand,
            step => panic!("{step:?}"),
        }
    }

    fn told(&mut self, broker: i32) -> Vec<Bundle> {
        match self.step(broker) {
            Step::Acknowledge(bundles) => bundles,
            step => panic!("{step:?}"),
        }
    }
}

fn exactly(records: usize) -> Demand {
    Demand {
        records,
        whole_batches: false,
    }
}

fn kinds(bundles: &[Bundle]) -> Vec<(Kind, i64)> {
    let all = bundles.iter().flat_map(|bundle| &bundle.all);
    all.map(|one| (one.kind, one.first)).collect()
}

async fn outcomes(settling: &Settling) -> Vec<bool> {
    let outcomes = settling.wait().await.into_iter();
    let is_expired = |error: SourceError| assert_eq!(error.kind, SourceErrorKind::Expired);
    outcomes
        .map(|outcome| outcome.map_err(is_expired).is_ok())
        .collect()
}

#[test]
fn as_much_is_fetched_as_is_wanted_once_what_has_arrived_is_taken() {
    let mut world = World::new(true);
    assert!(matches!(world.step(1), Step::Wait(_)));
    let one = world.book.want(10);
    let two = world.book.want(5);
    assert_eq!(world.demand(1), exactly(15));
    world.acquire(1, 0..4);
    // One of the receives is about to end with it.
    assert!(matches!(world.step(1), Step::Wait(_)));
    assert_eq!(world.taken(10).len(), 4);
    world.book.want_no_more(one);
    assert_eq!(world.demand(1), exactly(5));
    // Another broker may have it.
    assert_eq!(world.demand(2), exactly(5));
    // No broker that leads nothing is asked.
    let leads_nothing = world.book.step(world.now, session(3), &BTreeSet::new());
    assert!(matches!(leads_nothing, Step::Wait(_)));
    world.book.want_no_more(two);
    assert!(matches!(world.step(1), Step::Wait(_)));
}

#[test]
fn where_locks_cannot_be_renewed_one_broker_is_asked_at_a_time() {
    let mut world = World::new(false);
    world.book.want(10);
    assert_eq!(world.demand(1), exactly(10));
    assert!(matches!(world.step(2), Step::Wait(_)));
    world.book.fetched(1);
    assert_eq!(world.demand(2), exactly(10));
}

#[test]
fn fetches_end_by_their_number_whoever_is_asked_later() {
    let mut world = World::new(true);
    world.book.want(10);
    assert!(world.book.has_ended(world.book.last_fetch()));
    world.step(1);
    let last = world.book.last_fetch();
    assert!(!world.book.has_ended(last));
    world.step(2);
    world.book.fetched(1);
    assert!(world.book.has_ended(last));
    assert!(!world.book.has_ended(world.book.last_fetch()));
    world.book.lose(session(2), Vec::new(), "is lost");
    assert!(world.book.has_ended(world.book.last_fetch()));
}

#[test]
fn what_is_settled_is_told_along_with_the_next_fetch() {
    let mut world = World::new(true);
    world.acquire(1, 0..2);
    let receipts = world.taken(9);
    world.settle(&receipts, SettleVerb::Delete);
    world.book.want(10);
    let Step::Fetch(_, bundles) = world.step(1) else {
        panic!("it is not told along");
    };
    let expected = [(Kind::Accept, 0), (Kind::Accept, 1)];
    assert_eq!(kinds(&bundles), expected);
}

#[test]
fn renewals_and_what_is_told_again_or_of_a_partition_that_is_not_read_are_told_apart() {
    let mut world = World::new(true);
    world.acquire(1, 0..4);
    let receipts = world.taken(9);
    world.book.want(10);
    world.settle(&receipts[..1], SettleVerb::Renew);
    assert_eq!(kinds(&world.told(1)), [(Kind::Renew, 0)]);
    world.settle(&receipts[..1], SettleVerb::Delete);
    let elsewhere = BTreeSet::from([([7; 16], 4)]);
    let step = world.book.step(world.now, session(1), &elsewhere);
    assert!(matches!(step, Step::Acknowledge(_)), "{step:?}");
    world.settle(&receipts[1..3], SettleVerb::Delete);
    let Step::Fetch(_, bundles) = world.step(1) else {
        panic!("it is not told along");
    };
    world.book.fetched(1);
    for bundle in bundles {
        let refused = Outcome::NoLock("gone".to_owned());
        world
            .book
            .acknowledged(world.now, session(1), bundle, refused);
    }
    assert_eq!(kinds(&world.told(1)), [(Kind::Accept, 1)]);
    assert_eq!(kinds(&world.told(1)), [(Kind::Accept, 2)]);
    assert_eq!(world.demand(1).records, 10);
}

#[tokio::test]
async fn settlements_go_to_the_broker_that_has_the_lock_and_are_answered_when_it_answers() {
    let mut world = World::new(true);
    world.acquire(1, 0..2);
    world.acquire(2, 8..9);
    let receipts = world.taken(9);
    let settling = world.settle(&receipts, SettleVerb::Delete);
    for (broker, expected) in [
        (1, vec![(Kind::Accept, 0), (Kind::Accept, 1)]),
        (2, vec![(Kind::Accept, 8)]),
    ] {
        let bundles = world.told(broker);
        assert_eq!(kinds(&bundles), expected);
        for bundle in bundles {
            world
                .book
                .acknowledged(world.now, session(broker), bundle, Outcome::Done);
        }
    }
    assert_eq!(outcomes(&settling).await, [true; 3]);
    // Once only.
    let again = world.settle(&receipts, SettleVerb::Delete);
    assert_eq!(outcomes(&again).await, [false; 3]);
}

#[tokio::test]
async fn one_lost_lock_among_many_is_found_by_halves() {
    let mut world = World::new(true);
    world.acquire(1, 0..8);
    let receipts = world.taken(9);
    let settling = world.settle(&receipts, SettleVerb::Delete);
    let mut requests = 0;
    while let Step::Acknowledge(bundles) = world.step(1) {
        requests += 1;
        for bundle in bundles {
            let lost = bundle.all.iter().any(|one| one.first == 5);
            let outcome = if lost {
                Outcome::NoLock("gone".to_owned())
            } else {
                Outcome::Done
            };
            world
                .book
                .acknowledged(world.now, session(1), bundle, outcome);
        }
    }
    let expected: Vec<bool> = (0..8).map(|offset| offset != 5).collect();
    assert_eq!(outcomes(&settling).await, expected);
    assert_eq!(requests, 7);
}

#[tokio::test]
async fn what_a_broker_cannot_write_down_is_told_again_as_long_as_its_lock_may_hold() {
    let mut world = World::new(true);
    world.acquire(1, 0..1);
    let receipts = world.taken(1);
    let settling = world.settle(&receipts, SettleVerb::Delete);
    let mut times = 0;
    while let Step::Acknowledge(mut bundles) = world.step(1) {
        times += 1;
        let again = Outcome::Again("busy".to_owned());
        world
            .book
            .acknowledged(world.now, session(1), bundles.remove(0), again);
        world.now += LOCK / 8;
    }
    assert_eq!(times, 9);
    assert_eq!(outcomes(&settling).await, [false]);
}

#[tokio::test]
async fn a_renewal_and_what_follows_it_are_told_one_after_the_other() {
    let mut world = World::new(true);
    world.acquire(1, 0..1);
    let receipts = world.taken(1);
    world.settle(&receipts, SettleVerb::Renew);
    world.settle(&receipts, SettleVerb::Reject);
    assert_eq!(kinds(&world.told(1)), [(Kind::Renew, 0)]);
    assert_eq!(kinds(&world.told(1)), [(Kind::Reject, 0)]);
}

#[test]
fn what_nobody_has_asked_for_yet_is_renewed_and_uses_up_no_delivery() {
    let mut world = World::new(true);
    world.acquire(1, 0..2);
    for _ in 0..20 {
        let Step::Wait(until) = world.step(1) else {
            panic!("nothing is to be done yet");
        };
        assert_eq!(until, world.now + LOCK / 4);
        world.now = until;
        let bundles = world.told(1);
        assert_eq!(kinds(&bundles), [(Kind::Renew, 0), (Kind::Renew, 1)]);
        for bundle in bundles {
            world
                .book
                .acknowledged(world.now, session(1), bundle, Outcome::Done);
        }
    }
    assert_eq!(world.taken(9).len(), 2);
}

#[test]
fn what_has_lost_its_lock_before_anybody_asked_for_it_is_not_handed_out() {
    let mut world = World::new(true);
    world.acquire(1, 0..1);
    world.now += LOCK / 4;
    for bundle in world.told(1) {
        let gone = Outcome::Lost("gone".to_owned());
        world.book.acknowledged(world.now, session(1), bundle, gone);
    }
    assert_eq!(world.taken(9), []);
}

#[tokio::test]
async fn all_of_a_session_that_is_lost_is_lost_and_nothing_of_another() {
    let mut world = World::new(true);
    world.acquire(1, 0..2);
    world.acquire(2, 5..7);
    let receipts = world.taken(1);
    let settling = world.settle(&receipts, SettleVerb::Delete);
    let untold = world.told(1);
    let later = world.taken(1);
    let waiting = world.settle(&later, SettleVerb::Delete);
    world.book.lose(session(1), untold, "is lost");
    assert_eq!(
        (outcomes(&settling).await, outcomes(&waiting).await),
        (vec![false], vec![false])
    );
    assert!(matches!(world.step(1), Step::Wait(_)));
    let rest = world.taken(9);
    assert_eq!(rest.len(), 2);
    world.settle(&rest, SettleVerb::Delete);
    assert_eq!(
        kinds(&world.told(2)),
        [(Kind::Accept, 5), (Kind::Accept, 6)]
    );
}

#[tokio::test]
async fn a_record_that_comes_again_makes_its_earlier_receipt_worthless() {
    let mut world = World::new(true);
    world.acquire(1, 0..1);
    let first = world.taken(1);
    world.acquire(2, 0..1);
    world.acquire(2, 0..1);
    let second = world.taken(9);
    assert_eq!(second.len(), 1);
    let settling = world.settle(&first, SettleVerb::Delete);
    assert_eq!(outcomes(&settling).await, [false]);
    world.settle(&second, SettleVerb::Delete);
    assert_eq!(kinds(&world.told(2)), [(Kind::Accept, 0)]);
}

#[test]
fn what_is_never_settled_is_forgotten_after_its_lock() {
    let mut world = World::new(true);
    world.acquire(1, 0..1);
    world.taken(1);
    world.book.forget_ended(world.now + LOCK);
    assert!(world.book.holds_anything());
    world.book.forget_ended(world.now + LOCK * 2);
    assert!(!world.book.holds_anything());
}

#[test]
fn whole_batches_are_asked_for_while_what_is_over_is_taken_soon() {
    for (can_renew, waited, whole_batches) in [
        (true, 1_000, true),
        (true, 1_001, false),
        // What is over would come again, with one delivery less.
        (false, 1_000, false),
    ] {
        let mut world = World::new(can_renew);
        world.book.want(10);
        assert_eq!(world.demand(1), exactly(10));
        world.acquire(1, 0..10);
        world.now += Duration::from_millis(waited);
        let receipts = world.taken(10);
        world.settle(&receipts, SettleVerb::Renew);
        assert_eq!(kinds(&world.told(1)).len(), 10);
        assert_eq!(world.demand(1), exactly(10), "a renewal shows nothing");
        world.book.fetched(1);
        world.settle(&receipts, SettleVerb::Delete);
        let demand = Demand {
            records: 10,
            whole_batches,
        };
        assert_eq!(world.demand(1), demand, "{can_renew}, {waited}");
    }
}

#[test]
fn what_has_lost_its_lock_unseen_is_neither_renewed_nor_handed_out() {
    let mut world = World::new(true);
    world.acquire(1, 0..2);
    // As where the process was halted.
    world.now += LOCK;
    assert!(matches!(world.step(1), Step::Wait(_)));
    assert_eq!(world.taken(9), []);
}
