//! What the command line says about a sweep.

use lambda_esm_lab::scenario::Expectation;
use lambda_esm_lab::sweep::{Axis, Objective, parse_values};

use crate::scenario::{bound, rank};

/// Reads an axis: `BatchSize=10,100,1000`.
pub(super) fn axis(text: &str) -> Result<Axis, String> {
    let parts = text.split_once('=');
    let (parameter, values) =
        parts.ok_or("write a parameter and its values, for example BatchSize=10,100,1000")?;
    Ok(Axis {
        parameter: parameter.trim().parse().map_err(text_of)?,
        values: parse_values(values).map_err(text_of)?,
    })
}

fn text_of(error: impl ToString) -> String {
    error.to_string()
}

/// Reads a constraint: `p99 < 5s`.
pub(super) fn constraint(text: &str) -> Result<Expectation, String> {
    bound(text).ok_or_else(|| {
        "write a figure and its bound, for example \"p99 < 5s\", \"age < 60s\", \"dead_letters = 0\" or \
         \"cost_per_day < 12.50\""
            .to_owned()
    })
}

/// Reads what is best.
pub(super) fn objective(text: &str) -> Result<Objective, String> {
    rank(text).ok_or_else(|| {
        "write cheapest, fastest, a figure of which less is better such as age or cost_per_day, or \"most\" and a figure"
            .to_owned()
    })
}

/// Reads a share.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "write a share between 0 and 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_read_with_their_values() {
        let read = axis("mappings[0].BatchSize = 10,100").unwrap();
        assert_eq!(read.parameter.to_string(), "mappings[0].BatchSize");
        assert_eq!(read.values.len(), 2);
        for wrong in ["BatchSize", "Batch=1", "BatchSize="] {
            assert!(axis(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_an_example() {
        assert!(constraint("p99").unwrap_err().contains("p99 < 5s"));
        assert!(objective("best").unwrap_err().contains("cheapest"));
        assert!(share("80").unwrap_err().contains("between 0 and 1"));
        assert_eq!(share("0.8"), Ok(0.8));
    }
}
