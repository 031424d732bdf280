//! Faults in how messages are received: for how long, how many, by whom, and what a dropped receive leaves behind.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt};
use lambda_esm_engine::ports::{
    QueueSource as _, ReceiveRequest, Received, SettleVerb, Settlement,
};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::fault::Fault;
use crate::faulty::Faulty;

const SECOND: Duration = Duration::from_secs(1);

/// The visibility timeout of the queue.
const VISIBILITY: Duration = Duration::from_secs(30);

impl Faulty {
    /// Returns what is really asked of the queue.
    pub(crate) fn asked(&self, mut request: ReceiveRequest) -> ReceiveRequest {
        let hidden = request.visibility_timeout;
        match self.fault {
            Some(Fault::TellsALongerWait) => request.wait = request.wait.min(SECOND),
            Some(Fault::TellsAFinerStep) => {
                request.wait = Duration::from_secs(request.wait.as_secs());
            }
            Some(Fault::DoesNotWait) => request.wait = Duration::ZERO,
            Some(Fault::WaitsTwiceAsLong) => request.wait *= 2,
            Some(Fault::WaitsAsLongAsItCan) => request.wait = 20 * SECOND,
            Some(Fault::NeverComesBack) => request.visibility_timeout = Some(VISIBILITY * 1000),
            Some(Fault::HidesHalfAsLong) => {
                request.visibility_timeout = Some(hidden.unwrap_or(VISIBILITY) / 2);
            }
            Some(Fault::HidesHalfAsLongByItself) => {
                request.visibility_timeout = Some(hidden.unwrap_or(VISIBILITY / 2));
            }
            Some(Fault::HidesTwiceAsLong) => {
                request.visibility_timeout = Some(hidden.unwrap_or(VISIBILITY) * 2);
            }
            Some(Fault::OverrideStays) => {
                let mut state = self.state();
                state.hidden = hidden.or(state.hidden);
                request.visibility_timeout = state.hidden;
            }
            Some(Fault::NeverComesBackTwice) if hidden >= Some(3 * SECOND) => {
                let before = self.state().hidden.replace(hidden.unwrap_or_default());
                if hidden == before {
                    request.visibility_timeout = Some(VISIBILITY * 1000);
                }
            }
            Some(Fault::DoesNotHide) => request.visibility_timeout = Some(Duration::ZERO),
            Some(Fault::IgnoresTheOverride) => request.visibility_timeout = None,
            Some(Fault::IgnoresAShorterOverride) => {
                request.visibility_timeout = hidden.map(|asked| asked.max(VISIBILITY));
            }
            Some(Fault::IgnoresALongerOverride) => {
                request.visibility_timeout = hidden.map(|asked| asked.min(VISIBILITY));
            }
            Some(Fault::IgnoresMax) => request.max = usize::MAX,
            Some(Fault::OneMoreThanMax) => request.max = request.max.saturating_add(1),
            _ => {}
        }
        request
    }

    /// Receives from the queue.
    pub(crate) async fn take(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        match self.fault {
            Some(Fault::NeverAnswersWhenEmpty | Fault::FailsWhenEmpty) => {
                let received = self.queue.receive(request).await?;
                if !received.messages.is_empty() {
                    return Ok(received);
                }
                if self.has(Fault::NeverAnswersWhenEmpty) {
                    std::future::pending::<()>().await;
                }
                Err(self.error(SourceErrorKind::Transient))
            }
            Some(Fault::SpinsWhileItWaits) => {
                let deadline = Instant::now() + request.wait;
                loop {
                    let received = self.look(request).await?;
                    if !received.messages.is_empty() || Instant::now() >= deadline {
                        return Ok(received);
                    }
                    yield_now().await;
                }
            }
            Some(Fault::RefusesALongWait) if request.wait > 20 * SECOND => {
                Err(self.error(SourceErrorKind::Fatal))
            }
            Some(Fault::WaitsAlone | Fault::SettleWaitsForReceives) => {
                let _turn = self.turn.lock().await;
                self.queue.receive(request).await
            }
            Some(Fault::TwiceInOneAnswer) if request.max > 1 => {
                let mut received = self.queue.receive(request).await?;
                let first = received.messages.first().cloned();
                received.messages.truncate(request.max.min(10) - 1);
                received.messages.extend(first);
                Ok(received)
            }
            Some(Fault::DeliversTwiceToThreads | Fault::LosesBetweenThreads) => {
                self.take_without_a_lock(request).await
            }
            Some(Fault::OverridesOnlyTheFirst) if request.max > 1 => {
                let mut received = self.queue.receive(request.with_max(1)).await?;
                let rest = request
                    .with_max(request.max.min(10) - received.messages.len())
                    .with_visibility_timeout(None);
                received.messages.extend(self.look(rest).await?.messages);
                Ok(received)
            }
            Some(Fault::DeliversWhatNobodySent) => {
                let mut received = self.queue.receive(request).await?;
                if let Some(mut message) = received.messages.pop() {
                    let QueueContent::Sqs(content) = &mut message.content else {
                        unreachable!("{message:?}");
                    };
                    content.body = "a test message".into();
                    received.messages.push(message);
                }
                Ok(received)
            }
            Some(Fault::LooksOnlyWhenTheWaitEnds) => {
                sleep(request.wait).await;
                self.look(request).await
            }
            Some(Fault::LooksTooSeldom) => {
                let deadline = Instant::now() + request.wait;
                loop {
                    let received = self.look(request).await?;
                    if !received.messages.is_empty() || Instant::now() >= deadline {
                        return Ok(received);
                    }
                    sleep_until(deadline.min(Instant::now() + 5 * SECOND)).await;
                }
            }
            Some(Fault::IsNotWokenByARelease | Fault::IsNotWokenWhenAMessageComesBack) => {
                self.take_when_told(request).await
            }
            Some(Fault::WaitsForAFullBatch) => self.take_a_full_batch(request).await,
            Some(Fault::BeyondMaxIsLost) => {
                let all = request.with_max(10);
                let mut received = self.queue.receive(all).await?;
                received.messages.truncate(request.max);
                Ok(received)
            }
            Some(Fault::ReleaseHidesForAWhile | Fault::EndsWithAnEarlierTimeout) => {
                self.take_and_release_what_is_due(request).await
            }
            Some(Fault::DeliversTwiceAtATime | Fault::LosesBetweenReceives) => {
                self.take_beside_others(request).await
            }
            Some(Fault::WakesOneReceive | Fault::LosesTheWakeUp) => {
                self.take_in_turn(request).await
            }
            Some(Fault::LosesWhatADroppedReceiveWasHanded) => {
                self.take_what_is_handed(request).await
            }
            Some(
                Fault::LosesWhatADroppedReceiveTook
                | Fault::LosesAfterASecondLook
                | Fault::LosesWhatCameBack
                | Fault::CountsADroppedReceive
                | Fault::GivesBackLate,
            ) => self.take_and_look_again(request).await,
            Some(Fault::GoesOnWhenDropped) => {
                let queue = self.queue.clone();
                tokio::spawn(async move { queue.receive(request).await })
                    .await
                    .unwrap()
            }
            _ => self.queue.receive(request).await,
        }
    }

    /// Receives what is there.
    async fn look(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let wait = Duration::ZERO;
        self.queue.receive(request.with_wait(wait)).await
    }

    /// Looks again only when a message was sent, and perhaps when one was released.
    async fn take_when_told(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let deadline = Instant::now() + request.wait;
        loop {
            let told = self.sent.notified();
            let received = self.look(request).await?;
            if !received.messages.is_empty() || Instant::now() >= deadline {
                return Ok(received);
            }
            // Too late is no error here: the queue is looked at once more.
            timeout_at(deadline, told).await.unwrap_or_default();
        }
    }

    async fn take_a_full_batch(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let deadline = Instant::now() + request.wait;
        let mut all = Received::default();
        loop {
            let max = request.max.min(10) - all.messages.len();
            let wait = deadline.saturating_duration_since(Instant::now());
            let rest = request.with_max(max).with_wait(wait);
            all.messages
                .extend(self.queue.receive(rest).await?.messages);
            if all.messages.len() >= request.max.min(10) || Instant::now() >= deadline {
                return Ok(all);
            }
        }
    }

    async fn take_and_release_what_is_due(
        &self,
        request: ReceiveRequest,
    ) -> Result<Received, SourceError> {
        let deadline = Instant::now() + request.wait;
        loop {
            let now = self.clock.now();
            let due: Vec<_> = {
                let mut state = self.state();
                let due = |(at, _): &mut (_, _)| *at <= now;
                state.releases.extract_if(.., due).collect()
            };
            for (_, receipt) in due {
                self.release(receipt).await?;
            }
            let received = self.look(request).await?;
            if self.has(Fault::EndsWithAnEarlierTimeout) {
                let due = now + request.visibility_timeout.unwrap_or(VISIBILITY);
                for message in &received.messages {
                    let next = next_receipt(&message.receipt);
                    self.state().releases.push((due, next));
                }
            }
            if !received.messages.is_empty() || Instant::now() >= deadline {
                return Ok(received);
            }
            sleep_until(deadline.min(Instant::now() + SECOND / 10)).await;
        }
    }

    /// Takes messages that another receive has taken as well, or loses those that were taken beside one.
    async fn take_beside_others(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.state().open += 1;
        let mut received = self.queue.receive(request).await?;
        let mut state = self.state();
        state.open -= 1;
        if self.has(Fault::LosesBetweenReceives) {
            if state.open > 0 {
                received.messages.clear();
            }
        } else if state.open > 0 {
            state.copies.extend(received.messages.iter().cloned());
        } else {
            let copies = std::mem::take(&mut state.copies);
            received.messages = copies
                .into_iter()
                .take(1)
                .chain(received.messages)
                .collect();
            received.messages.truncate(request.max);
        }
        Ok(received)
    }

    /// Takes what another thread has taken as well, or loses what was taken beside one. No receive in the same thread
    /// comes between, since nothing is waited for.
    async fn take_without_a_lock(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let mut received = self.queue.receive(request).await?;
        self.state().open += 1;
        std::thread::sleep(Duration::from_micros(20));
        let mut state = self.state();
        state.open -= 1;
        if state.open > 0 && self.has(Fault::LosesBetweenThreads) {
            received.messages.clear();
        } else if state.open > 0 {
            state.copies.extend(received.messages.iter().cloned());
        } else if let Some(copy) = state.copies.pop() {
            received.messages.insert(0, copy);
            received.messages.truncate(request.max);
        }
        Ok(received)
    }

    /// Waits in a row, of which each message that is sent wakes the first.
    async fn take_in_turn(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let deadline = Instant::now() + request.wait;
        loop {
            let received = self.look(request).await?;
            let now = Instant::now();
            if !received.messages.is_empty() || now >= deadline {
                let hidden = request.visibility_timeout.unwrap_or(VISIBILITY);
                self.state().visible.push(now + hidden);
                return Ok(received);
            }
            let (told, tell) = oneshot::channel();
            let next = {
                let mut state = self.state();
                state.waiting.push_back(told);
                let next = state.visible.iter().filter(|at| **at > now).min();
                next.map_or(deadline, |next| deadline.min(*next))
            };
            // Told or not, the queue is looked at once more.
            drop(timeout_at(next, tell).await);
        }
    }

    /// Waits for a message to be handed over, if none is there.
    async fn take_what_is_handed(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let received = self.look(request).await?;
        if !received.messages.is_empty() || request.wait.is_zero() {
            return Ok(received);
        }
        let (hand, handed) = oneshot::channel();
        self.state().waiting.push_back(hand);
        let released = self.queue.receive(request);
        tokio::select! {
            biased;
            Ok(Some(message)) = handed => Ok(vec![message].into()),
            received = released => received,
        }
    }

    /// Tells the first receive that waits, or hands it a message.
    pub(crate) async fn hand_over(&self) {
        match self.fault {
            Some(Fault::LosesTheWakeUp | Fault::WakesOneReceive) => {
                if let Some(tell) = self.first_in_row() {
                    // Whether the receive goes on to look is what nobody asks.
                    tell.send(None).unwrap_or_default();
                }
                if self.has(Fault::WakesOneReceive) {
                    // Kept, since a sender that is dropped wakes its receive.
                    let mut state = self.state();
                    let rest = std::mem::take(&mut state.waiting);
                    state.forgotten.extend(rest);
                }
            }
            Some(Fault::LosesWhatADroppedReceiveWasHanded) => {
                if let Some(hand) = self.first_in_row() {
                    let one = ReceiveRequest::new(1, Duration::ZERO);
                    let mut taken = self.queue.receive(one).await.unwrap();
                    hand.send(taken.messages.pop()).unwrap_or_default();
                }
            }
            _ => {}
        }
    }

    fn first_in_row(&self) -> Option<oneshot::Sender<Option<QueueMessage>>> {
        let mut state = self.state();
        state.waiting.retain(|each| !each.is_closed());
        state.waiting.pop_front()
    }

    /// Has taken messages, and waits once more before it returns them.
    async fn take_and_look_again(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let mut received = self.queue.receive(request).await?;
        let again = |message: &QueueMessage| message.content.receive_count() > Some(1);
        if self.has(Fault::LosesWhatCameBack) && !received.messages.iter().any(again) {
            return Ok(received);
        }
        if self.has(Fault::LosesAfterASecondLook) {
            sleep(SECOND / 20).await;
            return Ok(received);
        }
        let mut taken = GivenBack {
            faulty: self,
            messages: std::mem::take(&mut received.messages),
        };
        yield_now().await;
        received.messages = std::mem::take(&mut taken.messages);
        Ok(received)
    }

    async fn release(&self, receipt: Receipt) -> Result<(), SourceError> {
        let verb = SettleVerb::Release;
        let results = self.queue.settle(&[Settlement::new(receipt, verb)]).await?;
        // A delivery that is over needs no release.
        drop(results);
        Ok(())
    }
}

/// Returns the receipt of the delivery after this one; in memory it reads `MESSAGE:DELIVERY`.
fn next_receipt(receipt: &Receipt) -> Receipt {
    let (message, delivery) = receipt.0.split_once(':').unwrap();
    let next = delivery.parse::<u32>().unwrap() + 1;
    Receipt(format!("{message}:{next}"))
}

/// What a dropped receive has taken, and gives back late, early, or not at all.
struct GivenBack<'a> {
    faulty: &'a Faulty,
    messages: Vec<QueueMessage>,
}

impl Drop for GivenBack<'_> {
    fn drop(&mut self) {
        let after = match self.faulty.fault {
            Some(Fault::CountsADroppedReceive) => Duration::ZERO,
            Some(Fault::GivesBackLate) => 5 * SECOND,
            _ => return,
        };
        let messages = std::mem::take(&mut self.messages);
        let queue = self.faulty.queue.clone();
        tokio::spawn(async move {
            sleep(after).await;
            let release =
                |message: QueueMessage| Settlement::new(message.receipt, SettleVerb::Release);
            let settlements: Vec<_> = messages.into_iter().map(release).collect();
            queue.settle(&settlements).await.unwrap();
        });
    }
}
