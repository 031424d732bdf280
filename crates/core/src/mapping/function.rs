//! The function a mapping calls, in all the forms the API takes.

use std::fmt;

use super::partition::Partition;

/// A function as a request names it: a name, a partial ARN or a full ARN, each with an optional
/// version, alias or `$LATEST` (Lambda API reference, `FunctionName`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionRef {
    name: String,
    qualifier: Option<String>,
    partition: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

impl FunctionRef {
    /// Parses any form; `None` if it is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').collect::<Vec<_>>().into_iter().peekable();
        let mut partition = None;
        if parts.len() > 2 && parts.peek() == Some(&"arn") {
            parts.next();
            partition = Some(
                parts
                    .next()
                    .filter(|partition| partition.starts_with("aws"))?,
            );
            parts.next().filter(|service| *service == "lambda")?;
        }
        // Only an ARN may name a region that AWS does not have; elsewhere it could be a function's
        // name.
        let region = if partition.is_some() {
            Some(parts.next().filter(|region| is_region_like(region))?)
        } else {
            take_if_not_last(&mut parts, is_aws_region)
        };
        let account = take_if_not_last(&mut parts, is_account);
        let word = take_if_not_last(&mut parts, |part| part == "function");
        if partition.is_some() && (account.is_none() || word.is_none()) {
            return None;
        }
        let name = parts.next().filter(|name| is_name(name))?;
        let qualifier = parts.next();
        if qualifier.is_some_and(|qualifier| !is_qualifier(qualifier)) || parts.next().is_some() {
            return None;
        }
        let owned = |part: Option<&str>| part.map(str::to_owned);
        Some(Self {
            name: name.to_owned(),
            qualifier: owned(qualifier),
            partition: owned(partition),
            region: owned(region),
            account: owned(account),
        })
    }

    /// Returns the bare name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name with the qualifier, if one was given: `orders:live`.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.name),
            None => self.name.clone(),
        }
    }

    /// Returns the version, alias or `$LATEST`, if one was given.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// Returns the region, if one was given.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Returns the ARN with exactly the qualifier that was given (recorded). `region` and `account`
    /// fill in what the request left out.
    #[must_use]
    pub fn arn(&self, region: &str, account: &str) -> String {
        let region = self.region.as_deref().unwrap_or(region);
        let account = self.account.as_deref().unwrap_or(account);
        let partition = self
            .partition
            .as_deref()
            .unwrap_or_else(|| Partition::of_region(region).name);
        let mut arn = format!(
            "arn:{partition}:lambda:{region}:{account}:function:{}",
            self.name
        );
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }

    /// Fills in what the request left out, so that two spellings of one function are equal.
    #[must_use]
    pub(super) fn resolved(self, region: &str, account: &str) -> Self {
        let region = self.region.unwrap_or_else(|| region.to_owned());
        let partition = self
            .partition
            .unwrap_or_else(|| Partition::of_region(&region).name.to_owned());
        let account = self.account.unwrap_or_else(|| account.to_owned());
        Self {
            partition: Some(partition),
            region: Some(region),
            account: Some(account),
            ..self
        }
    }
}

/// Writes the shortest form that parses to the same value.
impl fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(partition) = &self.partition {
            write!(f, "arn:{partition}:lambda:")?;
        }
        for part in [&self.region, &self.account].into_iter().flatten() {
            write!(f, "{part}:")?;
        }
        if self.region.is_some() || self.account.is_some() {
            f.write_str("function:")?;
        }
        f.write_str(&self.name)?;
        self.qualifier
            .as_ref()
            .map_or(Ok(()), |qualifier| write!(f, ":{qualifier}"))
    }
}

fn take_if_not_last<'a>(
    parts: &mut std::iter::Peekable<std::vec::IntoIter<&'a str>>,
    wanted: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    if parts.len() < 2 {
        return None;
    }
    parts.next_if(|part| wanted(part))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region_like(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_aws_region(text: &str) -> bool {
    let words = text.split('-').count();
    (3..=4).contains(&words)
        && text.rsplit('-').enumerate().all(|(index, word)| {
            let digit = |byte: u8| byte.is_ascii_digit();
            let letter = |byte: u8| byte.is_ascii_lowercase();
            if index == 0 {
                word.len() == 1 && word.bytes().all(digit)
            } else {
                !word.is_empty() && word.bytes().all(letter)
            }
        })
        && text
            .split('-')
            .next()
            .is_some_and(|word| word.len() == 2 || word == "eusc")
}

fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && !is_dots(text) && text.bytes().all(legal)
}

/// Tells whether a name would lead elsewhere as a segment of a path: there is no such function.
pub(super) fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

fn is_qualifier(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    matches!(text, "$LATEST" | "$LATEST.PUBLISHED") || !text.is_empty() && text.bytes().all(legal)
}
