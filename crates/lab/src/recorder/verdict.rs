//! Which records an invocation has processed, by the rules of the machines.

use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::response::{Verdict, read_kafka_failures, read_partial_failures};
use lambda_esm_engine::ports::InvokeAnswer;

use super::identity::{NamedRecord, RecordId, SourceType, find_records};
use super::invocation::Invocation;
use super::roster::SourceSpec;

/// What came of an invocation that reached the function.
#[derive(Debug)]
pub(super) enum Answered {
    /// The function failed, or its answer made the batch fail.
    Failed {
        /// It took longer than it may.
        timed_out: bool,
    },
    /// The function has processed records.
    Processed {
        /// These.
        records: Vec<RecordId>,
        /// Whether it named others as failed.
        partly: bool,
    },
}

pub(super) fn answered(
    invocation: &Invocation,
    source: Option<&SourceSpec>,
    result: &Result<InvokeAnswer, InvokeError>,
) -> Answered {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => {
            let timed_out = error.message.contains("timed out");
            return Answered::Failed { timed_out };
        }
    };
    let all = || Answered::Processed {
        records: invocation.records.to_vec(),
        partly: false,
    };
    let names_failures = memchr::memmem::find(&answer.payload, b"batchItemFailures").is_some();
    let Some(source) = source.filter(|_| invocation.reports_failures && names_failures) else {
        return all();
    };
    match verdict(invocation, source, &answer.payload) {
        Verdict::Success => all(),
        Verdict::Invalid(_) => Answered::Failed { timed_out: false },
        Verdict::Failed(failed) => {
            let records = invocation.records.iter().copied().enumerate();
            let processed = match source.kind {
                SourceType::Kafka if failed.len() == invocation.records.len() => Vec::new(),
                SourceType::Sqs
                | SourceType::Kafka
                | SourceType::RabbitMq
                | SourceType::ActiveMq => {
                    let others = records.filter(|(place, _)| failed.binary_search(place).is_err());
                    others.map(|(_, id)| id).collect()
                }
                // Of a stream, what follows the first that failed is sent again.
                SourceType::Kinesis | SourceType::DynamoDb | SourceType::DocumentDb => {
                    let first = failed.first().copied().unwrap_or(usize::MAX);
                    records.take(first).map(|(_, id)| id).collect::<Vec<_>>()
                }
            };
            if processed.is_empty() && source.kind != SourceType::Sqs {
                return Answered::Failed { timed_out: false };
            }
            Answered::Processed {
                records: processed,
                partly: true,
            }
        }
    }
}

fn verdict(invocation: &Invocation, source: &SourceSpec, answer: &[u8]) -> Verdict {
    let (mut texts, mut offsets) = (Vec::new(), Vec::new());
    find_records(source.kind, &invocation.payload, |name| match name {
        NamedRecord::Text(text) => texts.push(text),
        NamedRecord::Offset { partition, offset } => offsets.push((partition, offset)),
    });
    if source.kind == SourceType::Kafka {
        return read_kafka_failures(answer, &source.topic, offsets.into_iter());
    }
    read_partial_failures(answer, texts.into_iter())
}
