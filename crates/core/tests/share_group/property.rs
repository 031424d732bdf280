//! The whole machine with a share group in random worlds.

mod case;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use proptest::prelude::*;

use super::world::{Fate, Hiccup, LOCK, Place, State, World, places};
use case::{Case, Incident, cases};

/// What the function has done so far, shared between the script and the checks.
#[derive(Default)]
struct Ledger {
    processed: BTreeSet<Place>,
    /// How often it ran with each record, throttled tries not counted.
    runs: BTreeMap<Place, u32>,
}

/// Tells whether the function fails with a record each time.
fn is_poison((partition, offset): Place) -> bool {
    (i64::from(partition) + offset) % 7 == 3
}

fn script(case: &Case, ledger: Rc<RefCell<Ledger>>) -> impl FnMut(usize, &[Place]) -> Fate + use<> {
    let mut random = Random::new(case.seed);
    let case = case.clone();
    move |_, places| {
        let roll = |random: &mut Random, share: u8| random.fraction() * 100.0 < f64::from(share);
        let mut after = Duration::from_millis(random.next_u64() % 3_000);
        if roll(&mut random, case.faults.slow) {
            after += LOCK;
        }
        if roll(&mut random, case.faults.throttles) {
            let kind = InvokeErrorKind::throttled(None);
            return Fate {
                after: Duration::from_millis(3),
                result: Err(InvokeError::new(kind, "429")),
            };
        }
        let mut ledger = ledger.borrow_mut();
        for place in places {
            *ledger.runs.entry(*place).or_default() += 1;
        }
        let error = roll(&mut random, case.faults.errors);
        if error || !case.partial && places.iter().any(|place| is_poison(*place)) {
            let result = Err(InvokeError::function("boom"));
            return Fate { after, result };
        }
        let (mut failed, mut good) = (Vec::new(), Vec::new());
        for &(partition, offset) in places {
            let fails = is_poison((partition, offset)) || roll(&mut random, case.faults.errors);
            if case.partial && fails {
                let text = format!("orders-eu-{partition}-{offset}");
                failed.push(serde_json::json!({ "itemIdentifier": text }));
            } else {
                good.push((partition, offset));
            }
        }
        ledger.processed.extend(good);
        let body = serde_json::json!({ "batchItemFailures": failed }).to_string();
        Fate {
            after,
            result: Ok(body.into()),
        }
    }
}

fn world(case: &Case, ledger: &Rc<RefCell<Ledger>>) -> World {
    let mut world = World::new(case.settings(), script(case, ledger.clone()));
    let mut faults = Random::new(case.seed ^ 2);
    let share = f64::from(case.faults.settles);
    world.hiccup = Box::new(move || match faults.fraction() * 100.0 {
        roll if roll < share => Hiccup::Lost,
        roll if roll < 2.0 * share => Hiccup::AnswerLost,
        _ => Hiccup::None,
    });
    let mut faults = Random::new(case.seed ^ 3);
    let share = f64::from(case.faults.destination);
    world.destination_fails = Box::new(move || faults.fraction() * 100.0 < share);
    world
}

fn live(case: &Case, world: &mut World) {
    let mut random = Random::new(case.seed ^ 1);
    let mut incidents = case.incidents.iter();
    for &(pause, count) in &case.bursts {
        world.run_until(world.now + Duration::from_millis(pause));
        for _ in 0..count {
            let partition = i32::try_from(random.next_u64() % 3).unwrap();
            world.group.put_value(world.now, partition, "{}");
        }
        if let Some(&(pause, incident)) = incidents.next() {
            world.run_until(world.now + Duration::from_millis(pause));
            match incident {
                Incident::LoseLocks => world.group.lose_locks(),
                Incident::Crash => world.restart(),
                Incident::Drain => {
                    world.drain();
                    world.run_for(120);
                    assert!(world.machine.is_idle(), "the drain does not end");
                    world.restart();
                }
                Incident::Shrink(count) => {
                    let mut settings = case.settings();
                    settings.limits.count = count.min(case.count);
                    world.reconfigure(settings);
                    world.run_for(200);
                    world.reconfigure(case.settings());
                }
            }
        }
    }
}

fn check(case: &Case) {
    let ledger = Rc::default();
    let mut world = world(case, &ledger);
    live(case, &mut world);
    world.run_to_the_end(7_200);
    assert!(world.group.is_done(), "every record must come to an end");
    world.run_for(120);
    let ledger = ledger.borrow();
    check_ends(case, &world, &ledger);
    check_tries(case, &world, &ledger);
    let status = world.machine.status();
    assert_eq!(
        (status.running, status.waiting, status.gathering),
        (0, 0, 0)
    );
    world.drain();
    world.run_for(60);
    assert!(world.machine.is_idle());
}

/// Nothing is lost: each record was processed and accepted, or is at the destination and rejected, or was archived by the
/// group, whose limit it has used up.
fn check_ends(case: &Case, world: &World, ledger: &Ledger) {
    let told = told(world);
    for (place, entry) in &world.group.records {
        let told = told.get(place).copied().unwrap_or_default();
        match entry.state {
            State::Accepted => {
                assert!(
                    ledger.processed.contains(place),
                    "{place:?} was accepted unseen"
                );
                assert!(
                    told == 0 || !case.is_calm(),
                    "{place:?} was told and accepted"
                );
            }
            State::Rejected => {
                assert!(
                    told >= 1 || case.destination.is_none(),
                    "{place:?} was rejected, and nobody was told"
                );
                assert!(
                    told <= 1 || !case.is_calm(),
                    "{place:?} was told {told} times"
                );
            }
            State::Archived => {
                assert!(entry.count >= case.limit);
                assert!(!case.is_calm(), "{place:?} was archived by the group");
            }
            state => panic!("{place:?} is {state:?}"),
        }
    }
}

/// No record is tried more often than the policy says, and in a calm world one that always fails just as often.
fn check_tries(case: &Case, world: &World, ledger: &Ledger) {
    // A batch is split as often as it can be halved, and each time the whole half was tried.
    let splits = if case.bisect {
        case.count.max(1).ilog2() + 1
    } else {
        0
    };
    let each = case.policy.in_one_delivery(case.attempts) + 1 + splits;
    for (place, runs) in &ledger.runs {
        let deliveries = world.group.records[place].count;
        assert!(deliveries <= case.limit);
        assert!(
            *runs <= deliveries * each,
            "{place:?} was tried {runs} times in {deliveries} deliveries of {each} tries"
        );
        let alone = case.count == 1 || case.partial && case.faults.errors == 0;
        if is_poison(*place) && alone && case.is_calm() {
            let last = case.policy.last_delivery(case.attempts, Some(case.limit));
            let tries = case.policy.in_one_delivery(case.attempts) + 1;
            assert_eq!(*runs, last * tries, "{place:?}");
            assert_eq!(deliveries, last, "{place:?}");
        }
    }
}

/// Returns how often the destination was told of each record. A bucket gets the event as a text, a topic as it is.
fn told(world: &World) -> BTreeMap<Place, usize> {
    let mut told = BTreeMap::new();
    for document in world.documents() {
        let event = match document["payload"].as_str() {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => document["payload"].clone(),
        };
        for place in places(&event) {
            *told.entry(place).or_default() += 1;
        }
    }
    told
}

/// Returns how many worlds to try: 150, or what `LAMBDA_ESM_PROPERTY_CASES` says.
fn worlds() -> u32 {
    let said = std::env::var("LAMBDA_ESM_PROPERTY_CASES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(worlds()))]

    #[test]
    fn nothing_is_lost_and_tries_are_bounded_by_the_policy(case in cases()) {
        check(&case);
    }

    #[test]
    fn without_faults_every_end_is_the_one_that_the_policy_says_however_scarce_the_function(case in cases()) {
        check(&case.calmed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn the_same_world_twice_gives_the_same_decisions(case in cases()) {
        let run = || -> Vec<(Timestamp, Decision)> {
            let mut world = world(&case, &Rc::default());
            live(&case, &mut world);
            world.run_for(60);
            world.decisions
        };
        prop_assert_eq!(run(), run());
    }
}
