//! Which offsets are committed, and when.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::topic::{TopicPage, Watermarks};
use serde_json::json;

use crate::world::{World, record};

const EVEN: &str = r#"{"value":{"n":[1]}}"#;

fn at_once() -> World {
    World::new(&json!({"MaximumBatchingWindowInSeconds": 0}))
}

#[test]
fn a_page_of_which_nothing_passes_the_filter_is_committed() {
    let mut world = World::new(&json!({
        "FilterCriteria": {"Filters": [{"Pattern": EVEN}]}
    }));
    world.assign(0, 1, 0);
    world.page(0, 0..4);
    assert_eq!(world.commit(), [(0, 4)]);
    assert!(world.calls.is_empty());
    let skipped = |decision: &Decision| matches!(decision, Decision::Skipped { records: 4, .. });
    assert!(world.decided(skipped));
    world.pass(10_000);
    assert!(world.calls.is_empty() && world.commits.is_empty());
}

#[test]
fn the_position_passes_what_no_consumer_sees() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    let records = vec![record(0, world.now), record(5, world.now)];
    world.fetched(0, Ok(TopicPage::new(records, Some(9))));
    assert!(world.commits.is_empty());
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 9)]);
    world.fetched(0, Ok(TopicPage::new(Vec::new(), Some(11))));
    assert_eq!(world.commit(), [(0, 11)]);
}

#[test]
fn the_position_does_not_pass_what_the_function_has() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.fetched(0, Ok(TopicPage::new(Vec::new(), Some(30))));
    assert!(world.commits.is_empty());
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 30)]);
}

#[test]
fn what_is_settled_meanwhile_goes_with_the_next_commit() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.page(1, 0..3);
    world.succeed(0);
    world.succeed(1);
    assert_eq!(world.commit(), [(0, 2)]);
    assert_eq!(world.commit(), [(1, 3)]);
}

#[test]
fn a_commit_that_fails_is_tried_again_and_shows_until_one_succeeds() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.succeed(0);
    world.fail_commit(SourceErrorKind::Denied);
    let shown = world.machine.status().function_problem.unwrap();
    assert_eq!(shown, "offsets cannot be committed: not now");
    assert!(world.commits.is_empty());
    world.pass(200);
    assert_eq!(world.commit(), [(0, 2)]);
    assert_eq!(world.machine.status().function_problem, None);
    let told = |decision: &Decision| {
        matches!(decision, Decision::OffsetCommitted { shard, offset: 2, events: 2, .. }
            if shard.as_str() == "orders-0")
    };
    assert!(world.decided(told));
}

#[test]
fn offsets_that_go_back_mean_a_topic_made_anew() {
    let mut world = at_once();
    world.assign(0, 1, 100);
    world.page(0, 100..102);
    world.page(0, 0..2);
    assert!(
        world
            .decided(|decision| matches!(decision, Decision::StreamRecreated { abandoned: 2, .. }))
    );
    // The old topic's batch settles nothing of the new one.
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 0)]);
    assert_eq!(world.places(1), [(0, 0), (0, 1)]);
    world.succeed(1);
    assert_eq!(world.commit(), [(0, 2)]);
}

#[test]
fn records_that_the_log_no_longer_held_are_told_of() {
    let mut world = at_once();
    world.logs = vec![Watermarks {
        partition: 0,
        low: 8,
        high: 12,
    }];
    world.assign(0, 1, 3);
    world.page(0, 8..10);
    world.pass(1_000);
    let told = |decision: &Decision| {
        matches!(decision, Decision::RecordsExpired { because, .. }
            if because == "offsets 3 to 7 are not retained any more")
    };
    assert!(world.decided(told));
    world.succeed(0);
    assert_eq!(world.commit_all(), [(0, 10)]);
}

#[test]
fn a_hole_in_a_log_that_still_holds_it_is_no_expiry() {
    let mut world = at_once();
    world.logs = vec![Watermarks {
        partition: 0,
        low: 3,
        high: 12,
    }];
    world.assign(0, 1, 3);
    world.page(0, [8, 11]);
    world.pass(1_000);
    assert!(!world.decided(|decision| matches!(decision, Decision::RecordsExpired { .. })));
}

#[test]
fn a_partition_without_a_committed_offset_begins_with_what_is_read() {
    let mut world = at_once();
    world.assign(0, 1, None);
    world.page(0, 40..42);
    assert_eq!(world.commit(), [(0, 40)]);
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 42)]);
}

#[test]
fn nothing_is_committed_of_a_partition_of_which_nothing_is_known() {
    let mut world = at_once();
    world.assign(0, 1, None);
    world.fetched(0, Ok(TopicPage::default()));
    world.pass(2_000);
    assert!(world.commits.is_empty());
    world.revoke(0, 1);
    assert_eq!(world.let_gos[0].1, None);
}
