//! Figures beside each other.

use std::collections::BTreeMap;

use serde_json::Value;

/// By how much a simulation may differ.
pub(crate) const AGREES: f64 = 0.15;
/// The figures of a report's first mapping that are compared.
struct Figures {
    arrived: f64,
    invocations_per_record: f64,
    mean_batch: f64,
    /// How large a share of the invocations had so many records.
    sizes: BTreeMap<u64, f64>,
    p50: f64,
    p99: f64,
}

impl Figures {
    fn of(report: &Value) -> Self {
        let mapping = &report["mappings"][0];
        let number = |value: &Value| value.as_f64().unwrap();
        let sizes: BTreeMap<u64, f64> = mapping["batch_sizes"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(size, count)| (size.parse().unwrap(), number(count)))
            .collect();
        let invocations: f64 = sizes.values().sum();
        let records: f64 = sizes.iter().map(|(size, count)| *size as f64 * count).sum();
        Self {
            arrived: number(&mapping["records"]["arrived"]),
            invocations_per_record: invocations / records,
            mean_batch: records / invocations,
            sizes: sizes
                .into_iter()
                .map(|(size, count)| (size, count / invocations))
                .collect(),
            p50: number(&mapping["latency"]["p50"]),
            p99: number(&mapping["latency"]["p99"]),
        }
    }

    /// Returns the share of invocations that would have to have another size, for both to be distributed alike. Sizes of 10
    /// and more are taken in tens.
    fn distance(&self, other: &Self) -> f64 {
        let classes = |figures: &Self| {
            let mut classes: BTreeMap<u64, f64> = BTreeMap::new();
            for (size, share) in &figures.sizes {
                let class = if *size > 10 {
                    size.div_ceil(10) * 10
                } else {
                    *size
                };
                *classes.entry(class).or_default() += share;
            }
            classes
        };
        let (one, two) = (classes(self), classes(other));
        let all = one
            .keys()
            .chain(two.keys().filter(|size| !one.contains_key(size)));
        let share = |of: &BTreeMap<u64, f64>, size| of.get(size).copied().unwrap_or_default();
        all.map(|size| (share(&one, size) - share(&two, size)).abs())
            .sum::<f64>()
            / 2.0
    }
}

/// Prints both beside each other. Fails where as many records take other numbers of invocations, or where batch sizes
/// differ in more than `spread` of the invocations. Without one it is only certain that a simulation's batches are no
/// larger: its calls take no time, in which more would arrive.
pub(crate) fn compare(what: &str, simulated: &Value, measured: &Value, spread: Option<f64>) {
    let (one, two) = (Figures::of(simulated), Figures::of(measured));
    println!("{what:<24} simulated  measured");
    for (name, one, two) in [
        ("records", one.arrived, two.arrived),
        (
            "invocations per record",
            one.invocations_per_record,
            two.invocations_per_record,
        ),
        ("records per invocation", one.mean_batch, two.mean_batch),
        ("p50 in ms", one.p50, two.p50),
        ("p99 in ms", one.p99, two.p99),
    ] {
        println!(
            "{name:<24} {one:>9.3} {two:>9.3}  {:+.1} %",
            (one / two - 1.0) * 100.0
        );
    }
    let distance = one.distance(&two);
    println!(
        "batch sizes differ in {:.1} % of the invocations",
        distance * 100.0
    );
    let Some(spread) = spread else {
        let most = two.mean_batch * (1.0 + AGREES);
        assert!(one.mean_batch <= most, "simulated batches are larger");
        return;
    };
    let apart = (one.invocations_per_record / two.invocations_per_record - 1.0).abs();
    assert!(apart <= AGREES, "invocations differ");
    assert!(
        distance <= spread,
        "batch sizes differ: {:?} {:?}",
        one.sizes,
        two.sizes
    );
}

/// Up to where the simulated figure is meant that the 99th percentile may reach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latest {
    /// The 99th percentile.
    P99,
    /// The latest record: where one delay decides on the 99th percentile of a short measurement.
    Max,
}

/// Fails where records are later or earlier than simulated by more than the share `apart`, and by two calls beside that: the one
/// that puts a record takes no time in a simulation, and one that receives as much as one that deletes, which alone is measured.
pub(crate) fn check_latency(simulated: &Value, measured: &Value, apart: f64, latest: Latest) {
    let figure = |report: &Value, name: &str| {
        let latency = &report["mappings"][0]["latency"];
        latency[name].as_f64().unwrap()
    };
    for name in ["p50", "p90", "p99"] {
        let (one, two) = (figure(simulated, name), figure(measured, name));
        let call = measured["sources"][0]["call_time"][name].as_f64();
        let slack = apart * two + 2.0 * call.unwrap();
        let most = match latest {
            Latest::Max if name == "p99" => figure(simulated, "max"),
            _ => one,
        };
        println!("{name} is {two:.0} ms, simulated {one:.0}; {slack:.0} more or less are allowed");
        assert!(
            (one - slack..=most + slack).contains(&two),
            "{name} is {two} ms, and simulated {one} ms, at most {most}"
        );
    }
}

/// Fails unless all records that arrived were processed, but for those of one receive at most, whose answer may be lost on
/// its way: they are there again after their visibility timeout. Something is told of warm-up.
pub(crate) fn check_whole(report: &Value) {
    let records = &report["mappings"][0]["records"];
    let number = |name: &str| records[name].as_u64().unwrap();
    assert_eq!(
        number("processed") + number("waiting"),
        number("arrived"),
        "{records}"
    );
    assert!(number("waiting") <= 10 && number("lost") == 0, "{records}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("warm-up"), "{notes}");
    assert!(!notes.contains("records of others"), "{notes}");
}
