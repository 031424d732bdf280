//! How far a sweep is.

use indicatif::ProgressBar;
use lambda_esm_lab::sweep::{Phase, SweepProgress};

use crate::progress;

/// Returns a bar that is drawn on a terminal.
pub(super) fn bar() -> ProgressBar {
    progress::bar(0, "{bar:40} {pos}/{len} {msg}, {eta} left")
}

/// Shows how far it is.
pub(super) fn show(bar: &ProgressBar, seen: SweepProgress) {
    let what = match seen.phase {
        Phase::Configurations => "configurations",
        Phase::Changes => "smaller changes",
        Phase::Seeds => "simulations with other seeds",
    };
    // The time left is that of the phase.
    if seen.done == 0 {
        bar.reset();
    }
    bar.set_message(what);
    bar.set_length(u64::try_from(seen.total).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(seen.done).unwrap_or(u64::MAX));
}
