//! The whole machine in random worlds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{Concurrency, QueueConfig};
use proptest::prelude::*;

use super::world::{Fate, Service, World, config, filters, index};

/// A world drawn at random.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    count: usize,
    window: u64,
    concurrency: Concurrency,
    aws_pacing: bool,
    fifo: bool,
    partial: bool,
    filtered: bool,
    bursts: Vec<(u64, usize)>,
    error_share: u8,
    throttle_share: u8,
    settle_fault_share: u8,
    receive_fault_share: u8,
    /// How often the function outlasts the visibility timeout.
    slow_share: u8,
    /// How often the handler makes its messages visible before it ends.
    frees_share: u8,
    /// How many calls at a time the server takes without becoming slower; `None` if it takes any number.
    knee: Option<usize>,
    /// How often the server does what it is asked for, and its answer is lost.
    lost_share: u8,
    /// Whether long polls last as long as those of AWS.
    long_polls: bool,
    /// The size of each body, beyond what the filter reads.
    padding: usize,
    /// What befalls the mapping, and when.
    incidents: Vec<(u64, Incident)>,
}

#[derive(Clone, Copy, Debug)]
enum Incident {
    /// New settings: batch size, window, concurrency.
    Reconfigure(usize, u64, Concurrency),
    /// The mapping is stopped in order, and started again.
    Drain,
    /// The process dies, and is started again.
    Crash,
}

fn concurrencies() -> impl Strategy<Value = Concurrency> {
    prop_oneof![
        Just(Concurrency::OnDemand { maximum: None }),
        (2u32..6).prop_map(|maximum| Concurrency::OnDemand {
            maximum: Some(maximum)
        }),
        (2u32..4, 0u32..3).prop_map(|(minimum, more)| Concurrency::Provisioned {
            minimum,
            maximum: minimum + more,
        }),
    ]
}

fn incidents() -> impl Strategy<Value = Vec<(u64, Incident)>> {
    let incident = prop_oneof![
        (1usize..25, 0u64..4, concurrencies())
            .prop_map(|(count, window, slots)| Incident::Reconfigure(count, window, slots)),
        Just(Incident::Drain),
        Just(Incident::Crash),
    ];
    prop::collection::vec((0u64..15_000, incident), 0..4)
}

/// The most batches that may be worked on at a time, where that is known.
const fn most(concurrency: Concurrency) -> Option<usize> {
    match concurrency {
        Concurrency::OnDemand { maximum: None } => None,
        Concurrency::OnDemand {
            maximum: Some(maximum),
        } => Some(maximum as usize),
        Concurrency::Provisioned { maximum, .. } => Some(maximum as usize * 10),
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = (1usize..25, 0u64..4, concurrencies(), any::<[bool; 5]>());
    let bursts = prop::collection::vec((0u64..20_000, 1usize..40), 1..6);
    let faults = (0u8..40, 0u8..40, 0u8..20, 0u8..20, 0u8..20, 0u8..20);
    let server = (prop::option::of(1usize..12), 0u8..10);
    let drawn = (any::<u64>(), shape, bursts, (faults, server), incidents());
    drawn.prop_map(|(seed, shape, bursts, (faults, server), incidents)| {
        let (count, window, concurrency, [aws_pacing, fifo, partial, filtered, long_polls]) = shape;
        let (count, window) = legal(fifo, count, window);
        Case {
            seed,
            count,
            window,
            concurrency,
            aws_pacing,
            fifo,
            partial,
            filtered,
            bursts,
            error_share: faults.0,
            throttle_share: faults.1,
            settle_fault_share: faults.2,
            receive_fault_share: faults.3,
            slow_share: faults.4,
            frees_share: faults.5,
            knee: server.0,
            lost_share: server.1,
            long_polls,
            padding: 0,
            incidents,
        }
    })
}

/// A batch of more than 10 needs a window; FIFO queues have none.
fn legal(fifo: bool, count: usize, window: u64) -> (usize, u64) {
    if fifo {
        (count.min(10), 0)
    } else if count > 10 {
        (count, window.max(1))
    } else {
        (count, window)
    }
}

/// How many invocations the function runs at a time, if it says so.
const fn function_concurrency(case: &Case) -> Option<usize> {
    match case.seed % 4 {
        0 => Some(1),
        1 => Some(3),
        _ => None,
    }
}

fn settings(case: &Case) -> QueueConfig {
    let mut config = config();
    config.limits.count = case.count;
    config.limits.window = Duration::from_secs(case.window);
    config.fifo = case.fifo;
    if !case.long_polls {
        config.facts.longest_wait = Duration::from_secs(1);
    }
    config.report_batch_item_failures = case.partial;
    config.concurrency = case.concurrency;
    config.function_concurrency = function_concurrency(case);
    config.pacing = if case.aws_pacing {
        Pacing::Aws
    } else {
        Pacing::Eager
    };
    if case.filtered {
        config.filters = filters(&[r#"{"body":{"keep":[true]}}"#]);
    }
    config
}

/// What the function has done so far, shared between the script and the checks.
#[derive(Default)]
struct Ledger {
    succeeded: Vec<String>,
}

fn script(
    case: Case,
    groups: BTreeMap<String, String>,
    ledger: Rc<RefCell<Ledger>>,
) -> impl FnMut(usize, &[String]) -> Fate {
    let mut random = Random::new(case.seed);
    move |_, ids| {
        let roll = |random: &mut Random, share: u8| random.fraction() * 100.0 < f64::from(share);
        let mut after = Duration::from_millis(random.next_u64() % 4_000);
        if roll(&mut random, case.slow_share) {
            after += Duration::from_secs(30);
        }
        if roll(&mut random, case.throttle_share) {
            let kind = InvokeErrorKind::throttled(None);
            return Fate {
                after: Duration::from_millis(3),
                result: Err(InvokeError::new(kind, "429")),
            };
        }
        if roll(&mut random, case.error_share) {
            return Fate {
                after,
                result: Err(InvokeError::function("boom")),
            };
        }
        let mut failed_groups = BTreeSet::new();
        let mut failed = Vec::new();
        for id in ids {
            let group = groups.get(id);
            let behind = group.is_some_and(|group| failed_groups.contains(group));
            if case.partial && (behind || roll(&mut random, case.error_share)) {
                failed_groups.extend(group.cloned());
                failed.push(serde_json::json!({ "itemIdentifier": id }));
            } else {
                ledger.borrow_mut().succeeded.push(id.clone());
            }
        }
        let body = serde_json::json!({ "batchItemFailures": failed }).to_string();
        Fate {
            after,
            result: Ok(Bytes::from(body)),
        }
    }
}

/// Sends the bursts and lets the incidents happen, each after its pause.
fn live(case: &Case, world: &mut World) -> BTreeSet<String> {
    let mut random = Random::new(case.seed ^ 1);
    let mut kept = BTreeSet::new();
    let mut sent = 0;
    let mut incidents = case.incidents.iter();
    let padding = "x".repeat(case.padding);
    for &(pause, count) in &case.bursts {
        world.run_for(pause);
        for _ in 0..count {
            let keep = !case.filtered || random.fraction() < 0.6;
            if keep {
                kept.insert(format!("m{sent}"));
            }
            let body = format!(r#"{{"keep":{keep},"padding":"{padding}"}}"#);
            world.send_one(&body, case.fifo.then(|| group(sent)).as_deref());
            sent += 1;
        }
        if let Some(&(pause, incident)) = incidents.next() {
            world.run_for(pause);
            befall(case, world, incident);
        }
    }
    kept
}

fn befall(case: &Case, world: &mut World, incident: Incident) {
    match incident {
        Incident::Reconfigure(count, window, concurrency) => {
            let (count, window) = legal(case.fifo, count, window);
            let changed = Case {
                count,
                window,
                concurrency,
                ..case.clone()
            };
            world.reconfigure(settings(&changed));
        }
        Incident::Drain => {
            world.drain();
            let receives = world.receives;
            // As long as a lost answer is waited for, and asked for again.
            world.run_for(150_000);
            assert!(world.machine.is_idle(), "the drain does not end");
            assert_eq!(world.receives, receives, "a drain reads nothing new");
            world.restart();
        }
        Incident::Crash => world.restart(),
    }
}

fn group(n: usize) -> String {
    format!("g{}", n % 4)
}

fn world(case: &Case, ledger: &Rc<RefCell<Ledger>>) -> World {
    let total: usize = case.bursts.iter().map(|(_, count)| count).sum();
    let groups = (0..total)
        .filter(|_| case.fifo)
        .map(|n| (format!("m{n}"), group(n)))
        .collect();
    let mut world = World::new(settings(case), script(case.clone(), groups, ledger.clone()));
    let mut faults = Random::new(case.seed ^ 2);
    let share = f64::from(case.settle_fault_share);
    world.settle_fails = Box::new(move || faults.fraction() * 100.0 < share);
    let mut faults = Random::new(case.seed ^ 4);
    let share = f64::from(case.frees_share);
    world.handler_frees = Box::new(move || {
        let after = Duration::from_millis(faults.next_u64() % 4_000);
        (faults.fraction() * 100.0 < share).then_some(after)
    });
    let mut faults = Random::new(case.seed ^ 5);
    let (knee, share) = (case.knee, f64::from(case.lost_share));
    world.serves = Box::new(move |calls| Service {
        longer: knee.map_or(Duration::ZERO, |knee| {
            let beyond = (calls as f64 / knee as f64 - 1.0).max(0.0);
            Duration::from_millis(40).mul_f64(beyond * (0.5 + faults.fraction()))
        }),
        is_lost: faults.fraction() * 100.0 < share,
    });
    let mut faults = Random::new(case.seed ^ 3);
    let share = f64::from(case.receive_fault_share);
    world.receive_fails = Box::new(move || faults.fraction() * 100.0 < share);
    world
}

fn check(case: &Case) {
    let ledger = Rc::default();
    let mut world = world(case, &ledger);
    let kept = live(case, &mut world);
    // Long enough for every message to meet a try that succeeds.
    let end = world.now + Duration::from_secs(3_600);
    while world.now < end && (world.left() > 0 || world.machine.status().running > 0) {
        world.run_for(10_000);
    }

    assert_eq!(world.left(), 0, "every message must be settled in the end");
    let succeeded: BTreeSet<String> = ledger.borrow().succeeded.iter().cloned().collect();
    assert_eq!(
        succeeded, kept,
        "what passes the filters is processed, and nothing else"
    );
    let status = world.machine.status();
    assert_eq!(
        (status.running, status.waiting, status.gathering),
        (0, 0, 0)
    );
    check_order(case, &world, &ledger.borrow().succeeded);
    check_limits(case, &world);
    let listens = status.receives > 0 || world.machine.next_deadline().is_some();
    assert!(listens, "nothing wakes the mapping any more");
    world.drain();
    world.run_for(60_000);
    assert!(world.machine.is_idle(), "the last receives have returned");
}

/// No more invocations and messages at a time than the settings allow; of settings that follow each
/// other, the more generous count.
fn check_limits(case: &Case, world: &World) {
    let (mut slots, mut count) = (most(case.concurrency), case.count);
    for (_, incident) in &case.incidents {
        match incident {
            Incident::Reconfigure(new_count, _, concurrency) => {
                count = count.max(*new_count);
                slots = slots.zip(most(*concurrency)).map(|(old, new)| old.max(new));
            }
            // What a dead process held is not forgotten by the function at once.
            Incident::Crash => return,
            Incident::Drain => {}
        }
    }
    if let Some(limit) = function_concurrency(case) {
        check_concurrency(world, limit);
    }
    if let Some(slots) = slots {
        check_concurrency(world, slots);
        let held = world.most_held;
        assert!(
            held <= slots * count,
            "{held} messages held, {slots} batches of {count} allowed"
        );
    }
}

/// Within a group, a message succeeds for the first time only after its predecessor.
fn check_order(case: &Case, world: &World, succeeded: &[String]) {
    if !case.fifo {
        return;
    }
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for id in succeeded {
        if !done.insert(id) {
            continue;
        }
        let group = world.group_of(id).expect("FIFO messages have groups");
        let before = last.insert(group, index(id));
        assert!(
            before.is_none_or(|before| before < index(id)),
            "{id} overtook {before:?}"
        );
    }
}

fn check_concurrency(world: &World, maximum: usize) {
    for one in &world.seen {
        let runs = world
            .seen
            .iter()
            .filter(|other| other.start <= one.start && other.end.is_none_or(|end| end > one.start))
            .count();
        assert!(
            runs <= maximum,
            "{runs} invocations at once, {maximum} allowed"
        );
    }
}

/// Returns how many worlds to try: 150, or what `LAMBDA_ESM_PROPERTY_CASES` says.
fn worlds() -> u32 {
    let said = std::env::var("LAMBDA_ESM_PROPERTY_CASES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(worlds()))]

    #[test]
    fn nothing_is_lost_nothing_overtakes_and_limits_hold(case in cases()) {
        check(&case);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn batches_split_by_their_bytes_keep_every_promise(mut case in cases(), fifo in any::<bool>()) {
        case.padding = 900_000;
        case.bursts.truncate(2);
        for (_, count) in &mut case.bursts {
            *count = (*count).min(15);
        }
        (case.count, case.window) = legal(fifo, 10, case.window);
        case.fifo = fifo;
        check(&case);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_same_world_twice_gives_the_same_actions(case in cases()) {
        let run = || {
            let ledger = Rc::default();
            let mut world = world(&case, &ledger);
            world.trace = Some(Vec::new());
            live(&case, &mut world);
            world.run_for(60_000);
            world.trace
        };
        prop_assert_eq!(run(), run());
    }
}
