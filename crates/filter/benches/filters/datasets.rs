//! Generated events of about 1 KB, the same in every run.

use fastrand::Rng;
use serde_json::{Value, json};

/// Events per data set: enough that branch predictors cannot learn them by heart.
const EVENTS: usize = 500;

pub(crate) const COUNTRIES: [&str; 6] = ["Norway", "Peru", "Kenya", "Japan", "Canada", "Greece"];
pub(crate) const STATES: [&str; 5] = ["PENDING", "PAID", "SHIPPED", "RETURNED", "CANCELLED"];
pub(crate) const SIZES: [&str; 4] = ["small", "Medium", "LARGE", "x-large"];
pub(crate) const FILES: [&str; 5] = [".png", ".jpg", ".csv", ".json", ".parquet"];

/// A named list of events as JSON text.
pub(crate) struct Dataset {
    pub(crate) name: &'static str,
    pub(crate) events: Vec<Vec<u8>>,
}

pub(crate) fn all() -> [Dataset; 3] {
    let mut rng = Rng::with_seed(7);
    [
        ("city", city as fn(&mut Rng) -> String),
        ("sqs", sqs),
        ("dynamodb", dynamodb),
    ]
    .map(|(name, event)| Dataset {
        name,
        events: (0..EVENTS).map(|_| event(&mut rng).into_bytes()).collect(),
    })
}

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

fn word(rng: &mut Rng, length: std::ops::Range<usize>) -> String {
    let length = rng.usize(length);
    (0..length).map(|_| rng.alphanumeric()).collect()
}

fn id(rng: &mut Rng) -> String {
    let (high, low) = (rng.u64(..), rng.u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high as u32,
        high >> 48,
        low >> 52,
        low & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

fn address(rng: &mut Rng) -> String {
    format!("10.{}.{}.{}", rng.u8(..4), rng.u8(..), rng.u8(..))
}

/// A nested record about a city.
fn city(rng: &mut Rng) -> String {
    let stations: Vec<String> = (0..3)
        .map(|_| {
            format!(
                r#"{{"line":"U{}","zone":{},"lifts":{}}}"#,
                rng.u8(1..5),
                rng.u8(1..5),
                rng.bool(),
            )
        })
        .collect();
    let outline: Vec<String> = (0..8)
        .map(|_| format!("[{:.6},{:.6}]", rng.f64() * 180.0, rng.f64() * 90.0))
        .collect();
    let twin = if rng.u8(..4) == 0 {
        format!(r#""twin":"{}","#, word(rng, 5..12))
    } else {
        String::new()
    };
    format!(
        r#"{{"id":"{}","type":"Feature","bbox":[{:.4},{:.4},{:.4},{:.4}],"geometry":{{"type":"Polygon","coordinates":[[{}]]}},"properties":{{"name":"{}","country":"{}","population":{},"area":{:.2},"elevation":{},"capital":{},"founded":{},{twin}"mayor":{{"name":"{} \"{}\" {}","party":"{}","since":"20{:02}-0{}-1{}"}},"stations":[{}],"tags":["{}","{}"],"sensor":{{"address":"{}","file":"{}/{}{}","reading":{{"temperature":{:.1},"unit":"C"}}}}}},"license":"CC-BY-4.0","source":"https://example.org/cities/{}"}}"#,
        id(rng),
        rng.f64(),
        rng.f64(),
        rng.f64(),
        rng.f64(),
        outline.join(","),
        word(rng, 5..14),
        pick(rng, &COUNTRIES),
        rng.u32(10_000..5_000_000),
        rng.f64() * 900.0,
        rng.i32(-10..3000),
        rng.u8(..4) == 0,
        if rng.u8(..3) == 0 {
            "null".to_owned()
        } else {
            rng.u16(800..1950).to_string()
        },
        word(rng, 4..9),
        word(rng, 3..6),
        word(rng, 5..11),
        pick(rng, &SIZES),
        rng.u8(10..25),
        rng.u8(1..10),
        rng.u8(..10),
        stations.join(","),
        pick(rng, &STATES),
        word(rng, 4..9),
        address(rng),
        word(rng, 5..9),
        word(rng, 8..20),
        pick(rng, &FILES),
        rng.f64() * 40.0,
        word(rng, 6..12),
    )
}

/// A queue record whose body is an order.
fn sqs(rng: &mut Rng) -> String {
    let items: Vec<String> = (0..3)
        .map(|_| {
            format!(
                r#"{{"sku":"{}","size":"{}","quantity":{},"price":{:.2}}}"#,
                word(rng, 8..12),
                pick(rng, &SIZES),
                rng.u8(1..6),
                rng.f64() * 200.0,
            )
        })
        .collect();
    let coupon = if rng.u8(..4) == 0 {
        format!(r#""coupon":"{}","#, word(rng, 6..7))
    } else {
        String::new()
    };
    format!(
        r#"{{"messageId":"{}","receiptHandle":"{}==","body":{{"orderId":{},"state":"{}","customer":{{"id":"{}","country":"{}","vip":{},"address":"{}"}},{coupon}"items":[{}],"total":{:.2},"invoice":"s3://invoices/20{:02}/{}{}","note":{}}},"attributes":{{"ApproximateReceiveCount":"{}","SentTimestamp":"17{:011}","SenderId":"AIDA{}","ApproximateFirstReceiveTimestamp":"17{:011}"}},"messageAttributes":{{"kind":{{"stringValue":"{}","stringListValues":[],"binaryListValues":[],"dataType":"String"}}}},"md5OfBody":"{:032x}","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders","awsRegion":"eu-west-1"}}"#,
        id(rng),
        word(rng, 170..180),
        rng.u32(1..100_000),
        pick(rng, &STATES),
        id(rng),
        pick(rng, &COUNTRIES),
        rng.u8(..4) == 0,
        address(rng),
        items.join(","),
        rng.f64() * 900.0,
        rng.u8(10..26),
        word(rng, 8..14),
        pick(rng, &FILES),
        if rng.bool() {
            "null".to_owned()
        } else {
            Value::from(word(rng, 10..40)).to_string()
        },
        rng.u8(1..4),
        rng.u64(..99_999_999_999),
        word(rng, 17..18).to_uppercase(),
        rng.u64(..99_999_999_999),
        pick(rng, &SIZES),
        rng.u128(..),
    )
}

/// A table's change record.
fn dynamodb(rng: &mut Rng) -> String {
    let key = id(rng);
    let image = |rng: &mut Rng| {
        let mut image = json!({
            "pk": { "S": key },
            "state": { "S": pick(rng, &STATES) },
            "country": { "S": pick(rng, &COUNTRIES) },
            "size": { "S": pick(rng, &SIZES) },
            "total": { "N": rng.u32(1..100_000).to_string() },
            "vip": { "BOOL": rng.u8(..4) == 0 },
            "address": { "S": address(rng) },
            "file": { "S": format!("uploads/{}{}", word(rng, 8..16), pick(rng, &FILES)) },
            "tags": { "SS": [word(rng, 4..9), pick(rng, &SIZES)] },
            "lines": { "L": [
                { "M": { "sku": { "S": word(rng, 6..9) }, "size": { "S": pick(rng, &SIZES) } } },
                { "M": { "sku": { "S": word(rng, 6..9) }, "size": { "S": pick(rng, &SIZES) } } },
            ] },
        });
        if rng.u8(..4) == 0 {
            image["coupon"] = json!({ "S": word(rng, 6..7) });
        }
        image.to_string()
    };
    let (name, old) = match rng.u8(..3) {
        0 => ("INSERT", String::new()),
        1 => ("MODIFY", format!(r#""OldImage":{},"#, image(rng))),
        _ => ("MODIFY", String::new()),
    };
    format!(
        r#"{{"eventID":"{:032x}","eventName":"{name}","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{{"ApproximateCreationDateTime":1.7334{:05}E9,"Keys":{{"pk":{{"S":"{key}"}}}},"NewImage":{},{old}"SequenceNumber":"{:024}","SizeBytes":{},"StreamViewType":"NEW_AND_OLD_IMAGES"}},"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"}}"#,
        rng.u128(..),
        rng.u32(..100_000),
        image(rng),
        rng.u64(..),
        rng.u16(100..900),
    )
}
