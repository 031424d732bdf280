//! Partitions that are assigned, asked back and lost.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::topic::{GroupEvent, Input, TopicPage};
use serde_json::json;

use crate::mapping::{QUEUE, provisioned};
use crate::world::{World, owned, record};

fn at_once() -> World {
    World::new(&json!({"MaximumBatchingWindowInSeconds": 0}))
}

#[test]
fn a_revoked_partition_that_is_idle_is_let_go_at_once() {
    let mut world = at_once();
    world.assign(0, 1, 5);
    world.revoke(0, 1);
    assert_eq!(world.let_gos, [(owned(0, 1), None)]);
    assert!(!world.machine.is_idle());
    world.left(0, 1);
    assert!(world.machine.is_idle());
}

#[test]
fn a_revoked_partition_stops_at_once_and_what_the_function_has_is_waited_for() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 2}));
    world.assign(0, 1, 0);
    world.page(0, 0..5);
    assert_eq!(world.places(0), [(0, 0), (0, 1)]);
    world.revoke(0, 1);
    assert!(world.let_gos.is_empty());
    world.succeed(0);
    assert_eq!(world.let_gos, [(owned(0, 1), Some(2))]);
    assert!(
        world.commits.is_empty(),
        "it is committed with the letting go"
    );
    world.pass(10_000);
    assert_eq!(world.calls.len(), 1);
    // The page that was on its way is for whoever has the partition now.
    world.page(0, 5..9);
    world.left(0, 1);
    world.pass(10_000);
    assert_eq!(world.calls.len(), 1);
    assert!(world.machine.is_idle());
}

#[test]
fn what_a_revoked_partition_has_gathered_is_neither_sent_nor_committed() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..3);
    world.page(1, 0..3);
    world.revoke(0, 1);
    assert_eq!(world.let_gos, [(owned(0, 1), None)]);
    world.pass(500);
    assert_eq!(world.places(0), [(1, 0), (1, 1), (1, 2)]);
}

#[test]
fn what_a_revoked_partition_has_read_and_not_drawn_is_not_committed() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 1}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.holds_turns = true;
    // Two lanes have a batch of 2 partitions; the others stand in line when lanes are freed.
    world.page(0, 0..3);
    world.page(1, 0..3);
    let both = vec![owned(0, 1), owned(1, 1)];
    world.give(Input::Group(GroupEvent::Revoking(both)));
    assert_eq!(world.let_gos, [(owned(0, 1), None), (owned(1, 1), None)]);
    assert!(world.commits.is_empty());
}

#[test]
fn a_revoked_partition_in_line_is_not_committed_past_what_was_not_drawn() {
    // One poller with one partition's worth of concurrency: the second partition waits in line.
    let mut world = World::of(crate::mapping::settings(
        lambda_esm_core::pacing::Pacing::Aws,
        &json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 2}),
    ));
    world.holds_turns = true;
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..3);
    world.page(1, 0..3);
    let both = vec![owned(0, 1), owned(1, 1)];
    world.give(Input::Group(GroupEvent::Revoking(both)));
    assert_eq!(world.let_gos, [(owned(0, 1), None), (owned(1, 1), None)]);
}

#[test]
fn of_a_failed_batch_a_revoked_partition_is_let_go_and_the_others_are_tried_again() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.page(1, 0..2);
    world.pass(500);
    world.revoke(1, 1);
    world.fail(0);
    assert_eq!(world.let_gos, [(owned(1, 1), None)]);
    world.pass(1_000);
    assert_eq!(world.places(1), [(0, 0), (0, 1)]);
}

#[test]
fn a_partition_that_is_revoked_while_its_batch_waits_for_a_retry_is_let_go_at_once() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.fail(0);
    world.revoke(0, 1);
    assert_eq!(world.let_gos, [(owned(0, 1), None)]);
    world.pass(60_000);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn records_on_their_way_to_the_destination_are_waited_for_before_letting_go() {
    let mut world = World::new(&provisioned(json!({
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    })));
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.fail(0);
    assert_eq!(world.deliveries.len(), 1);
    world.revoke(0, 1);
    assert!(world.let_gos.is_empty());
    world.deliver(Ok(()));
    assert_eq!(world.let_gos, [(owned(0, 1), Some(2))]);
}

#[test]
fn a_lost_partition_settles_delivers_and_commits_nothing_more() {
    let mut world = World::new(&provisioned(json!({
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    })));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.page(1, 0..2);
    world.lose(0, 1);
    world.lose(1, 1);
    world.succeed(0);
    world.fail(1);
    world.pass(60_000);
    assert!(world.commits.is_empty() && world.deliveries.is_empty() && world.let_gos.is_empty());
    assert!(world.machine.is_idle());
}

#[test]
fn a_delivery_of_a_lost_partition_is_not_tried_again() {
    let mut world = World::new(&provisioned(json!({
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    })));
    for (partition, waits) in [(0, true), (1, false)] {
        world.assign(partition, 1, 0);
        world.page(partition, 0..2);
        world.fail(usize::try_from(partition).unwrap());
        if waits {
            world.deliver(Err("away"));
        }
        world.lose(partition, 1);
        if !waits {
            world.deliver(Err("away"));
        }
        world.pass(60_000);
        assert!(world.deliveries.is_empty());
        assert!(world.machine.is_idle());
    }
}

#[test]
fn a_lost_partition_that_is_revoked_no_more_is_not_let_go() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.revoke(0, 1);
    world.lose(0, 1);
    world.succeed(0);
    assert!(world.let_gos.is_empty() && world.commits.is_empty());
}

#[test]
fn a_late_answer_of_an_old_epoch_changes_nothing() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.lose(0, 1);
    world.assign(0, 4, 0);
    world.page(0, 0..2);
    assert_eq!(world.places(1), [(0, 0), (0, 1)]);
    world.succeed(0);
    assert!(world.commits.is_empty(), "{:?}", world.commits);
    world.succeed(1);
    assert_eq!(world.commit(), [(0, 2)]);
}

#[test]
fn a_late_commit_of_an_old_epoch_changes_nothing() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.succeed(0);
    world.lose(0, 1);
    world.assign(0, 2, 0);
    world.commit();
    world.page(0, 0..2);
    world.succeed(1);
    assert_eq!(world.commit(), [(0, 2)]);
}

#[test]
fn a_page_of_an_old_epoch_is_discarded() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    let (late, _) = world.fetches.remove(&owned(0, 1)).unwrap();
    world.lose(0, 1);
    world.assign(0, 2, 7);
    let page = TopicPage::new(vec![record(0, world.now)], Some(1));
    world.give(Input::Fetched {
        id: late,
        result: Ok(page),
    });
    assert!(world.calls.is_empty());
    world.page(0, 7..8);
    assert_eq!(world.places(0), [(0, 7)]);
}

#[test]
fn records_of_a_stale_assignment_are_discarded() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.lose(0, 1);
    world.assign(0, 2, 1);
    world.page(0, 1..3);
    world.pass(500);
    assert_eq!(world.places(0), [(0, 1), (0, 2)]);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn an_assignment_that_is_older_than_the_one_at_hand_is_ignored() {
    let mut world = at_once();
    world.assign(0, 3, 5);
    world.assign(0, 2, 0);
    world.revoke(0, 2);
    world.lose(0, 2);
    world.page(0, 5..6);
    assert_eq!(world.places(0), [(0, 5)]);
}

#[test]
fn a_partition_that_is_asked_back_is_committed_only_by_letting_go() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.page(1, 0..2);
    world.pass(500);
    world.succeed(0);
    assert_eq!(world.commits[0].1, [(0, 2), (1, 2)]);
    world.fail_commit(SourceErrorKind::Throttled);
    world.revoke(0, 1);
    world.pass(1_000);
    assert_eq!(world.commits[0].1, [(1, 2)]);
    assert_eq!(world.let_gos, [(owned(0, 1), Some(2))]);
}

#[test]
fn a_commit_that_fails_in_a_rebalance_is_tried_again_and_is_no_problem() {
    for kind in [SourceErrorKind::Throttled, SourceErrorKind::Expired] {
        let mut world = at_once();
        world.assign(0, 1, 0);
        world.page(0, 0..2);
        world.succeed(0);
        for _ in 0..20 {
            world.fail_commit(kind);
            assert_eq!(world.machine.status().function_problem, None);
            world.pass(250);
        }
        assert_eq!(world.commit(), [(0, 2)]);
    }
}

#[test]
fn letting_go_that_fails_is_told_and_over() {
    let mut world = at_once();
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.revoke(0, 1);
    world.succeed(0);
    world.give(Input::LetGo {
        owned: owned(0, 1),
        result: Err(SourceError::new(SourceErrorKind::Expired, "too late")),
    });
    assert!(world.decided(|decision| matches!(decision, Decision::CommitFailed { .. })));
    assert!(world.machine.is_idle());
}

#[test]
fn what_is_wrong_with_the_group_shows_until_it_has_recovered() {
    let mut world = at_once();
    let problem = SourceError::new(SourceErrorKind::Denied, "b-1 refuses the password");
    let problem = problem.with_reason(ReasonCode::Authentication);
    world.give(Input::Group(GroupEvent::Problem(problem)));
    let shown = world.machine.status();
    let text = shown.source_problem.as_deref();
    assert_eq!(text, Some("b-1 refuses the password"));
    assert_eq!(shown.source_reason, Some(ReasonCode::Authentication));
    assert!(!world.machine.has_begun());
    world.give(Input::Group(GroupEvent::Recovered));
    let shown = world.machine.status();
    assert_eq!((shown.source_problem, shown.source_reason), (None, None));
    world.give(Input::Group(GroupEvent::Assigned(Vec::new())));
    assert!(world.machine.has_begun());
}
