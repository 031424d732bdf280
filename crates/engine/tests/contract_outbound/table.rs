//! What a contract says of each fault.

use std::fmt::Debug;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

/// The faults that were planted, and how a contract told of them.
#[derive(Default)]
pub(crate) struct Table {
    found: Vec<(String, String)>,
    wrong: Vec<String>,
}

impl Table {
    /// Runs a contract against an implementation with `fault`; it must say that `promise` is broken.
    pub(crate) async fn finds(
        &mut self,
        fault: impl Debug,
        promise: &str,
        contract: impl Future<Output = ()>,
    ) {
        let fault = format!("{fault:?}");
        let Some(told) = told(contract).await else {
            self.wrong.push(format!("{fault} is not found"));
            return;
        };
        for part in [
            promise,
            "broken promise: ",
            "\n expected: ",
            "\n     seen: ",
        ] {
            if !told.contains(part) {
                self.wrong
                    .push(format!("{fault}: {part:?} is not in: {told}"));
            }
        }
        let line = told.lines().next().unwrap_or_default().to_owned();
        self.found.push((fault, line));
    }

    /// Prints the faults, of which there must be at least `least`, all found.
    pub(crate) fn end(self, least: usize) {
        let lines = self.found.iter();
        let lines: Vec<_> = lines
            .map(|(fault, line)| format!("{fault:<32} | {line}"))
            .collect();
        println!("\n{}\n", lines.join("\n"));
        assert_eq!(self.wrong, [""; 0], "{}", self.wrong.join("\n"));
        assert!(self.found.len() >= least, "{} faults", self.found.len());
    }
}

/// Runs a contract, and returns what it says if a promise is broken.
async fn told(contract: impl Future<Output = ()>) -> Option<String> {
    let panic = AssertUnwindSafe(contract).catch_unwind().await.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| format!("no words: {panic:?}")))
}
