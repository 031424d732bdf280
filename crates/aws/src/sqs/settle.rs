//! Deletes messages, and releases them, ten in one request.

use std::collections::HashMap;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{SettleVerb, Settlement};

use super::address::{PATIENCE, QueueAddress};
use crate::failure::Call;

/// Settles messages: at most one request deletes, and at the same time another releases. Returns what became of
/// each; where one request failed and the other did not, its messages have failed each.
///
/// # Errors
/// Fails if all that was sent has failed.
pub(super) async fn settle(
    address: &QueueAddress,
    settlements: &[Settlement],
) -> Result<Vec<Result<(), SourceError>>, SourceError> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let url = address.url().await?;
    let batch = |verb| {
        let entries = settlements.iter().enumerate();
        Batch {
            address,
            verb,
            entries: entries.filter(|(_, each)| each.verb == verb).collect(),
        }
    };
    let (deletes, releases) = (batch(SettleVerb::Delete), batch(SettleVerb::Release));
    let (deleted, released) = match tokio::join!(deletes.send(&url), releases.send(&url)) {
        (Err(error), Err(_)) => return Err(error),
        (Err(error), _) if releases.entries.is_empty() => return Err(error),
        (_, Err(error)) if deletes.entries.is_empty() => return Err(error),
        sent => sent,
    };
    let mut results = deletes.results(deleted);
    results.extend(releases.results(released));
    results.extend(foreign(settlements));
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Returns the refusals of what SQS has no call for: its messages are deleted or made visible, and go the way of a redrive
/// policy.
fn foreign(
    settlements: &[Settlement],
) -> impl Iterator<Item = (usize, Result<(), SourceError>)> + '_ {
    let of_sqs = |verb| matches!(verb, SettleVerb::Delete | SettleVerb::Release);
    let settlements = settlements.iter().enumerate();
    let foreign = settlements.filter(move |(_, each)| !of_sqs(each.verb));
    foreign.map(|(at, each)| {
        let text = format!(
            "SQS can delete a message or make it visible, and knows no {:?}",
            each.verb
        );
        (at, Err(SourceError::new(SourceErrorKind::Fatal, text)))
    })
}

/// The entries of one request, each with its number among all settlements, which is its id too.
struct Batch<'a> {
    address: &'a QueueAddress,
    verb: SettleVerb,
    entries: Vec<(usize, &'a Settlement)>,
}

/// What became of the entries of a request, by their ids.
type Outcomes = HashMap<String, Result<(), SourceError>>;

impl Batch<'_> {
    fn call(&self) -> Call<'_> {
        self.address.call(match self.verb {
            SettleVerb::Delete => "DeleteMessageBatch",
            _ => "ChangeMessageVisibilityBatch",
        })
    }

    /// Sends the request, if it has entries.
    async fn send(&self, url: &str) -> Result<Outcomes, SourceError> {
        if self.entries.is_empty() {
            return Ok(Outcomes::new());
        }
        let (call, client) = (self.call(), self.address.client());
        let answer = match self.verb {
            SettleVerb::Delete => {
                let entries = self.entries(|id, receipt| {
                    let entry = DeleteMessageBatchRequestEntry::builder().id(id);
                    entry.receipt_handle(receipt).build()
                })?;
                let request = client.delete_message_batch().queue_url(url);
                let request = request.set_entries(Some(entries));
                let answer = call.within(PATIENCE, request.send()).await;
                answer.map(|answer| {
                    let done = answer.successful.into_iter().map(|entry| entry.id);
                    outcomes(call, done, answer.failed)
                })
            }
            SettleVerb::Release => {
                let entries = self.entries(|id, receipt| {
                    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
                    entry.receipt_handle(receipt).visibility_timeout(0).build()
                })?;
                let request = client.change_message_visibility_batch().queue_url(url);
                let request = request.set_entries(Some(entries));
                let answer = call.within(PATIENCE, request.send()).await;
                answer.map(|answer| {
                    let done = answer.successful.into_iter().map(|entry| entry.id);
                    outcomes(call, done, answer.failed)
                })
            }
            other => {
                let text = format!("SQS knows no {other:?}");
                return Err(SourceError::new(SourceErrorKind::Fatal, text));
            }
        };
        self.address.check(answer).await
    }

    fn entries<T>(
        &self,
        build: impl Fn(String, &str) -> Result<T, BuildError>,
    ) -> Result<Vec<T>, SourceError> {
        let entries = self.entries.iter();
        let entries = entries.map(|(at, settlement)| build(at.to_string(), &settlement.receipt.0));
        entries.collect::<Result<_, _>>().map_err(|error| {
            let message = format!("cannot build a batch entry: {error}");
            SourceError::new(SourceErrorKind::Fatal, message)
        })
    }

    /// Returns the result of each entry. A request that failed as a whole failed for each.
    fn results(
        &self,
        sent: Result<Outcomes, SourceError>,
    ) -> Vec<(usize, Result<(), SourceError>)> {
        let numbers = self.entries.iter().map(|(at, _)| *at);
        let result = |outcomes: &mut Outcomes, at: usize| {
            outcomes
                .remove(&at.to_string())
                .unwrap_or_else(|| Err(self.call().incomplete("a result for every entry")))
        };
        match sent {
            Ok(mut outcomes) => numbers.map(|at| (at, result(&mut outcomes, at))).collect(),
            Err(error) => numbers.map(|at| (at, Err(error.clone()))).collect(),
        }
    }
}

fn outcomes(
    call: Call<'_>,
    done: impl Iterator<Item = String>,
    failed: Vec<BatchResultErrorEntry>,
) -> Outcomes {
    let failed = failed.into_iter().map(|entry| {
        let error = call.refused(Some(&entry.code), entry.message.as_deref(), None);
        (entry.id, Err(error))
    });
    done.map(|id| (id, Ok(()))).chain(failed).collect()
}
