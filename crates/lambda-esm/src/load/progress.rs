//! How far a load test is, on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use lambda_esm_lab::load::LoadProgress;

use crate::progress;

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    is_search: bool,
}

impl Progress {
    pub(super) fn start(is_search: bool) -> Self {
        let bar = progress::bar(0, "{prefix} {bar:30} {msg}");
        Self { bar, is_search }
    }

    /// Shows how far it is.
    pub(super) fn show(&self, now: &LoadProgress) {
        let what = match (now.at >= now.of, now.is_warm) {
            (true, _) => "draining",
            (_, true) => "measuring",
            _ => "warming up",
        };
        let bar = &self.bar;
        bar.set_length(millis(now.of));
        bar.set_position(millis(now.at.min(now.of)));
        bar.set_prefix(if self.is_search {
            format!("{what} at {:.2} times the rate", now.factor)
        } else {
            what.to_owned()
        });
        bar.set_message(format!(
            "{} of {} s, {} records put, {} not processed yet",
            now.at.as_secs(),
            now.of.as_secs(),
            now.arrived,
            now.open
        ));
    }

    /// Logs a line, above the bar if there is one.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| tracing::info!("{text}"));
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
