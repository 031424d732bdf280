//! What is in records: payloads that a scenario gives.

use std::path::Path;

use bytes::Bytes;
use lambda_esm_lab::scenario::{Bodies, Body};

use super::trace;
use crate::config::Problems;
use crate::config::fields::Field;
use crate::config::yaml::{self, Value};

/// Reads a list of payloads, or a file with one in each line. A payload is text, or JSON; `{payload, weight}` says how often
/// it comes.
pub(super) fn read(field: &Field<'_>, folder: &Path, problems: &mut Problems) -> Option<Bodies> {
    let bodies: Vec<Body> = if matches!(field.node.value, Value::Text(_)) {
        let (_, text) = trace::text(field, folder, problems)?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| Body {
                weight: 1.0,
                payload: Bytes::from(line.to_owned()),
            })
            .collect()
    } else {
        let items = field.list(problems)?;
        let one = |item: &Field<'_>| one(item, problems);
        items.iter().map(one).collect::<Option<_>>()?
    };
    if bodies.is_empty() {
        problems.add(field.node.location, &field.path, "has no payload");
        problems.hint("leave it out for filler of the size that `size` says");
        return None;
    }
    Some(Bodies::Samples(bodies.into()))
}

fn one(item: &Field<'_>, problems: &mut Problems) -> Option<Body> {
    let mut section = item.section(problems)?;
    let payload = section.require("payload", "{kind: order}", problems);
    let weight = section.take("weight");
    section.finish(problems);
    let weight = match weight {
        Some(field) => field.number(0.001..=1_000_000.0, "", problems)?,
        None => 1.0,
    };
    let payload = payload?;
    let bytes = match &payload.node.value {
        Value::Text(text) => text.clone().into_bytes(),
        _ => {
            let json: Result<serde_json::Value, _> = yaml::read(payload.node, &[]);
            let Ok(json) = json else {
                problems.add(payload.node.location, &payload.path, "must be text or JSON");
                return None;
            };
            serde_json::to_vec(&json).unwrap_or_default()
        }
    };
    Some(Body {
        weight,
        payload: bytes.into(),
    })
}
