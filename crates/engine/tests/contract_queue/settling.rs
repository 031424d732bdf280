//! Faults in how deliveries are settled.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::Receipt;
use lambda_esm_engine::memory::SendMessage;
use lambda_esm_engine::ports::{QueueSource as _, SettleVerb, Settlement};

use crate::fault::Fault;
use crate::faulty::Faulty;

type Results = Vec<Result<(), SourceError>>;

/// How long a release takes that is late.
const A_WHILE: Duration = Duration::from_secs(5);

impl Faulty {
    /// Settles with the fault, if it is one of settling.
    pub(crate) async fn settle_wrongly(
        &self,
        settlements: &[Settlement],
    ) -> Result<Results, SourceError> {
        self.refuse(settlements).await?;
        let real = self.really(settlements);
        let settled: Vec<_> = real.iter().flatten().cloned().collect();
        let mut settled = self.queue.settle(&settled).await?.into_iter();
        // What is not settled is said to be nevertheless.
        let mut result = |each: &Option<Settlement>| each.as_ref().map(|_| settled.next().unwrap());
        let results = real.iter().map(|each| result(each).unwrap_or(Ok(())));
        let mut results: Results = results.collect();
        let failed = results.iter().any(Result::is_err);
        match self.fault {
            Some(Fault::ResultsReversed) => results.reverse(),
            Some(Fault::ResultsByVerb) => results = by_verb(settlements, &results),
            Some(Fault::FailuresLast) => results.sort_by_key(Result::is_err),
            Some(Fault::TooFewResults) => drop(results.pop()),
            Some(Fault::TooManyResults) if !results.is_empty() => results.push(Ok(())),
            Some(Fault::UnknownSucceeds) => results.fill(Ok(())),
            Some(Fault::UnknownFailsTheCall) if failed => {
                return Err(self.error(SourceErrorKind::Expired));
            }
            Some(Fault::UnknownIsTransient) => {
                for result in results.iter_mut().filter(|each| each.is_err()) {
                    *result = Err(self.error(SourceErrorKind::Transient));
                }
            }
            Some(Fault::DeleteFails) => {
                for (result, each) in results.iter_mut().zip(settlements) {
                    if each.verb == SettleVerb::Delete {
                        *result = Err(self.error(SourceErrorKind::Expired));
                    }
                }
            }
            Some(Fault::SettledAgainIsFatal) => {
                let state = self.state();
                for (result, each) in results.iter_mut().zip(settlements) {
                    if each.receipt.0.contains(':') && state.settled.contains(&each.receipt) {
                        *result = Err(self.error(SourceErrorKind::Fatal));
                    }
                }
            }
            _ => {}
        }
        self.spoil_others(settlements).await?;
        if self.has(Fault::IsNotWokenWhenAMessageComesBack) {
            self.sent.notify_waiters();
        }
        self.hand_over().await;
        let mut state = self.state();
        for each in settlements {
            state.settled.push(each.receipt.clone());
            state.in_flight.retain(|receipt| *receipt != each.receipt);
        }
        Ok(results)
    }

    /// Fails a call that should succeed.
    async fn refuse(&self, settlements: &[Settlement]) -> Result<(), SourceError> {
        let fatal = Err(self.error(SourceErrorKind::Fatal));
        let settled = {
            let state = self.state();
            let mut receipts = settlements.iter().map(|each| &each.receipt);
            receipts.any(|receipt| state.settled.contains(receipt))
        };
        match self.fault {
            Some(Fault::SettleNeverAnswers) => std::future::pending().await,
            Some(Fault::SettleWaitsForReceives) => {
                drop(self.turn.lock().await);
                Ok(())
            }
            Some(Fault::SettlingNothingFails) if settlements.is_empty() => fatal,
            Some(Fault::TellsALargerSettleLimit) if settlements.len() > 10 => fatal,
            Some(Fault::SettledAgainFailsTheCall) if settled => fatal,
            _ => Ok(()),
        }
    }

    /// Returns what is really settled, `None` where nothing is.
    fn really(&self, settlements: &[Settlement]) -> Vec<Option<Settlement>> {
        let unknown = |each: &Settlement| each.receipt.0.contains("no-such");
        let spoilt = self.has(Fault::UnknownSpoilsTheOthers) && settlements.iter().any(unknown);
        let limit = match self.fault {
            Some(Fault::SettlesOnlyTheFirst) => 1,
            Some(Fault::SettlesFewerThanTheLimit) => 9,
            _ => usize::MAX,
        };
        let real = settlements.iter().enumerate().map(|(number, each)| {
            let left_out = number >= limit || spoilt;
            let mut real = each.clone();
            (unknown(each) || !left_out && self.really_settled(&mut real)).then_some(real)
        });
        real.collect()
    }

    /// Changes one settlement; tells whether it is carried out at all.
    fn really_settled(&self, settlement: &mut Settlement) -> bool {
        use SettleVerb::{Delete, Release};
        let verb = settlement.verb;
        match (self.fault, verb) {
            (Some(Fault::DeleteOnlyHides), Delete) => return false,
            (Some(Fault::DeletesOnlyAFirstDelivery), Delete) => {
                return settlement.receipt.0.ends_with(":1");
            }
            (Some(Fault::ReleaseDoesNothing), Release) => return false,
            (Some(Fault::ReleaseHidesForAWhile), Release) => {
                let due = self.clock.now() + A_WHILE;
                self.state()
                    .releases
                    .push((due, settlement.receipt.clone()));
                return false;
            }
            (Some(Fault::DeleteReleases), Delete) => settlement.verb = Release,
            (Some(Fault::ReleaseDeletes), Release) => settlement.verb = Delete,
            (Some(Fault::ReleasesBySendingAnew), Release) => {
                settlement.verb = Delete;
                self.send_anew(&settlement.receipt);
            }
            (Some(Fault::OneReceiptForAll), _) => {
                if let Some(latest) = self.state().in_flight.last() {
                    settlement.receipt = latest.clone();
                }
            }
            // Only the latest receipt is good within.
            (Some(Fault::SameReceiptAgain), _) => {
                let state = self.state();
                let mut receipts = state.receipts.values();
                if let Some((_, latest)) = receipts.find(|(first, _)| *first == settlement.receipt)
                {
                    settlement.receipt = latest.clone();
                }
            }
            _ => {}
        }
        true
    }

    fn body_of(&self, receipt: &Receipt) -> Option<String> {
        self.sent(receipt).map(|message| message.body)
    }

    /// Returns what was sent. A receipt in memory begins with the number of its message.
    fn sent(&self, receipt: &Receipt) -> Option<SendMessage> {
        let number: usize = receipt.0.split(':').next()?.parse().ok()?;
        self.state().messages.get(number.checked_sub(1)?).cloned()
    }

    /// Sends the message of a receipt again, as a new one.
    fn send_anew(&self, receipt: &Receipt) {
        if let Some(message) = self.sent(receipt) {
            self.state().messages.push(message.clone());
            self.queue.send(message).unwrap();
        }
    }

    /// Settles deliveries that were not named.
    async fn spoil_others(&self, settlements: &[Settlement]) -> Result<(), SourceError> {
        let Some(first) = settlements.first() else {
            return Ok(());
        };
        let verb = match (self.fault, first.verb) {
            (Some(Fault::DeletesAll | Fault::DeletesEquals), SettleVerb::Delete) => {
                SettleVerb::Delete
            }
            (Some(Fault::ReleasesAll), SettleVerb::Release)
            | (Some(Fault::DeleteReleasesOthers), SettleVerb::Delete) => SettleVerb::Release,
            _ => return Ok(()),
        };
        let mut others = std::mem::take(&mut self.state().in_flight);
        if self.has(Fault::DeletesEquals) {
            let body = self.body_of(&first.receipt);
            others.retain(|receipt| self.body_of(receipt) == body);
        }
        let named = |receipt: &Receipt| settlements.iter().any(|each| each.receipt == *receipt);
        let others = others.into_iter().filter(|receipt| !named(receipt));
        let others: Vec<_> = others
            .map(|receipt| Settlement::new(receipt, verb))
            .collect();
        // Some of them are over.
        drop(self.queue.settle(&others).await?);
        Ok(())
    }
}

/// Returns the results as from two requests, one after the other.
fn by_verb(settlements: &[Settlement], results: &Results) -> Results {
    let of = |verb| {
        let both = settlements.iter().zip(results);
        let those = both.filter(move |(each, _)| each.verb == verb);
        those.map(|(_, result)| result.clone())
    };
    of(SettleVerb::Delete)
        .chain(of(SettleVerb::Release))
        .collect()
}
