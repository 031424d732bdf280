//! Settings to create or update a mapping with: from a file, or from the command line.

use std::io::Read as _;

use serde_json::{Map, Value, json};

use crate::config::syntax_words;
use crate::failure::Failure;

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// A file of settings, or - for standard input.
    #[arg(required_unless_present = "source")]
    file: Option<String>,
    /// The ARN of the source.
    #[arg(
        long,
        value_name = "ARN",
        requires = "function",
        conflicts_with = "file"
    )]
    source: Option<String>,
    /// The function: a name or an ARN.
    #[arg(long, value_name = "NAME", requires = "source")]
    function: Option<String>,
    /// The most records of a batch.
    #[arg(long, value_name = "N", requires = "source")]
    batch_size: Option<u32>,
    /// A further setting: JSON, or else text; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
}

impl CreateArgs {
    /// Returns the request.
    pub(super) fn body(&self) -> Result<Value, Failure> {
        let mut settings = match &self.file {
            Some(file) => read(file)?,
            None => Map::new(),
        };
        let given = [
            ("EventSourceArn", self.source.as_ref().map(|arn| json!(arn))),
            (
                "FunctionName",
                self.function.as_ref().map(|name| json!(name)),
            ),
            ("BatchSize", self.batch_size.map(|size| json!(size))),
        ];
        for (key, value) in given {
            settings.extend(value.map(|value| (key.to_owned(), value)));
        }
        settings.extend(self.set.iter().cloned());
        Ok(Value::Object(settings))
    }
}

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// The mapping.
    pub(super) uuid: String,
    /// A file of settings, or - for standard input.
    #[arg(required_unless_present = "set")]
    file: Option<String>,
    /// A setting: JSON, or else text; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
}

impl UpdateArgs {
    /// Returns the request.
    pub(super) fn body(&self) -> Result<Value, Failure> {
        let mut settings = match &self.file {
            Some(file) => read(file)?,
            None => Map::new(),
        };
        settings.extend(self.set.iter().cloned());
        Ok(Value::Object(settings))
    }
}

fn setting(text: &str) -> Result<(String, Value), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let Some((key, value)) = parts else {
        return Err("write KEY=VALUE, for example BatchSize=5".to_owned());
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    Ok((key.to_owned(), value))
}

fn read(file: &str) -> Result<Map<String, Value>, Failure> {
    let (name, text) = if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        ("standard input", read.map(|_| text))
    } else {
        (file, std::fs::read_to_string(file))
    };
    let text = text.map_err(|error| Failure::Usage(format!("{name}: cannot be read: {error}")))?;
    settings(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

fn settings(text: &str) -> Result<Map<String, Value>, String> {
    match serde_saphyr::from_str(text) {
        Ok(Value::Object(settings)) => Ok(settings),
        Ok(_) => {
            Err("must be a map of settings, such as EventSourceArn and FunctionName".to_owned())
        }
        Err(error) => {
            let place = error.location();
            let place = place.map(|place| format!("{}:{}: ", place.line(), place.column()));
            let (rule, hint) = syntax_words(&error);
            let place = place.unwrap_or_default();
            Err(format!(
                "{place}cannot be read as YAML or JSON: {rule}; {hint}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_json_or_else_text() {
        assert_eq!(
            setting("BatchSize=5"),
            Ok(("BatchSize".to_owned(), json!(5)))
        );
        assert_eq!(setting("Enabled=false").unwrap().1, json!(false));
        assert_eq!(setting("FunctionName=f").unwrap().1, json!("f"));
        assert_eq!(setting("ScalingConfig={}").unwrap().1, json!({}));
        assert!(setting("BatchSize").is_err());
        assert!(setting("=5").is_err());
    }

    #[test]
    fn settings_are_yaml_or_json() {
        let expected =
            json!({"BatchSize": 5, "FunctionResponseTypes": ["ReportBatchItemFailures"]});
        let yaml = "BatchSize: 5\nFunctionResponseTypes: [ReportBatchItemFailures]\n";
        for text in [yaml, &expected.to_string()] {
            assert_eq!(Value::Object(settings(text).unwrap()), expected);
        }
        assert!(settings("- 1").unwrap_err().contains("map of settings"));
        assert!(settings("{").unwrap_err().contains("YAML or JSON"));
    }
}
