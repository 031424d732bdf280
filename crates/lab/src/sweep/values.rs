//! The values of an axis, where they are not listed one by one.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::PlanError;

/// The most steps of a range.
const MOST_STEPS: usize = 1_000;

/// Values at equal distances, or at equal ratios.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first.
    pub from: f64,
    /// The last.
    pub to: f64,
    /// How many, 2 to 1,000.
    pub steps: usize,
    /// How they lie.
    #[serde(default)]
    pub scale: Scale,
}

/// How the values of a range lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// At equal distances.
    #[default]
    Linear,
    /// At equal ratios.
    Log,
}

impl Range {
    /// Returns the values: whole numbers between whole numbers, each once.
    ///
    /// # Errors
    /// A number that is not finite, a number of steps out of range, and a logarithmic scale that does not lie above zero.
    pub fn values(self) -> Result<Vec<Value>, PlanError> {
        let Self {
            from,
            to,
            steps,
            scale,
        } = self;
        if !from.is_finite() || !to.is_finite() {
            return Err(PlanError::new("a range goes from a number to a number"));
        }
        if !(2..=MOST_STEPS).contains(&steps) {
            return Err(PlanError::new(format!(
                "{steps} steps: a range has 2 to {MOST_STEPS}"
            )));
        }
        if scale == Scale::Log && (from <= 0.0 || to <= 0.0) {
            return Err(PlanError::new("a range by `log` begins and ends above 0"));
        }
        let whole = from.fract() == 0.0 && to.fract() == 0.0;
        let mut values: Vec<Value> = Vec::with_capacity(steps);
        for step in 0..steps {
            let share = to_f64(step) / to_f64(steps - 1);
            let value = match scale {
                Scale::Linear => from + (to - from) * share,
                Scale::Log => from * (to / from).powf(share),
            };
            let value = number(value, whole);
            if values.last() != Some(&value) {
                values.push(value);
            }
        }
        Ok(values)
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and is refused then"
)]
fn number(value: f64, whole: bool) -> Value {
    if whole {
        Value::from(value.round() as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

/// Reads an axis's values as the command line has them: `10,100,1000`, a list or a range as JSON.
///
/// # Errors
/// No value, or a range that is none.
pub fn parse_values(text: &str) -> Result<Vec<Value>, PlanError> {
    let values = match serde_json::from_str(text) {
        Ok(Value::Array(values)) => values,
        Ok(value @ Value::Object(_)) => {
            let range: Range = serde_json::from_value(value)
                .map_err(|error| PlanError::new(format!("no range: {error}")))?;
            range.values()?
        }
        _ => text.split(',').map(single).collect(),
    };
    if values.is_empty() || values.contains(&Value::String(String::new())) {
        return Err(PlanError::new(
            "an axis has values: write BatchSize=10,100,1000",
        ));
    }
    Ok(values)
}

/// Reads one value: JSON, or else text.
fn single(text: &str) -> Value {
    let text = text.trim();
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
