//! Finds mappings: all of them, page by page, or one by the beginning of its UUID.

use std::collections::HashSet;
use std::time::Duration;

use lambda_esm_core::excerpt::cut;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::Client;
use crate::failure::Failure;

/// The mappings in the Lambda API.
pub(super) const PATH: &str = "/2015-03-31/event-source-mappings";
/// How many pages of mappings are read. A daemon's hold a hundred each.
const MOST_PAGES: usize = 1_000;
/// How long all pages may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The length of a UUID as text.
const WHOLE: usize = 36;

/// Returns all mappings.
pub(super) async fn all(client: &Client) -> Result<Vec<Value>, Failure> {
    let all = timeout(PATIENCE, pages(client)).await;
    all.unwrap_or_else(|_| {
        let text = format!("did not end its list in {} s", PATIENCE.as_secs());
        Err(client.failed(text))
    })
}

async fn pages(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    let mut markers = HashSet::new();
    let mut path = PATH.to_owned();
    for _ in 0..MOST_PAGES {
        let mut page = client.get(&path).await?;
        if let Value::Array(mappings) = page["EventSourceMappings"].take() {
            found.extend(mappings);
        }
        let Some(marker) = page["NextMarker"].as_str() else {
            return Ok(found);
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !marker.bytes().all(legal) || !markers.insert(marker.to_owned()) {
            let marker = cut(marker);
            return Err(client.failed(format!(
                "gives the marker '{marker}' for the next page, which leads nowhere new"
            )));
        }
        path = format!("{PATH}?Marker={marker}");
    }
    Err(client.failed(format!(
        "lists mappings without end: more than {MOST_PAGES} pages"
    )))
}

/// Returns the UUID that begins with `text`.
pub(super) async fn uuid(client: &Client, text: &str) -> Result<String, Failure> {
    let legal = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    if text.is_empty() || text.len() > WHOLE || !text.bytes().all(legal) {
        return Err(Failure::Usage(format!(
            "{text:?} is no UUID of a mapping, nor its beginning; see `lambda-esm mappings list`"
        )));
    }
    let wanted = text.to_ascii_lowercase();
    if wanted.len() == WHOLE {
        return Ok(wanted);
    }
    let mappings = all(client).await?;
    let uuids = mappings
        .iter()
        .filter_map(|mapping| mapping["UUID"].as_str());
    one(
        &wanted,
        uuids.filter(|uuid| uuid.starts_with(&wanted)).collect(),
    )
}

fn one(wanted: &str, found: Vec<&str>) -> Result<String, Failure> {
    match found.as_slice() {
        [uuid] => Ok((*uuid).to_owned()),
        [] => Err(Failure::general(format!(
            "no mapping's UUID begins with {wanted}; see `lambda-esm mappings list`"
        ))),
        several => Err(Failure::general(format!(
            "{wanted} may be any of {}; write more of it",
            cut(several.join(", "))
        ))),
    }
}

/// Returns the path of the mapping whose UUID begins with `text`.
pub(super) async fn path(client: &Client, text: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", uuid(client, text).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_must_mean_one_mapping() {
        assert_eq!(one("a", vec!["ab"]).unwrap(), "ab");
        assert!(one("a", vec![]).is_err());
        let text = one("a", vec!["ab", "ac"]).unwrap_err().to_string();
        assert!(text.contains("ab, ac"), "{text}");
    }
}
