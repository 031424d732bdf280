//! What was decided about deliveries, on its way to the broker: one call at a time, with all that was decided meanwhile.

use super::action::Action;
use super::machine::PushQueueMachine;
use super::port::{DeliveryOutcome, Outcome};
use super::settlements::UnderWay;
use crate::decision::{BatchId, Decision};
use crate::fault::SourceError;
use crate::on_failure_record::Condition;
use crate::stream::CallId;
use crate::stream::item::Item;
use crate::time::Timestamp;

impl PushQueueMachine {
    /// Decides what becomes of a delivery, if it is still ours.
    pub(super) fn settle(&mut self, item: &Item, outcome: Outcome) {
        if let Some(delivery) = self.deliveries.remove(&item.ordinal) {
            let tag = delivery.tag;
            self.settlements
                .waiting
                .push(DeliveryOutcome { tag, outcome });
        }
    }

    /// Rejects messages, and tells why. There is no destination to be told.
    pub(super) fn give_up(
        &mut self,
        batch: BatchId,
        items: &[Item],
        condition: Condition,
        because: String,
    ) {
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return;
        };
        self.shared.report(Decision::Discarded {
            shard: self.name.clone(),
            batch,
            records: items.len(),
            condition,
            because,
            first: first.place.to_string(),
            last: last.place.to_string(),
            destination: None,
        });
        for item in items {
            self.settle(item, Outcome::Rejected);
        }
    }

    /// Tells the broker what was decided, unless it is being told.
    pub(super) fn send_settlements(&mut self) {
        let settlements = &mut self.settlements;
        if settlements.under_way.is_some() || settlements.waiting.is_empty() {
            return;
        }
        let Some(session) = self.link.session() else {
            return;
        };
        let outcomes = std::mem::take(&mut settlements.waiting);
        let count = |is_it: fn(Outcome) -> bool| {
            let mut all = outcomes.iter().map(|each| each.outcome);
            all.by_ref().filter(|&outcome| is_it(outcome)).count()
        };
        let id = self.shared.next_call();
        settlements.under_way = Some(UnderWay {
            id,
            accepted: count(|outcome| outcome == Outcome::Accepted),
            released: count(|outcome| matches!(outcome, Outcome::Released { .. })),
            messages: outcomes.len(),
        });
        let session = session.id;
        self.actions.push_back(Action::Settle {
            id,
            session,
            outcomes,
        });
    }

    /// Deliveries were settled, or the session is over.
    pub(super) fn settled(&mut self, now: Timestamp, id: CallId, result: Result<(), SourceError>) {
        let under_way = &mut self.settlements.under_way;
        let Some(told) = under_way.take_if(|under_way| under_way.id == id) else {
            return;
        };
        match result {
            Ok(()) => {
                if told.accepted > 0 {
                    let messages = told.accepted;
                    self.shared.report(Decision::Deleted { messages });
                }
                if told.released > 0 {
                    let messages = told.released;
                    self.shared.report(Decision::Released { messages });
                }
            }
            Err(error) => {
                self.shared.report(Decision::SettleFailed {
                    messages: told.messages,
                    error: error.message.clone(),
                });
                self.lose_session(now, error);
            }
        }
    }
}
