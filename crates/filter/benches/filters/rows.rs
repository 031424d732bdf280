//! The patterns to measure: for each data set and operator five of them.

use serde_json::{Value, json};

use crate::datasets::{COUNTRIES, FILES, SIZES, STATES};

/// One operator on one data set.
pub(crate) struct Row {
    pub(crate) dataset: usize,
    pub(crate) operator: &'static str,
    pub(crate) patterns: Vec<String>,
}

/// Where each data set keeps the fields that the patterns look at. Empty: it has none.
struct Places {
    country: &'static str,
    state: &'static str,
    size: &'static str,
    file: &'static str,
    address: &'static str,
    flag: &'static str,
    optional: &'static str,
    number: &'static str,
    /// Least and greatest value of `number`.
    range: (f64, f64),
    /// A number of few values.
    few: &'static str,
    /// Two fields of an array's elements, and values of the second.
    element: [&'static str; 2],
    seconds: [Value; 5],
}

fn places() -> [Places; 3] {
    let sizes = || [0, 1, 2, 3, 0].map(|index| Value::from(SIZES[index]));
    [
        Places {
            country: "properties.country",
            state: "properties.tags",
            size: "properties.mayor.party",
            file: "properties.sensor.file",
            address: "properties.sensor.address",
            flag: "properties.capital",
            optional: "properties.twin",
            number: "properties.population",
            range: (10_000.0, 5_000_000.0),
            few: "properties.stations.zone",
            element: ["properties.stations.line", "properties.stations.zone"],
            seconds: [1, 2, 3, 4, 1].map(Value::from),
        },
        Places {
            country: "body.customer.country",
            state: "body.state",
            size: "body.items.size",
            file: "body.invoice",
            address: "body.customer.address",
            flag: "body.customer.vip",
            optional: "body.coupon",
            number: "body.total",
            range: (0.0, 900.0),
            few: "body.items.quantity",
            element: ["body.items.quantity", "body.items.size"],
            seconds: sizes(),
        },
        Places {
            country: "dynamodb.NewImage.country.S",
            state: "dynamodb.NewImage.state.S",
            size: "dynamodb.NewImage.size.S",
            file: "dynamodb.NewImage.file.S",
            address: "dynamodb.NewImage.address.S",
            flag: "dynamodb.NewImage.vip.BOOL",
            optional: "dynamodb.NewImage.coupon.S",
            number: "dynamodb.ApproximateCreationDateTime",
            range: (1.7334e9, 1.7335e9),
            few: "",
            element: ["", ""],
            seconds: sizes(),
        },
    ]
}

pub(crate) fn all() -> Vec<Row> {
    let places = places();
    let rows = places.iter().enumerate().flat_map(|(dataset, places)| {
        of(places).into_iter().map(move |(operator, patterns)| Row {
            dataset,
            operator,
            patterns,
        })
    });
    rows.filter(|row| !row.patterns.is_empty()).collect()
}

fn of(places: &Places) -> Vec<(&'static str, Vec<String>)> {
    let Places {
        country,
        state,
        size,
        file,
        address,
        flag,
        optional,
        number,
        range,
        few,
        ..
    } = places;
    let step = (range.1 - range.0) / 5.0;
    let low = |index: usize| (range.0 + step * index as f64).round();
    let five = |path: &str, item: &dyn Fn(usize) -> Value| -> Vec<String> {
        let indices = if path.is_empty() { 0..0 } else { 0..5 };
        indices
            .map(|index| nest(&[(path, json!([item(index)]))]))
            .collect()
    };
    vec![
        (
            "equals string",
            five(country, &|index| json!(COUNTRIES[index])),
        ),
        ("equals number", five(few, &|index| json!(index + 1))),
        ("equals boolean", five(flag, &|index| json!(index % 2 == 0))),
        (
            "equals-ignore-case",
            five(
                size,
                &|index| json!({ "equals-ignore-case": SIZES[index % 4].to_lowercase() }),
            ),
        ),
        (
            "anything-but",
            five(
                state,
                &|index| json!({ "anything-but": [STATES[index], STATES[(index + 1) % 5], STATES[(index + 2) % 5]] }),
            ),
        ),
        (
            "numeric",
            five(
                number,
                &|index| json!({ "numeric": [">=", low(index), "<", low(index) + step.round()] }),
            ),
        ),
        (
            "exists true",
            five(optional, &|_| json!({ "exists": true })),
        ),
        (
            "exists false",
            five(optional, &|_| json!({ "exists": false })),
        ),
        (
            "prefix",
            five(
                country,
                &|index| json!({ "prefix": &COUNTRIES[index][..3] }),
            ),
        ),
        (
            "suffix",
            five(file, &|index| json!({ "suffix": FILES[index] })),
        ),
        (
            "wildcard",
            five(
                file,
                &|index| json!({ "wildcard": format!("*/*{}", FILES[index]) }),
            ),
        ),
        (
            "cidr",
            five(
                address,
                &|index| json!({ "cidr": format!("10.{}.0.0/16", index % 4) }),
            ),
        ),
        (
            "several fields",
            (0..5)
                .map(|index| {
                    nest(&[
                        (
                            country,
                            json!([
                                COUNTRIES[index],
                                COUNTRIES[index + 1],
                                COUNTRIES[(index + 2) % 6]
                            ]),
                        ),
                        (flag, json!([false])),
                        (number, json!([{ "numeric": [">", low(1)] }])),
                    ])
                })
                .collect(),
        ),
        ("array element", elements(places)),
    ]
}

fn elements(places: &Places) -> Vec<String> {
    let [first, second] = places.element;
    if first.is_empty() {
        return Vec::new();
    }
    let pattern = |(index, value): (usize, &Value)| {
        let either = if second.ends_with("zone") {
            json!(["U1", "U2"])
        } else {
            json!([1, index + 1])
        };
        nest(&[(first, either), (second, json!([value]))])
    };
    places.seconds.iter().enumerate().map(pattern).collect()
}

/// Makes a pattern of dotted paths.
fn nest(fields: &[(&str, Value)]) -> String {
    let mut pattern = json!({});
    for (path, list) in fields {
        let mut place = &mut pattern;
        for name in path.split('.') {
            place = &mut place[name];
        }
        *place = list.clone();
    }
    pattern.to_string()
}
