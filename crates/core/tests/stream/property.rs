//! The whole machine in random worlds.
//!
//! `LAMBDA_ESM_PROPERTY_CASES` says how many, `LAMBDA_ESM_PROPERTY_SEED` which one alone. A failure names the
//! seed, and a simpler world that fails too.

mod beginning;
mod case;
mod fold;
mod host;
mod keys;
mod ledger;
mod play;
mod telling;
mod times;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use case::Case;
use play::Play;

/// What a machine asked for.
type Trace = Rc<RefCell<Vec<String>>>;

/// Plays a case and checks what is left to check at the end.
fn check(case: &Case, trace: Option<Trace>) {
    let mut play = Play::new(case);
    play.world.trace = trace;
    play.run();
    let ledger = &play.world.surroundings.ledger;
    let unsettled = ledger.unsettled();
    assert!(unsettled.is_empty(), "never settled: {unsettled:#?}");
    assert!(ledger.windows_are_closed(), "a window is never ended");
    let behind = play.behind();
    assert!(behind.is_empty(), "checkpoints stay behind: {behind:?}");
    assert!(play.world.line.is_left(), "a turn is kept and not used");
    assert!(
        play.world.next().is_some(),
        "nothing wakes the mapping any more"
    );
}

/// Returns what goes wrong with a case.
fn fault(case: &Case, trace: Option<Trace>) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| check(case, trace))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default(),
    )
}

/// Looks for a simpler case that fails as well.
fn simplest(mut case: Case, mut text: String) -> (Case, String) {
    let mut tries = 0;
    'simpler: loop {
        for candidate in case.simpler() {
            tries += 1;
            if tries > 2_000 {
                break 'simpler;
            }
            if let Some(found) = fault(&candidate, None) {
                (case, text) = (candidate, found);
                continue 'simpler;
            }
        }
        break;
    }
    (case, text)
}

/// Returns the end of what the machine asked for.
fn last_of(case: &Case) -> String {
    let trace = Trace::default();
    let _ = fault(case, Some(trace.clone()));
    let trace = trace.borrow();
    let told: Vec<&String> = trace
        .iter()
        .filter(|line| !line.contains(" Fetch "))
        .collect();
    let lines = told[told.len().saturating_sub(50)..].iter();
    lines
        .map(|line| line.chars().take(400).chain(['\n']).collect::<String>())
        .collect()
}

thread_local! {
    /// Whether a panic of this thread is expected, and not to be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Lets threads choose to panic without a word.
fn quietly_here() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !QUIET.get() {
            hook(panic);
        }
    }));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_record_is_settled_in_order_and_for_a_reason() {
    let only = number("LAMBDA_ESM_PROPERTY_SEED");
    let cases = number("LAMBDA_ESM_PROPERTY_CASES").unwrap_or(3_000);
    let (first, end) = only.map_or((0, cases), |seed| (seed, seed + 1));
    let next = AtomicU64::new(first);
    let failing = AtomicU64::new(u64::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    quietly_here();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                QUIET.set(true);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.min(failing.load(Ordering::Relaxed)) {
                        return;
                    }
                    if fault(&Case::draw(seed), None).is_some() {
                        failing.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seed = failing.into_inner();
    let failure = (seed < u64::MAX).then(|| {
        QUIET.set(true);
        let case = Case::draw(seed);
        let text = fault(&case, None).unwrap_or_else(|| "nothing, the second time".to_owned());
        (text.clone(), simplest(case, text))
    });
    QUIET.set(false);
    if let Some((text, (case, simpler_text))) = failure {
        panic!(
            "{text}\nreplay with LAMBDA_ESM_PROPERTY_SEED={seed}\n\na simpler world: {case:#?}\n{}\n{simpler_text}",
            last_of(&case)
        );
    }
}

#[test]
fn the_same_world_twice_does_the_same() {
    for seed in 0..40 {
        let run = || {
            let mut play = Play::new(&Case::draw(seed));
            let trace = Trace::default();
            play.world.trace = Some(trace.clone());
            play.run();
            trace
        };
        assert!(run() == run(), "seed {seed}");
    }
}
