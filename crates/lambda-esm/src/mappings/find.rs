//! Finds mappings: all of them, page by page, or one by the beginning of its UUID.

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// The mappings in the Lambda API.
pub(super) const PATH: &str = "/2015-03-31/event-source-mappings";
/// The length of a UUID as text.
const WHOLE: usize = 36;

/// Returns all mappings.
pub(super) async fn all(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    let mut path = PATH.to_owned();
    loop {
        let mut page = client.get(&path).await?;
        if let Value::Array(mappings) = page["EventSourceMappings"].take() {
            found.extend(mappings);
        }
        // Markers are made of letters that need no escape.
        match page["NextMarker"].as_str() {
            Some(marker) => path = format!("{PATH}?Marker={marker}"),
            None => return Ok(found),
        }
    }
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
            several.join(", ")
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
