//! The whole machine in random worlds: a function that fails, is throttled and slow, sessions that end at any moment,
//! settlements that fail, drains, crashes, changed settings. Whatever happens, what `ledger` checks holds, and in the end
//! every message is accepted, or rejected for a reason.

mod broker;
mod case;
mod host;
mod ledger;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::Config;

use case::Case;
use host::Host;

fn cases() -> u32 {
    let wanted = std::env::var("LAMBDA_ESM_PROPERTY_CASES");
    wanted
        .ok()
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or(300)
}

proptest! {
    #![proptest_config(Config {
        cases: cases(),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn every_message_is_accepted_or_rejected_for_a_reason(case in case::any()) {
        let mut host = Host::new(&case);
        host.play(&case);
        host.finish();
    }
}

#[test]
fn the_same_world_twice_does_the_same() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..20 {
        let case: Case = case::any().new_tree(&mut runner).unwrap().current();
        let run = || {
            let mut host = Host::new(&case);
            host.play(&case);
            host.finish();
            host.trace
        };
        assert!(run() == run(), "{case:?}");
    }
}
