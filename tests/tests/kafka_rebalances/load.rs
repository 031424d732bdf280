//! Records that come at a steady rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lambda_esm_tests::kafka::{Record, Topic};
use tokio::task::JoinHandle;
use tokio::time::interval;

/// How often some are produced.
const EVERY: Duration = Duration::from_millis(50);

/// A producer: so many records for each partition every 50 ms, each known to all copies before the next ones follow.
/// One that was kept waiting by a broker makes up for it.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    task: JoinHandle<usize>,
}

impl Load {
    pub(crate) fn start(topic: Arc<Topic>, each: usize) -> Self {
        let over = Arc::<AtomicBool>::default();
        let ends = over.clone();
        let task = tokio::spawn(async move {
            let partitions = topic.partitions().await;
            let mut ticks = interval(EVERY);
            let mut produced = 0;
            while !ends.load(Ordering::Relaxed) {
                ticks.tick().await;
                let records = (0..partitions).flat_map(|partition| {
                    let record = move |_| Record::new("{\"load\":true}").partition(partition);
                    (0..each).map(record)
                });
                produced += topic.produce(records).await.len();
            }
            produced
        });
        Self { over, task }
    }

    /// Ends it, and returns how many records were produced.
    pub(crate) async fn stop(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}
