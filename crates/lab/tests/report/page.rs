//! The page: well-formed, self-contained, safe with hostile texts, and small.

use lambda_esm_lab::report::{Report, html};

use crate::build;
use crate::parse::{Page, parse};
use crate::timelines::timeline;

/// A report with all there may be.
pub(crate) fn full() -> Report {
    let mut report = build::full();
    report.timelines = vec![
        timeline("clicks -> index", 4, 160),
        timeline("orders -> charge", 6, 60),
    ];
    report
}

/// The largest report that there is: 10 mappings, 240 steps, 1,500 batches.
pub(crate) fn largest() -> Report {
    let labels: Vec<String> = (0..10)
        .map(|at| format!("stream-of-orders-{at} -> charge-and-ship-{at}"))
        .collect();
    let mut report = build::of(labels.iter().map(|label| build::failing(label)).collect());
    for (at, series) in report.series.mappings.iter_mut().enumerate() {
        // Curves that wander take the most room.
        for (step, value) in series.backlog.iter_mut().enumerate() {
            *value = (step as u64 * 7_919 + at as u64 * 104_729) % 100_003;
        }
        series.age_ms = series
            .backlog
            .iter()
            .map(|value| value * 13 % 60_013)
            .collect();
        series.processed = series
            .backlog
            .iter()
            .map(|value| 1_000 + value % 977)
            .collect();
    }
    report.timelines = labels.iter().map(|label| timeline(label, 4, 154)).collect();
    build::answered(report)
}

/// Texts that would do harm as markup.
const HOSTILE: &str =
    "</script><script>alert(1)</script><!-- \"'><img src=x onerror=alert(2)> &amp; \u{202e}";

/// A report full of such texts.
pub(crate) fn hostile() -> Report {
    let mut report = full();
    let text = || HOSTILE.to_owned();
    report.name = text();
    for (at, mapping) in report.mappings.iter_mut().enumerate() {
        mapping.label = format!("{HOSTILE}{at}");
        mapping.source = text();
        mapping.function = text();
        mapping.configuration = serde_json::json!({ HOSTILE: HOSTILE });
        mapping.batch_reasons.insert(text(), 3);
        mapping.decisions.insert(text(), 3);
        mapping.records.dropped.insert(text(), 3);
        mapping.records.dead_lettered.insert(text(), 3);
    }
    report.functions[0].name = text();
    report.sources[0].name = text();
    report.sources[0].arn = text();
    report.sources[0].calls.insert(text(), 3);
    report.costs[0].of = text();
    report.costs[0].unit = text();
    report.expectations[0].expectation.mapping = Some(text());
    report.notes.push(text());
    for (at, timeline) in report.timelines.iter_mut().enumerate() {
        timeline.mapping = format!("{HOSTILE}{at}");
        timeline.lanes[0].name = text();
        timeline.batches[0].reason = text();
        timeline.batches[0].log[0].text = text();
    }
    build::answered(report)
}

/// Parses a page, and asserts what holds for each.
pub(crate) fn checked(report: &Report) -> Page {
    let text = html(report);
    let page = parse(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    for element in &page.elements {
        for (name, value) in &element.attributes {
            assert!(
                !name.starts_with("on") && name != "style",
                "{} has {name}",
                element.name
            );
            if [
                "src",
                "href",
                "xlink:href",
                "action",
                "data",
                "poster",
                "srcset",
            ]
            .contains(&name.as_str())
            {
                assert!(
                    value.starts_with('#') || value == "data:,",
                    "{} {name}={value}",
                    element.name
                );
            }
        }
        for outside in [
            "img", "iframe", "object", "embed", "base", "form", "audio", "video", "use", "image",
        ] {
            assert_ne!(element.name, outside);
        }
    }
    assert_eq!(page.all("script").count(), 2, "the data and the page's own");
    assert_eq!(page.all("link").count(), 1);
    let style = &page.all("style").next().unwrap().text;
    assert!(!style.contains("url(") && !style.contains("@import"));
    let mut ids: Vec<_> = page
        .elements
        .iter()
        .filter_map(|each| each.attribute("id"))
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice");
    for element in &page.elements {
        for name in ["aria-labelledby", "href"] {
            let Some(target) = element.attribute(name).filter(|target| *target != "data:,") else {
                continue;
            };
            let target = target.trim_start_matches('#');
            assert!(ids.contains(&target), "nothing has the id {target}");
        }
    }
    page
}

fn data(page: &Page) -> serde_json::Value {
    let data = page
        .all("script")
        .find(|each| each.attribute("type") == Some("application/json"))
        .unwrap();
    serde_json::from_str(&data.text).unwrap()
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    for report in [
        build::empty(),
        build::answered(build::empty()),
        full(),
        largest(),
    ] {
        checked(&report);
    }
}

#[test]
fn answers_come_first_and_all_there_is_has_its_heading() {
    let page = checked(&full());
    let headings: Vec<_> = page.all("h2").map(|each| each.text.as_str()).collect();
    assert_eq!(
        headings,
        [
            "In short",
            "Expectations",
            "orders -> charge",
            "clicks -> index",
            "events -> audit",
            "Functions, sources and costs",
            "Notes"
        ]
    );
    assert_eq!(page.all("article").count(), 4);
    assert!(page.all("table").count() == page.all("caption").count());
    // Four charts of each mapping, and a fifth of the one that has errors.
    assert_eq!(page.all("figure").count(), 3 * 4 + 1);
    assert!(
        page.elements
            .iter()
            .filter(|each| each.attribute("role") == Some("img"))
            .all(|each| each.attribute("aria-label").is_some())
    );
}

#[test]
fn hostile_texts_stay_texts() {
    let page = checked(&hostile());
    assert_eq!(page.all("h1").next().unwrap().text, HOSTILE);
    let data = data(&page);
    assert_eq!(data["timelines"][0]["mapping"], format!("{HOSTILE}0"));
    assert_eq!(data["timelines"][0]["lanes"][0], HOSTILE);
    assert_eq!(data["timelines"][0]["batches"][0][4], HOSTILE);
}

#[test]
fn the_policy_allows_this_style_and_this_script_only() {
    let page = checked(&full());
    let policy = page
        .all("meta")
        .find(|each| each.attribute("http-equiv") == Some("Content-Security-Policy"))
        .and_then(|each| each.attribute("content"))
        .unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
}

#[test]
fn each_batch_is_in_the_data_with_its_log() {
    let report = full();
    let page = checked(&report);
    let data = data(&page);
    let batches = data["timelines"][0]["batches"].as_array().unwrap();
    assert_eq!(batches.len(), report.timelines[0].batches.len());
    for (seen, batch) in batches.iter().zip(&report.timelines[0].batches) {
        assert_eq!(
            (seen[0].as_u64(), seen[1].as_u64()),
            (Some(batch.id), batch.parent)
        );
        assert_eq!(seen[7].as_array().map(Vec::len), Some(batch.attempts.len()));
        for (line, told) in seen[8].as_array().unwrap().iter().zip(&batch.log) {
            let pattern = data["patterns"][line[1].as_u64().unwrap() as usize]
                .as_str()
                .unwrap();
            let mut numbers = line[2].as_array().unwrap().iter();
            let parts: Vec<&str> = pattern.split('\u{1}').collect();
            let mut text = parts[0].to_owned();
            for part in &parts[1..] {
                text.push_str(&format!("{}{part}", numbers.next().unwrap()));
            }
            assert_eq!(text, told.text);
        }
    }
    let places: Vec<_> = page
        .elements
        .iter()
        .filter_map(|each| each.attribute("data-timeline"))
        .collect();
    assert_eq!(places, ["1", "0"], "each beside its mapping");
}

#[test]
fn the_largest_page_is_well_under_a_megabyte() {
    let report = largest();
    let batches: usize = report.timelines.iter().map(|each| each.batches.len()).sum();
    assert!(batches >= 1_500, "{batches}");
    let length = html(&report).len();
    assert!(length < 700_000, "{length} bytes");
}

#[test]
fn the_same_report_gives_the_same_page() {
    assert!(html(&full()) == html(&full()));
}
