//! The regular expressions of the API model, each as AWS's text beside a matcher that needs no
//! engine.

use crate::mapping::arn::Arn;
use crate::mapping::function::{FunctionRef, is_dots};
use crate::mapping::tags::{TAG_PATTERN, is_tag};

/// A pattern: AWS's text of it, and whether a value matches.
pub(super) type Pattern = (&'static str, fn(&str) -> bool);

/// An ARN. Any region is taken, since local servers have names of their own.
pub(super) const ARN: Pattern = (
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
    is_arn,
);

/// A function's name or ARN.
pub(super) const FUNCTION: Pattern = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    |text| FunctionRef::parse(text).is_some(),
);

/// A function that is not named as if it were a way through folders.
pub(super) const NOT_DOTS: Pattern = (r"(?!(.*:)?\.\.?(:.*)?$).*", |text| {
    !text.split(':').any(is_dots)
});

/// A key of the key service, or nothing.
pub(super) const KMS_KEY: Pattern = (r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()", |text| {
    text.is_empty() || Arn::parse(text).is_some()
});

/// The key or value of a tag.
pub(super) const TAG: Pattern = (TAG_PATTERN, is_tag);

/// A Kafka topic.
pub(super) const TOPIC: Pattern = (r"[^.]([a-zA-Z0-9\-_.]+)", |text| {
    topic_tail(text).is_some_and(|tail| !tail.is_empty())
});

/// The URI of a source access configuration, also a consumer group.
pub(super) const URI: Pattern = (r"[ a-zA-Z0-9-\/*:_+=.@-]*", |text| all(text, b" -/*:_+=.@"));

/// The address of a schema registry.
pub(super) const REGISTRY: Pattern = (r"[a-zA-Z0-9-\/*:_+=.@-]*", |text| all(text, b"-/*:_+=.@"));

/// `host:port`.
pub(super) const ENDPOINT: Pattern = (
    r"(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]):[0-9]{1,5}",
    is_endpoint,
);

/// An on-failure destination.
pub(super) const DESTINATION: Pattern = (
    r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
    |text| match text.strip_prefix("kafka://") {
        Some(topic) => topic_tail(topic).is_some_and(|tail| tail.len() <= 248),
        None => text.is_empty() || is_arn(text),
    },
);

/// A poller group.
pub(super) const POLLER_GROUP: Pattern = (r"[a-zA-Z0-9-_]*", |text| all(text, b"-_"));

/// A DocumentDB database.
pub(super) const DATABASE: Pattern = (r"[^ /\.$\x22]*", |text| {
    !text.contains([' ', '/', '.', '$', '"'])
});

/// A DocumentDB collection.
pub(super) const COLLECTION: Pattern = (r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)", |text| {
    !text.starts_with("system.")
        && text.starts_with(|first: char| first == '_' || first.is_ascii_alphanumeric())
        && !text.contains('$')
});

fn all(text: &str, punctuation: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

/// Returns what follows the first character of a topic, if both are legal.
fn topic_tail(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let tail = characters.as_str();
    (first != '.' && all(tail, b"-_.")).then_some(tail)
}

fn is_arn(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| {
        let account = arn.account();
        all(arn.partition(), b"-")
            && all(arn.service(), b"-")
            && all(arn.region(), b"-")
            && (account.is_empty()
                || account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_endpoint(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && all(label, b"-")
    };
    text.split_once(':').is_some_and(|(host, port)| {
        host.split('.').all(label)
            && (1..=5).contains(&port.len())
            && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}
