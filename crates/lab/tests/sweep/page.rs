//! The page of a sweep.

use std::path::Path;

use lambda_esm_lab::scenario::{Metric, Scenario};
use lambda_esm_lab::sweep::{SweepReport, html};
use serde_json::json;

use crate::parse::{Page, parse};
use crate::world::{Seen, batch_size, below, plan, queue, swept, window};

fn model(scenario: &Scenario) -> Seen {
    let (size, window) = (batch_size(scenario) as f64, window(scenario) as f64);
    let filled = size.min(1.0 + 40.0 * window);
    Seen {
        cost: 0.2 + 8.0 / filled,
        p99: 80.0 + 20.0 * filled + 1_000.0 * window,
        invocations: (10_000.0 / filled) as u64,
        ..Seen::default()
    }
}

fn report(scenario: &Scenario, sizes: usize, windows: usize) -> SweepReport {
    let mut plan = plan(&["BatchSize=1", "MaximumBatchingWindowInSeconds=0"]);
    plan.axes[0].values = (1..=sizes).map(|size| json!(size * size)).collect();
    plan.axes[1].values = (0..windows).map(|window| json!(window)).collect();
    plan.constraints = vec![below(Metric::P99, 5_000.0)];
    swept(scenario, &plan, model).unwrap()
}

fn checked(text: &str) -> Page {
    let page = parse(text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    for name in ["script", "img", "iframe", "object", "form", "use", "image"] {
        assert_eq!(page.all(name).count(), 0, "{name}");
    }
    let link = page.all("link").next().unwrap();
    assert_eq!(link.attribute("href"), Some("data:,"));
    for element in &page.elements {
        for (name, _) in &element.attributes {
            let active = name.starts_with("on") || name == "style" || name == "src";
            assert!(!active, "{} has {name}", element.name);
        }
    }
    let style = &page.all("style").next().unwrap().text;
    assert!(!style.contains("url(") && !style.contains("@import"));
    page
}

#[test]
fn the_page_has_the_change_the_picture_and_the_table_and_needs_nothing_else() {
    let text = html(&report(&queue(), 12, 6));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("sweep.html"), &text).unwrap();
    let page = checked(&text);
    let headings: Vec<&str> = page.all("h2").map(|each| each.text.as_str()).collect();
    let wanted = [
        "In short",
        "What there is to choose",
        "Configurations",
        "Not simulated",
    ];
    assert_eq!(headings, wanted);
    let inserted: Vec<&str> = page.all("ins").map(|each| each.text.as_str()).collect();
    assert_eq!(inserted.len(), 2, "{inserted:?}");
    assert!(page.all("circle").count() > 30);
    // A header, and a row for each but those nine that need a window.
    assert_eq!(page.all("tr").count(), 1 + 73 - 9);
}

#[test]
fn the_largest_sweep_makes_a_page_well_under_a_megabyte() {
    let text = html(&report(&queue(), 95, 105));
    checked(&text);
    assert!(text.len() < 700_000, "{} bytes", text.len());
}

#[test]
fn hostile_names_stay_texts() {
    let mut scenario = queue();
    scenario.name = "</title><script>alert(1)</script>".to_owned();
    scenario.mappings[0].label = "<img src=x onerror=alert(1)>".to_owned();
    checked(&html(&report(&scenario, 12, 6)));
}
