//! What a terminal shows.

use lambda_esm_lab::scenario::{Metric, Scenario};
use lambda_esm_lab::sweep::{SweepReport, diff_lines, text};
use serde_json::json;

use crate::world::{Seen, batch_size, below, plan, queue, swept, window};

fn bulk(scenario: &Scenario) -> Seen {
    let bulk = batch_size(scenario) > 10;
    Seen {
        cost: if bulk { 4.0 } else { 10.0 } + 0.1 * window(scenario) as f64,
        p99: 200.0 + 950.0 * window(scenario) as f64,
        invocations: if bulk { 13 } else { 100 },
        ..Seen::default()
    }
}

fn report(constraint: f64) -> SweepReport {
    let axes = ["BatchSize=10,100", "MaximumBatchingWindowInSeconds=0,2,5"];
    let mut plan = plan(&axes);
    plan.constraints = vec![below(Metric::P99, constraint)];
    swept(&queue(), &plan, bulk).unwrap()
}

#[test]
fn the_change_comes_first_then_its_diff_and_commands_then_the_table() {
    let text = text(&report(3_000.0), 100, false);
    let wanted = [
        "A queue\n",
        "6 configurations with seed 7, 2 ruled out, 1 refused; the cheapest first; p99 latency < 3 s,",
        "✓  Change BatchSize 10 → 100, MaximumBatchingWindowInSeconds 0 → 2.",
        "It buys: 87 % fewer invocations, p99 latency + 1.9 s, 58 % cheaper.",
        "It holds with all 5 seeds: the cost is 42 % of what it was.",
        "\norders -> worker\n",
        "  -   \"BatchSize\": 10,\n  +   \"BatchSize\": 100,\n",
        "\nIn AWS\n  aws lambda update-event-source-mapping",
        "--batch-size 100 --maximum-batching-window-in-seconds 2",
        "\nConfigurations\n",
        "recommended, front",
        "as today",
        "✗ p99 latency",
        "\nNot simulated\n",
        "1 ×",
    ];
    let mut rest = text.as_str();
    for part in wanted {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("{part:?} is not, or not there, in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn where_nothing_fits_the_hardest_and_the_nearest_are_named() {
    let text = text(&report(100.0), 200, false);
    let wanted = [
        "✗  Nothing fulfils the constraints.",
        "The hardest is p99 latency < 100 ms: 0 of 5 configurations fulfil it.",
        "The nearest is the scenario's own, which breaks p99 latency < 100 ms (was 200 ms).",
    ];
    for part in wanted {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn twenty_configurations_are_shown_unless_all_are_wanted() {
    let plan = plan(&[
        r#"BatchSize={"from":1,"to":10,"steps":10}"#,
        "timeout=10,20,30",
    ]);
    let report = swept(&queue(), &plan, bulk).unwrap();
    let rows = |text: &str| text.lines().filter(|line| line.contains("200 ms")).count();
    let short = text(&report, 150, false);
    assert_eq!(rows(&short), 20, "{short}");
    assert!(short.contains("… and 10 more; --all shows them"), "{short}");
    assert_eq!(rows(&text(&report, 150, true)), 30);
}

#[test]
fn nothing_of_a_scenario_steers_the_terminal() {
    let mut scenario = queue();
    scenario.name = "red \u{1b}[31m".to_owned();
    scenario.mappings[0].label = "orders\u{1b}[2J -> worker".to_owned();
    let axes = ["BatchSize=10,100", "MaximumBatchingWindowInSeconds=0,2"];
    let report = swept(&scenario, &plan(&axes), bulk).unwrap();
    let text = text(&report, 100, true);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("orders\\u{1b}"), "{text}");
}

#[test]
fn a_diff_has_a_line_for_each_member_of_either() {
    let before = json!({ "A": 1, "B": { "C": 2 }, "D": 3 });
    let after = json!({ "A": 1, "B": { "C": 5 }, "E": 4 });
    let wanted = [
        "  {",
        "    \"A\": 1,",
        "-   \"B\": {\"C\":2},",
        "+   \"B\": {\"C\":5},",
        "-   \"D\": 3,",
        "+   \"E\": 4,",
        "  }",
    ];
    assert_eq!(diff_lines(&before, &after), wanted);
}
