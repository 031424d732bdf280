//! The whole machine in random worlds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{Concurrency, Input, QueueConfig};
use proptest::prelude::*;

use super::world::{Fate, World, config, filters, index};

/// A world drawn at random.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    count: usize,
    window: u64,
    maximum: Option<u32>,
    aws_pacing: bool,
    fifo: bool,
    partial: bool,
    filtered: bool,
    bursts: Vec<(u64, usize)>,
    error_share: u8,
    throttle_share: u8,
    settle_fault_share: u8,
    receive_fault_share: u8,
    restart: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = (
        1usize..25,
        0u64..4,
        prop::option::of(2u32..6),
        any::<[bool; 5]>(),
        any::<bool>(),
    );
    let bursts = prop::collection::vec((0u64..20_000, 1usize..40), 1..6);
    let faults = (0u8..40, 0u8..40, 0u8..20, 0u8..20);
    (any::<u64>(), shape, bursts, faults).prop_map(|(seed, shape, bursts, faults)| {
        let (count, window, maximum, [aws_pacing, fifo, partial, filtered, _], restart) = shape;
        Case {
            seed,
            count: if fifo { count.min(10) } else { count },
            // A batch of more than 10 needs a window; FIFO queues have none.
            window: if fifo {
                0
            } else if count > 10 {
                window.max(1)
            } else {
                window
            },
            maximum,
            aws_pacing,
            fifo,
            partial,
            filtered,
            bursts,
            error_share: faults.0,
            throttle_share: faults.1,
            settle_fault_share: faults.2,
            receive_fault_share: faults.3,
            restart,
        }
    })
}

fn settings(case: &Case) -> QueueConfig {
    let mut config = config();
    config.limits.count = case.count;
    config.limits.window = Duration::from_secs(case.window);
    config.fifo = case.fifo;
    config.report_batch_item_failures = case.partial;
    config.concurrency = Concurrency::OnDemand {
        maximum: case.maximum,
    };
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
    ledger: std::rc::Rc<std::cell::RefCell<Ledger>>,
) -> impl FnMut(usize, &[String]) -> Fate {
    let mut random = Random::new(case.seed);
    move |_, ids| {
        let roll = |random: &mut Random, share: u8| random.fraction() * 100.0 < f64::from(share);
        // Shorter than the visibility timeout: a function that outlives it meets duplicates by nature.
        let after = Duration::from_millis(random.next_u64() % 4_000);
        if roll(&mut random, case.throttle_share) {
            let kind = InvokeErrorKind::Throttled { retry_after: None };
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

fn check(case: &Case) {
    let mut random = Random::new(case.seed ^ 1);
    let ledger = std::rc::Rc::new(std::cell::RefCell::new(Ledger::default()));
    let total: usize = case.bursts.iter().map(|(_, count)| count).sum();
    let group = |n: usize| format!("g{}", n % 4);
    let groups = (0..total)
        .filter(|_| case.fifo)
        .map(|n| (format!("m{n}"), group(n)))
        .collect();
    let mut world = World::new(settings(case), script(case.clone(), groups, ledger.clone()));
    let mut faults = Random::new(case.seed ^ 2);
    let share = f64::from(case.settle_fault_share);
    world.settle_fails = Box::new(move || faults.fraction() * 100.0 < share);
    let mut faults = Random::new(case.seed ^ 3);
    let share = f64::from(case.receive_fault_share);
    world.receive_fails = Box::new(move || faults.fraction() * 100.0 < share);

    let mut kept = BTreeSet::new();
    let mut sent = 0;
    for &(pause, count) in &case.bursts {
        world.run_for(pause);
        for _ in 0..count {
            let keep = !case.filtered || random.fraction() < 0.6;
            if keep {
                kept.insert(format!("m{sent}"));
            }
            let body = format!(r#"{{"keep":{keep}}}"#);
            world.send_one(&body, case.fifo.then(|| group(sent)).as_deref());
            sent += 1;
        }
    }
    // Long enough for every message to meet a try that succeeds.
    world.run_for(3_600_000);

    assert_eq!(world.left(), 0, "every message must be settled in the end");
    let succeeded: BTreeSet<String> = ledger.borrow().succeeded.iter().cloned().collect();
    assert_eq!(
        succeeded, kept,
        "what passes the filters is processed, and nothing else"
    );
    assert!(world.machine.is_idle());
    check_order(case, &world, &ledger.borrow().succeeded);
    if let Some(maximum) = case.maximum {
        check_concurrency(&world, maximum as usize);
    }
    if case.restart {
        world.give(Input::Drain);
        assert!(world.machine.is_idle());
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_overtakes_and_limits_hold(case in cases()) {
        check(&case);
    }
}
