//! Tags of mappings (Lambda API reference, `TagResource`, `UntagResource`, `ListTags`).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{ApiError, ErrorCode, TAG_PATTERN, is_tag};
use lambda_esm_engine::Engine;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::body;
use crate::error::{Answer, Fault, json, no_content};

/// What a resource's ARN must match (recorded).
const PATTERN: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    tags: Option<BTreeMap<String, String>>,
    /// Travels in the path; here it may only say the same.
    resource: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTags {
    tags: BTreeMap<String, String>,
}

/// `ListTags`.
pub(crate) fn list(engine: &Engine, arn: &str) -> Answer {
    check_resource(arn)?;
    let uuid = found(engine, arn)?;
    let tags = engine.tags(uuid).map_err(|error| named(error, arn))?;
    json(StatusCode::OK, &ListTags { tags })
}

/// `TagResource`: adds tags, and replaces those of the same keys.
pub(crate) async fn tag(engine: &Engine, arn: &str, body: Bytes) -> Answer {
    check_resource(arn)?;
    let request: TagResource = body::parse(body).await?;
    if request.resource.is_some_and(|resource| resource != arn) {
        let message = "The Resource of the body is not the resource of the path.";
        return Err(ApiError::invalid("Resource", message).into());
    }
    let Some(tags) = request.tags else {
        return Err(Fault::missing("tags"));
    };
    for (key, value) in &tags {
        check_tag(key, "tags.key", 1, 128)?;
        check_tag(value, "tags.value", 0, 256)?;
    }
    let uuid = found(engine, arn)?;
    let tagged = engine.tag(uuid, tags).await;
    tagged.map_err(|error| named(error, arn))?;
    Ok(no_content())
}

/// `UntagResource`: removes tags; keys that are not there do no harm.
pub(crate) async fn untag(engine: &Engine, arn: &str, query: Vec<(String, String)>) -> Answer {
    check_resource(arn)?;
    if let Some((name, _)) = query.iter().find(|(name, _)| name != "tagKeys") {
        return Err(Fault::serialization(format!(
            "Unknown query parameter '{}': UntagResource takes tagKeys.",
            cut(name)
        )));
    }
    let keys: Vec<_> = query.into_iter().map(|(_, key)| key).collect();
    if keys.is_empty() {
        return Err(Fault::missing("tagKeys"));
    }
    for key in &keys {
        check_tag(key, "tagKeys", 1, 128)?;
    }
    let uuid = found(engine, arn)?;
    let untagged = engine.untag(uuid, &keys).await;
    untagged.map_err(|error| named(error, arn))?;
    Ok(no_content())
}

/// Checks the key or value of a tag.
fn check_tag(text: &str, member: &str, least: usize, most: usize) -> Result<(), Fault> {
    let rule = match text.chars().count() {
        length if length < least => {
            format!("Member must have length greater than or equal to {least}")
        }
        length if length > most => format!("Member must have length less than or equal to {most}"),
        _ if !is_tag(text) => {
            format!("Member must satisfy regular expression pattern: {TAG_PATTERN}")
        }
        _ => return Ok(()),
    };
    Err(Fault::validation(text, member, &rule))
}

/// Checks the ARN of the path.
fn check_resource(arn: &str) -> Result<(), Fault> {
    if is_resource(arn) {
        return Ok(());
    }
    let rule = format!("Member must satisfy regular expression pattern: {PATTERN}");
    Err(Fault::validation(arn, "resource", &rule))
}

/// Finds the mapping that has this ARN, account and Region included.
fn found(engine: &Engine, arn: &str) -> Result<Uuid, Fault> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let Some(uuid) = resource.strip_prefix("event-source-mapping:") else {
        let message = format!("Resource not found: {}", cut(arn));
        return Err(ApiError::new(ErrorCode::ResourceNotFound, message).into());
    };
    let uuid = uuid.parse().map_err(|_| unknown(arn))?;
    let mapping = engine.get(uuid).map_err(|error| named(error, arn))?;
    if mapping.event_source_mapping_arn.eq_ignore_ascii_case(arn) {
        Ok(uuid)
    } else {
        Err(unknown(arn).into())
    }
}

/// Puts the text that the tag operations have for a missing mapping (recorded).
fn named(error: ApiError, arn: &str) -> ApiError {
    if error.code == ErrorCode::ResourceNotFound {
        unknown(arn)
    } else {
        error
    }
}

fn unknown(arn: &str) -> ApiError {
    let message = format!("Event source mapping not found: {}", cut(arn));
    ApiError::new(ErrorCode::ResourceNotFound, message)
}

/// Tells whether a text matches [`PATTERN`]. Any Region is taken, since local servers have names of
/// their own.
fn is_resource(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let &["arn", partition, "lambda", region, account, resource] = parts.as_slice() else {
        return false;
    };
    let letters = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    };
    partition.starts_with("aws")
        && letters(partition)
        && is_word(region)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && is_kind(resource)
}

fn is_kind(resource: &str) -> bool {
    let Some((kind, name)) = resource.split_once(':') else {
        return false;
    };
    match kind {
        "function" => match name.split_once(':') {
            Some((name, qualifier)) => {
                is_word(name) && (qualifier == "$LATEST" || is_word(qualifier))
            }
            None => is_word(name),
        },
        "layer" | "capacity-provider" => is_word(name),
        "code-signing-config" => name.strip_prefix("csc-").is_some_and(|id| {
            let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            id.len() == 17 && id.bytes().all(legal)
        }),
        "event-source-mapping" => name.len() == 36 && name.parse::<Uuid>().is_ok(),
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::is_resource;

    #[test]
    fn resources_are_told_from_other_arns() {
        let arn = |resource: &str| format!("arn:aws:lambda:us-east-1:000000000000:{resource}");
        for good in [
            "event-source-mapping:0f9d2f2e-0000-4000-8000-0123456789ab",
            "event-source-mapping:0F9D2F2E-0000-4000-8000-0123456789AB",
            "function:f",
            "function:f:$LATEST",
            "function:f:live",
            "layer:l",
            "code-signing-config:csc-0123456789abcdefg",
            "capacity-provider:c",
        ] {
            assert!(is_resource(&arn(good)), "{good}");
        }
        for bad in [
            "event-source-mapping:0f9d2f2e-0000-4000-8000-0123456789ab:alias",
            "event-source-mapping:0f9d2f2e00004000800000123456789ab",
            "event-source-mapping:",
            "layer:l:1",
            "queue:q",
            "function",
            "code-signing-config:csc-0",
        ] {
            assert!(!is_resource(&arn(bad)), "{bad}");
        }
        for bad in [
            "",
            "arn:aws:sqs:us-east-1:000000000000:function:f",
            "arn:aws:lambda:us-east-1:1:function:f",
            "arn:gcp:lambda:us-east-1:000000000000:function:f",
        ] {
            assert!(!is_resource(bad), "{bad}");
        }
    }
}
