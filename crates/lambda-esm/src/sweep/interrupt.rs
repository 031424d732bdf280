//! What Ctrl-C does: the first has what is done ranked, the second ends at once.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::run::{Signals, runtime};

/// The exit code of a process that ends by SIGINT, as shells tell it.
const INTERRUPTED: i32 = 130;

/// Listens for signals as long as it is there.
pub(super) struct Interrupt {
    /// Whether to stop.
    pub(super) stop: Arc<AtomicBool>,
    runtime: Runtime,
}

impl Interrupt {
    /// Begins to listen.
    pub(super) fn listen(bar: &ProgressBar) -> Result<Self, Failure> {
        let runtime = runtime(Some(1))?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut signals = {
            let _context = runtime.enter();
            Signals::listen()?
        };
        let (asked, bar) = (Arc::clone(&stop), bar.clone());
        runtime.spawn(async move {
            signals.next().await;
            asked.store(true, Ordering::Relaxed);
            bar.println(
                "stopping when the simulations under way are done; the next Ctrl-C stops at once",
            );
            signals.again().await;
            exit(INTERRUPTED);
        });
        Ok(Self { stop, runtime })
    }

    /// Ends listening.
    pub(super) fn end(self) {
        self.runtime.shutdown_background();
    }
}
