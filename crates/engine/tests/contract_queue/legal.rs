//! What a queue may do, though another does not. The contract finds nothing wrong with it.

use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::QueueContent;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{MessageToSend, fifo_contract, queue_source_contract};
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, Settlement};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::outcome::{is_kept, outcome};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// What is not as in other queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Liberty {
    BringsOneAtATime,
    TellsALargerReceiveLimit,
    TellsASmallerSettleLimit,
    TellsAShorterWait,
    TellsAWholeSecondAsStep,
    HasNoWaits,
    HidesHalfASecondLess,
    HidesHalfASecondMore,
    AnswersLate,
    SentTimestampInWholeSeconds,
    AttributesInAnotherOrder,
    MoreSystemAttributes,
    LosesDroppedReceivesAndSaysSo,
    SecondDeletionExpires,
    EarlierReceiptExpires,
    EarlierReceiptDeletes,
}

struct Liberal {
    clock: Clock,
    queue: MemoryQueue,
    liberty: Liberty,
    settled: std::sync::Mutex<Vec<String>>,
}

impl Liberal {
    fn new(liberty: Liberty, fifo: bool) -> Self {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
        let options = MemoryQueueOptions::default().with_fifo(fifo);
        Self {
            clock,
            queue: MemoryQueue::new(clock, options),
            liberty,
            settled: std::sync::Mutex::default(),
        }
    }

    fn takes(&self, liberty: Liberty) -> bool {
        self.liberty == liberty
    }

    async fn send(&self, asked: MessageToSend) {
        let mut message = SendMessage::new(asked.body);
        message.group = asked.group;
        message.attributes = asked.attributes;
        self.queue.send(message).unwrap();
    }

    /// Settles one delivery; a receipt reads `MESSAGE:DELIVERY`.
    async fn settle_one(&self, settlement: &Settlement) -> Result<(), SourceError> {
        let mut settlement = settlement.clone();
        let receipt = settlement.receipt.0.clone();
        let expired = Err(SourceError::new(SourceErrorKind::Expired, "too late"));
        if self.takes(Liberty::SecondDeletionExpires) {
            let mut settled = self.settled.lock().unwrap();
            if settled.contains(&receipt) {
                return expired;
            }
            settled.push(receipt);
        } else if let Some(first) = receipt.strip_suffix(":1") {
            // Whether it is the receipt of an earlier delivery is seen by whether there was a second one.
            let second = format!("{first}:2");
            let earlier = self.settled.lock().unwrap().contains(&second);
            match self.liberty {
                Liberty::EarlierReceiptExpires if earlier => return expired,
                Liberty::EarlierReceiptDeletes if earlier => settlement.receipt.0 = second,
                _ => {}
            }
        }
        self.queue.settle(&[settlement]).await?.remove(0)
    }
}

#[async_trait]
impl QueueSource for Liberal {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let mut facts = self.queue.describe().await?;
        match self.liberty {
            Liberty::TellsALargerReceiveLimit => facts.receive_limit = 50,
            Liberty::TellsASmallerSettleLimit => facts.settle_limit = 1,
            Liberty::TellsAShorterWait => facts.longest_wait = Duration::from_secs(1),
            Liberty::TellsAWholeSecondAsStep => facts.wait_step = Duration::from_secs(1),
            Liberty::HasNoWaits => {
                (facts.longest_wait, facts.wait_step) = (Duration::ZERO, Duration::ZERO);
            }
            _ => {}
        }
        Ok(facts)
    }

    async fn receive(&self, mut request: ReceiveRequest) -> Result<Received, SourceError> {
        let hidden = request
            .visibility_timeout
            .unwrap_or(Duration::from_secs(30));
        match self.liberty {
            Liberty::BringsOneAtATime => request.max = 1,
            Liberty::TellsAWholeSecondAsStep => {
                request.wait = Duration::from_secs(request.wait.as_secs());
            }
            Liberty::HasNoWaits => request.wait = Duration::ZERO,
            Liberty::HidesHalfASecondLess => {
                request.visibility_timeout = Some(hidden - HALF_A_SECOND);
            }
            Liberty::HidesHalfASecondMore => {
                request.visibility_timeout = Some(hidden + HALF_A_SECOND);
            }
            _ => {}
        }
        let mut received = self.queue.receive(request).await?;
        match self.liberty {
            Liberty::LosesDroppedReceivesAndSaysSo => yield_now().await,
            Liberty::AnswersLate => sleep(HALF_A_SECOND).await,
            _ => {}
        }
        for message in &mut received.messages {
            let QueueContent::Sqs(content) = &mut message.content else {
                unreachable!("{message:?}");
            };
            match self.liberty {
                Liberty::AttributesInAnotherOrder => {
                    content.attributes.reverse();
                    content.message_attributes.reverse();
                }
                Liberty::MoreSystemAttributes => {
                    let more = ("AWSTraceHeader".into(), "Root=1".to_owned());
                    content.attributes.push(more);
                }
                Liberty::SentTimestampInWholeSeconds => {
                    for (name, value) in &mut content.attributes {
                        if name == "SentTimestamp" {
                            value.replace_range(value.len() - 3.., "000");
                        }
                    }
                }
                _ => {}
            }
            let by_receipt = [
                Liberty::EarlierReceiptExpires,
                Liberty::EarlierReceiptDeletes,
            ];
            if message.receipt.0.ends_with(":2") && by_receipt.contains(&self.liberty) {
                self.settled.lock().unwrap().push(message.receipt.0.clone());
            }
        }
        Ok(received)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        !self.takes(Liberty::LosesDroppedReceivesAndSaysSo) && !self.takes(Liberty::AnswersLate)
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let mut results = Vec::new();
        for each in settlements {
            results.push(self.settle_one(each).await);
        }
        Ok(results)
    }
}

#[test]
fn a_queue_may_take_liberties() {
    for (liberty, because) in [
        (Liberty::BringsOneAtATime, "max is the most, not the least"),
        (
            Liberty::TellsALargerReceiveLimit,
            "a limit is the most, not the least",
        ),
        (
            Liberty::TellsASmallerSettleLimit,
            "it may do more than it tells",
        ),
        (Liberty::TellsAShorterWait, "it may do more than it tells"),
        (Liberty::TellsAWholeSecondAsStep, "SQS counts in seconds"),
        (Liberty::HasNoWaits, "it says so"),
        (
            Liberty::HidesHalfASecondLess,
            "clocks of servers are coarse",
        ),
        (
            Liberty::HidesHalfASecondMore,
            "clocks of servers are coarse",
        ),
        (Liberty::AnswersLate, "servers take their time"),
        (
            Liberty::SentTimestampInWholeSeconds,
            "clocks of servers are coarse",
        ),
        (
            Liberty::AttributesInAnotherOrder,
            "they have names, and no order",
        ),
        (
            Liberty::MoreSystemAttributes,
            "SQS has more, and invents some",
        ),
        (
            Liberty::LosesDroppedReceivesAndSaysSo,
            "its receives are never dropped",
        ),
        (
            Liberty::SecondDeletionExpires,
            "the message is gone all the same",
        ),
        (
            Liberty::EarlierReceiptExpires,
            "only the latest receipt is sure to delete",
        ),
        (
            Liberty::EarlierReceiptDeletes,
            "only the latest receipt is sure to delete",
        ),
    ] {
        for fifo in [false, true] {
            let kept = outcome(async {
                let queue = Liberal::new(liberty, fifo);
                let send = async |message| queue.send(message).await;
                queue_source_contract(&queue, queue.clock, fifo, send).await;
                if fifo {
                    fifo_contract(&queue, queue.clock, send).await;
                }
            });
            is_kept(
                &format!("{liberty:?}, which is legal since {because}"),
                kept,
            );
        }
        println!("{liberty:32} | {because}", liberty = format!("{liberty:?}"));
    }
}
