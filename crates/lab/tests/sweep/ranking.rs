//! Who is best, and what rules the others out.

use lambda_esm_lab::scenario::{Metric, Scenario};
use lambda_esm_lab::sweep::{Objective, Verdict};

use crate::world::{Seen, batch_size, below, plan, queue, ranking, swept, window};

/// Larger batches are cheaper and slower.
fn trade(scenario: &Scenario) -> Seen {
    match batch_size(scenario) {
        1 => seen(8.0, 100.0, 1_000),
        2 => seen(4.0, 900.0, 500),
        5 => seen(2.0, 2_000.0, 200),
        10 => seen(3.0, 3_000.0, 100),
        _ => seen(9.0, 9_000.0, 9),
    }
}

fn seen(cost: f64, p99: f64, invocations: u64) -> Seen {
    Seen {
        cost,
        p99,
        invocations,
        ..Seen::default()
    }
}

#[test]
fn the_cheapest_the_fastest_and_any_figure_either_way() {
    let mut most = Objective::least(Metric::Invocations);
    most.descending = true;
    let cases = [
        (
            Objective::CHEAPEST,
            ["BatchSize=5", "", "BatchSize=2", "BatchSize=1"],
        ),
        (
            Objective::FASTEST,
            ["BatchSize=1", "BatchSize=2", "BatchSize=5", ""],
        ),
        (
            Objective::least(Metric::Invocations),
            ["", "BatchSize=5", "BatchSize=2", "BatchSize=1"],
        ),
        (most, ["BatchSize=1", "BatchSize=2", "BatchSize=5", ""]),
    ];
    for (objective, wanted) in cases {
        let mut plan = plan(&["BatchSize=1,2,5"]);
        plan.objective = objective;
        let report = swept(&queue(), &plan, trade).unwrap();
        assert_eq!(ranking(&report), wanted, "{objective:?}");
    }
}

#[test]
fn who_breaks_a_constraint_is_told_all_of_them_and_comes_last_nearest_first() {
    let mut plan = plan(&["BatchSize=1,2,5"]);
    plan.constraints = vec![below(Metric::P99, 1_000.0), below(Metric::Cost, 5.0)];
    let report = swept(&queue(), &plan, trade).unwrap();
    let wanted = [
        "BatchSize=2",
        "BatchSize=1 !Cost 8",
        "BatchSize=5 !P99 2000",
        " !P99 3000",
    ];
    assert_eq!(ranking(&report), wanted);
    let fulfilled: Vec<usize> = report
        .constraints
        .iter()
        .map(|one| one.fulfilled_by)
        .collect();
    assert_eq!(fulfilled, [2, 3, 4, 4, 4]);
}

#[test]
fn equals_are_ordered_by_invocations_then_by_changes() {
    let axes = ["BatchSize=1,5,10", "MaximumBatchingWindowInSeconds=0,1"];
    let report = swept(&queue(), &plan(&axes), |scenario| {
        // Costs that differ in the seventh digit are equal.
        let tiny = if window(scenario) == 1 { 1e-7 } else { 0.0 };
        seen(
            1.0 + tiny,
            1.0,
            if batch_size(scenario) == 5 { 2 } else { 7 },
        )
    })
    .unwrap();
    let wanted = [
        "BatchSize=5",
        "BatchSize=5 MaximumBatchingWindowInSeconds=1",
        "",
        // One change is as good as another: they keep the order of the plan.
        "BatchSize=1",
        "MaximumBatchingWindowInSeconds=1",
        "BatchSize=1 MaximumBatchingWindowInSeconds=1",
    ];
    assert_eq!(ranking(&report), wanted);
}

#[test]
fn whoever_gives_records_up_or_leaves_them_behind_does_not_win() {
    let lazy = |scenario: &Scenario| match batch_size(scenario) {
        1 => Seen {
            cost: 0.1,
            dropped: 120,
            ..Seen::default()
        },
        2 => Seen {
            cost: 0.2,
            waiting: 60,
            ..Seen::default()
        },
        // No more than chance explains.
        5 => Seen {
            cost: 0.9,
            dropped: 130,
            waiting: 4,
            ..Seen::default()
        },
        _ => Seen {
            cost: 1.0,
            dropped: 100,
            waiting: 1,
            ..Seen::default()
        },
    };
    let mut plan = plan(&["BatchSize=1,2,5"]);
    let report = swept(&queue(), &plan, lazy).unwrap();
    let wanted = ["BatchSize=1", "BatchSize=5", "", "BatchSize=2 !Waiting 60"];
    assert_eq!(ranking(&report), wanted);
    assert!(
        report
            .constraints
            .iter()
            .all(|constraint| constraint.implied)
    );
    // Who says what may be given up is believed.
    plan.constraints = vec![below(Metric::Drops, 110.0), below(Metric::Waiting, 1e9)];
    let report = swept(&queue(), &plan, lazy).unwrap();
    let wanted = [
        "BatchSize=2",
        "",
        "BatchSize=1 !Drops 120",
        "BatchSize=5 !Drops 130",
    ];
    assert_eq!(ranking(&report), wanted);
}

#[test]
fn where_nothing_fits_the_hardest_constraint_and_the_nearest_are_told() {
    let mut plan = plan(&["BatchSize=1,2,5"]);
    plan.constraints = vec![below(Metric::Cost, 3.5), below(Metric::P99, 90.0)];
    let report = swept(&queue(), &plan, trade).unwrap();
    let Verdict::NothingFits { hardest, nearest } = report.verdict else {
        panic!("{:?}", report.verdict);
    };
    assert_eq!(report.constraints[hardest].expectation.metric, Metric::P99);
    assert_eq!(nearest, report.ranking[0]);
    assert_eq!(ranking(&report)[0], "BatchSize=5 !P99 2000");
}

#[test]
fn a_constraint_of_a_mapping_that_is_not_there_is_refused() {
    let mut plan = plan(&["BatchSize=1"]);
    plan.constraints = vec![below(Metric::P99, 1.0)];
    plan.constraints[0].mapping = Some("nobody".to_owned());
    let error = swept(&queue(), &plan, trade).unwrap_err();
    assert!(error.to_string().contains("orders -> worker"), "{error}");
}
