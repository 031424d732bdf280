//! Giving records up: the on-failure destination is told first, and then they are rejected (Lambda developer guide,
//! "Capturing discarded batches for … self-managed Apache Kafka event sources").
//!
//! A destination that cannot be told is tried again while the locks hold, and at last the records are released: the group
//! delivers them again, or archives them if it has delivered them as often as it does.

use super::config::ShareGroupConfig;
use super::documents;
use super::give_ups::DeliveryId;
use super::given_up::GivenUp;
use super::renewals::Holder;
use super::tries::Tries;
use crate::backoff::Backoff;
use crate::batching::Batch;
use crate::decision::Decision;
use crate::event::RECORDS;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::DeliveryError;
use crate::mapping::KafkaDestination;
use crate::on_failure_record::{Condition, FailureRecord};
use crate::queue::action::Action;
use crate::queue::delivery::Delivery;
use crate::queue::encoder::QueueEncoder;
use crate::queue::machine::QueueMachine;
use crate::queue::port::SettleVerb;
use crate::queue::timer::Timer;
use crate::record::QueueMessage;
use crate::stream::ShardId;
use crate::time::{self, Timestamp};

/// How often a delivery is tried. Lambda documents no number.
const DELIVERY_TRIES: u32 = 5;

impl QueueMachine {
    /// Gives up records, but for those whose lock is lost: they are delivered again, and nothing is told of them.
    pub(super) fn give_up(&mut self, now: Timestamp, mut given_up: GivenUp) {
        let (Some(group), QueueEncoder::Kafka(encoder)) =
            (self.config.share_group.clone(), self.config.encoder.clone())
        else {
            return;
        };
        given_up.records.retain(|delivery| !delivery.is_lost());
        let items = &given_up.records.items;
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return;
        };
        self.report(Decision::Discarded {
            shard: ShardId::new(encoder.topic()),
            batch: given_up.batch,
            records: items.len(),
            condition: given_up.condition,
            because: given_up.because.clone(),
            first: first.id.clone(),
            last: last.id.clone(),
            destination: group.destination(),
        });
        let told = documents::Told {
            group: &group,
            encoder: &encoder,
            given_up: &given_up,
            now,
        };
        let told: Vec<(Vec<Delivery>, FailureRecord)> = match &group.on_failure {
            None => Vec::new(),
            Some(KafkaDestination::Aws(destination)) => {
                let record = told.record(destination, &mut self.random);
                vec![(items.clone(), record)]
            }
            // One message for each record.
            Some(KafkaDestination::Topic(_)) => (0..items.len())
                .map(|at| {
                    let one = given_up.records.pick([at]);
                    let record = told.topic_record(&one, &mut self.random);
                    (one.items, record)
                })
                .collect(),
        };
        if told.is_empty() {
            self.settle(None, SettleVerb::Reject, given_up.records.items);
        }
        for (deliveries, record) in told {
            let id = self.share.give_ups.begin(deliveries, record.clone());
            self.keep_locks(Holder::GivenUp(id));
            self.actions.push_back(Action::Deliver { id, record });
        }
    }

    /// Gives up a record that the function is never to see.
    pub(in crate::queue) fn give_up_unseen(
        &mut self,
        now: Timestamp,
        message: &QueueMessage,
        delivery: Delivery,
        (condition, because): (Condition, String),
    ) {
        let mut fragment = Vec::new();
        let encoder = &self.config.encoder;
        encoder.write(
            &mut fragment,
            &message.id,
            &message.receipt,
            &message.content,
        );
        let records = Batch::of_one(delivery, &fragment, RECORDS);
        let (batch, tries) = (self.in_flight.next_id(), Tries::default());
        let given_up = GivenUp::of_batch(batch, condition, records, tries, because);
        self.give_up(now, given_up);
    }

    /// The destination was told, or could not be.
    pub(in crate::queue) fn delivered(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        result: Result<(), DeliveryError>,
    ) {
        let Some(group) = self.config.share_group.clone() else {
            return;
        };
        let limit = group
            .retries
            .last_delivery(u32::MAX, self.config.facts.delivery_limit);
        let shard = match &self.config.encoder {
            QueueEncoder::Kafka(encoder) => ShardId::new(encoder.topic()),
            QueueEncoder::Sqs(_) => return,
        };
        let Some(give_up) = self.share.give_ups.under_way(id) else {
            return;
        };
        let (records, tries) = (give_up.deliveries.len(), give_up.tries);
        let Err(error) = result else {
            let destination = group.destination().unwrap_or_default();
            let deliveries = self.share.give_ups.end(id);
            self.report(Decision::Delivered {
                shard,
                records,
                destination,
            });
            self.settle(None, SettleVerb::Reject, deliveries);
            return;
        };
        let error = excerpt(&error.message, LONGEST_TEXT);
        let wait = Backoff::INVOKE.wait(tries, &mut self.random);
        let retry_at = now + wait;
        let mut held = give_up.deliveries.iter();
        let held = self.config.facts.can_renew || held.any(|one| one.hidden_until > retry_at);
        if tries < DELIVERY_TRIES && held {
            give_up.retry_at = Some(retry_at);
            self.timers.insert((retry_at, Timer::Deliver(id)));
            self.report(Decision::DeliveryDeferred {
                shard,
                records,
                error,
                tries,
                retry_ms: time::millis(wait),
            });
            return;
        }
        let deliveries = self.share.give_ups.end(id);
        self.report_untold(&group, shard, &deliveries, limit, (error, tries));
        self.settle(None, SettleVerb::Release, deliveries);
    }

    /// Tells what comes of records of which the destination could not be told: some are delivered again, and some were
    /// delivered as often as the group does it.
    fn report_untold(
        &mut self,
        group: &ShareGroupConfig,
        shard: ShardId,
        deliveries: &[Delivery],
        limit: u32,
        (error, tries): (String, u32),
    ) {
        let archived = deliveries
            .iter()
            .filter(|one| one.receives >= limit)
            .count();
        let again = deliveries.len() - archived;
        if again > 0 {
            self.report(Decision::DeliveryDeferred {
                shard: shard.clone(),
                records: again,
                error: error.clone(),
                tries,
                retry_ms: 0,
            });
        }
        if archived > 0 {
            self.report(Decision::DeliveryFailed {
                shard,
                records: archived,
                destination: group.destination().unwrap_or_default(),
                error,
            });
        }
    }

    /// Tells the destination again, if that is due at this time.
    pub(in crate::queue) fn deliver_again(&mut self, at: Timestamp, id: DeliveryId) {
        if let Some(record) = self.share.give_ups.again(at, id) {
            self.actions.push_back(Action::Deliver { id, record });
        }
    }
}
