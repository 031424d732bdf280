//! What a queue machine is told: the mapping's settings, and facts from outside.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_filter::{Filters, Mismatch, Record, Scratch};

use super::port::QueueFacts;
use crate::batching::Limits;
use crate::event::sqs::SqsEncoder;
use crate::event::{Envelope, RECORDS};
use crate::pacing::Pacing;
use crate::record::{QueueContent, QueueMessage, Receipt};

/// Added to window and function timeout when they reach the queue's visibility timeout (Lambda
/// developer guide, 2022 edition, "Using Lambda with Amazon SQS").
const VISIBILITY_SLACK: Duration = Duration::from_secs(30);

/// The timeout of a function that names none (Lambda API reference, `CreateFunction`: `Timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// How many batches a mapping may work on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// The service scales on demand, up to `ScalingConfig.MaximumConcurrency` if set (2–1,000).
    OnDemand {
        /// The cap.
        maximum: Option<u32>,
    },
    /// `ProvisionedPollerConfig`: each poller runs up to 10 batches.
    Provisioned {
        /// `MinimumPollers`, 2–200.
        minimum: u32,
        /// `MaximumPollers`, 2–10,000.
        maximum: u32,
    },
}

/// Settings of one queue mapping.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// When a batch is full.
    pub limits: Limits,
    /// Whether the function's response names the records that failed.
    pub report_batch_item_failures: bool,
    /// Whether messages have groups whose order must hold.
    pub fifo: bool,
    /// How many batches at a time.
    pub concurrency: Concurrency,
    /// How closely poll rates and scaling follow the service.
    pub pacing: Pacing,
    /// Which messages are delivered; `None` for all.
    pub filters: Option<Arc<Filters>>,
    /// How messages become event fragments.
    pub encoder: QueueEncoder,
    /// What the queue says about itself.
    pub facts: QueueFacts,
    /// The function's timeout, where known; see [`visibility_override`](Self::visibility_override) for
    /// where it is not.
    pub function_timeout: Option<Duration>,
    /// How many invocations the function can run at a time, where known.
    pub function_concurrency: Option<usize>,
    /// Whether decisions name the messages they are about.
    pub detail: bool,
}

impl QueueConfig {
    /// Returns the visibility timeout to ask for, where the queue's own is too short: a message that
    /// waits for the window and then for the function must not reappear meanwhile.
    ///
    /// A timeout that is not known counts as Lambda's default, 3 s, or as the longest time that the
    /// function was seen to run: the queue's own timeout stands for ordinary functions, and a slow one
    /// meets a message that reappeared at most once.
    #[must_use]
    pub fn visibility_override(&self, longest_run: Duration) -> Option<Duration> {
        let timeout = self.function_timeout;
        let timeout = timeout.unwrap_or_else(|| DEFAULT_TIMEOUT.max(longest_run));
        let needed = self.limits.window + timeout;
        // At equality a message would reappear at the very end.
        let too_short = !self.limits.window.is_zero() && needed >= self.facts.visibility_timeout;
        too_short.then(|| needed + VISIBILITY_SLACK)
    }
}

/// Writes the events of one kind of queue.
#[derive(Clone, Debug)]
pub enum QueueEncoder {
    /// SQS events.
    Sqs(SqsEncoder),
}

impl QueueEncoder {
    /// Returns what filters see of a message.
    fn record<'a>(&self, message: &'a QueueMessage, metadata: &'a [&'a [u8]]) -> Record<'a> {
        let QueueContent::Sqs(sqs) = &message.content;
        let data = sqs.body.as_bytes();
        Record {
            data_key: self.data_key(),
            data,
            metadata,
            on_mismatch: Mismatch::Drop,
        }
    }

    /// Appends what filters may look at beside the data key.
    fn write_metadata(&self, out: &mut Vec<u8>, message: &QueueMessage) {
        let (Self::Sqs(encoder), QueueContent::Sqs(sqs)) = (self, &message.content);
        encoder.write_without_body(out, &message.id, &message.receipt, sqs);
    }

    pub(super) const fn envelope(&self) -> Envelope {
        match self {
            Self::Sqs(_) => RECORDS,
        }
    }

    /// Appends the fragment of one message.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        receipt: &Receipt,
        content: &QueueContent,
    ) {
        let (Self::Sqs(encoder), QueueContent::Sqs(sqs)) = (self, content);
        encoder.write(out, id, receipt, sqs);
    }

    const fn data_key(&self) -> &'static str {
        match self {
            Self::Sqs(_) => "body",
        }
    }
}

/// Decides which messages are delivered.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    scratch: Scratch,
    metadata: Vec<u8>,
}

impl Sieve {
    /// Returns whether the message passes.
    pub(super) fn passes(&mut self, config: &QueueConfig, message: &QueueMessage) -> bool {
        let Some(filters) = &config.filters else {
            return true;
        };
        let needed = filters.needs_metadata(config.encoder.data_key());
        self.metadata.clear();
        if needed {
            config.encoder.write_metadata(&mut self.metadata, message);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        let record = config.encoder.record(message, metadata);
        filters.matches_record(&record, &mut self.scratch).is_some()
    }
}

/// Returns why a message passes no filter, in words.
pub(super) fn explain(config: &QueueConfig, message: &QueueMessage) -> String {
    let Some(filters) = &config.filters else {
        return String::new();
    };
    let mut metadata = Vec::new();
    config.encoder.write_metadata(&mut metadata, message);
    let metadata: &[&[u8]] = &[&metadata];
    let record = config.encoder.record(message, metadata);
    let explanation = filters.explain_record(&record).to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}
