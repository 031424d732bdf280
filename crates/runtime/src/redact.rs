//! Keeps secrets out of `Debug`.

use std::collections::BTreeMap;
use std::fmt;

/// Shows a map's keys only.
pub(crate) struct Keys<'a>(pub(crate) &'a BTreeMap<String, String>);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_map()
            .entries(self.0.keys().map(|key| (key, Hidden)))
            .finish()
    }
}

struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<redacted>")
    }
}

/// Returns `url` with everything between `//` and the last `@` of its authority replaced.
pub(crate) fn url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("//") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}//<redacted>{}", &rest[at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_hidden_and_the_rest_of_the_url_is_kept() {
        assert_eq!(
            url("http://me:pa@ss@host:1/x@y"),
            "http://<redacted>@host:1/x@y"
        );
        assert_eq!(url("http://host/a@b"), "http://host/a@b");
        assert_eq!(url("nonsense"), "nonsense");
    }
}
