//! What is wrong with a backend's configuration.

/// A setting that no backend can be made from. Shown as a lowercase fragment that names the field, its
/// value and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value}: {rule}")]
pub struct ConfigError {
    /// The field's name in the configuration type.
    pub field: &'static str,
    /// The offending value, without secrets.
    pub value: String,
    /// The rule it breaks and the way out.
    pub rule: String,
}

impl ConfigError {
    pub(crate) fn new(
        field: &'static str,
        value: impl Into<String>,
        rule: impl Into<String>,
    ) -> Self {
        Self {
            field,
            value: value.into(),
            rule: rule.into(),
        }
    }
}
