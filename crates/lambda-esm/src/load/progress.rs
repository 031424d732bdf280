//! How far a load test is, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lambda_esm_lab::load::LoadProgress;

const STYLE: &str = "{prefix:>9} [{bar:30}] {msg}";

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is ours, and good.
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// Shows how far it is.
    pub(super) fn show(&self, now: &LoadProgress) {
        self.0.set_length(millis(now.of));
        self.0.set_position(millis(now.at.min(now.of)));
        self.0.set_prefix(match (now.at >= now.of, now.warm) {
            (true, _) => "draining",
            (_, true) => "measuring",
            _ => "warming",
        });
        self.0.set_message(format!(
            "{} of {} s, {} put, {} processed, the oldest waits {:.1} s",
            now.at.as_secs(),
            now.of.as_secs(),
            now.put,
            now.processed,
            now.age.as_secs_f64()
        ));
    }

    /// Writes a line, above the bar if there is one.
    pub(super) fn say(&self, text: &str) {
        tracing::info!("{text}");
        self.0.tick();
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
