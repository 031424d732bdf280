//! What a receive leaves behind that is dropped while it waits.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::QueueMessage;
use tokio::time::{sleep, timeout};

use super::calls;
use super::ledger::{Call, SKEW};
use super::shown::body;
use super::trial::Trial;
use super::waiting::waits_for_one;
use crate::contract::promise::{equal, succeeds};
use crate::ports::Received;

/// The most points at which a receive may wait and is dropped.
pub(super) const POINTS: usize = 16;

/// How many receives wait at a time.
const RECEIVES: usize = 16;

/// After how long a receive has done all that it can without a message.
const IDLE: Duration = Duration::from_millis(1);

/// For how long a message is hidden that comes back soon.
const BRIEFLY: Duration = Duration::from_secs(1);

const NOTHING_TAKEN: &str =
    "a receive that is dropped while it waits has taken nothing: every message is there at once";

const NOT_COUNTED: &str = "a receive that is dropped while it waits is not counted as one";

/// A receive that can be dropped.
pub(super) struct Receive<'a, 't> {
    trial: &'a Trial<'t>,
    answer: BoxFuture<'a, Result<Received, SourceError>>,
    call: Call,
}

impl<'a, 't> Receive<'a, 't> {
    pub(super) fn begin(trial: &'a Trial<'t>) -> Self {
        let request = calls::request(10, trial.long_wait(), None);
        Self {
            trial,
            call: trial.call(&request),
            answer: trial.source.receive(request),
        }
    }

    /// Polls so many times at most, whenever there is something to poll for. Returns what came, unless it still
    /// waits.
    pub(super) async fn poll(&mut self, times: usize) -> Option<Vec<QueueMessage>> {
        let mut left = times;
        let polled = poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            match self.answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        let promise = "a receive answers within a bound beyond its wait";
        let answer = calls::bounded(promise, self.trial.long_wait(), polled).await?;
        let messages = succeeds("a receive succeeds, also if it is empty", answer).messages;
        self.trial.came(&messages, &self.call);
        Some(messages)
    }

    /// Polls until nothing is left to poll for but a message, or the end of the wait.
    async fn poll_until_idle(&mut self) -> Option<Vec<QueueMessage>> {
        timeout(IDLE, self.poll(usize::MAX)).await.ok().flatten()
    }
}

/// Checks that messages are there for this delivery, as if no receive had been dropped, and deletes them.
async fn are_untouched(trial: &Trial<'_>, bodies: &[&str], deliveries: u32) {
    let mut messages = Vec::new();
    while messages.len() < bodies.len() {
        let request = calls::request(10, trial.at_once(), None);
        let call = trial.call(&request);
        let page = calls::receive_hiding(trial.source, 10, trial.at_once(), None).await;
        for message in &page {
            let count = message.content.receive_count();
            equal(NOT_COUNTED, &count, &Some(deliveries));
        }
        trial.came(&page, &call);
        if page.is_empty() {
            break;
        }
        messages.extend(page);
    }
    let mut found: Vec<_> = messages.iter().map(body).collect();
    found.sort_unstable();
    equal(NOTHING_TAKEN, &found, &bodies.to_vec());
    trial.delete(&messages).await;
}

pub(super) async fn a_dropped_receive_takes_nothing(trial: &Trial<'_>) {
    for point in 1..=POINTS {
        let sent =
            ["a", "b"].map(|each| format!("there when a receive is dropped at {point}: {each}"));
        for each in &sent {
            trial.send(each).await;
        }
        let mut receive = Receive::begin(trial);
        let came = receive.poll(point).await;
        drop(receive);
        match came {
            None => are_untouched(trial, &[&sent[0], &sent[1]], 1).await,
            Some(messages) => {
                trial.delete(&messages).await;
                let came =
                    |body: &&str| messages.iter().any(|message| self::body(message) == *body);
                let left = sent.iter().map(String::as_str);
                let left: Vec<_> = left.filter(|body| !came(body)).collect();
                return are_untouched(trial, &left, 1).await;
            }
        }
    }
}

/// How a message comes while a receive waits.
#[derive(Clone, Copy, Debug)]
enum Coming {
    Sent,
    Released,
    NoLongerHidden,
}

/// How far a receive is when a message comes, and how long after that it is dropped.
#[derive(Clone, Copy, Debug)]
enum Moment {
    AtTheFirstPoint,
    Waiting,
    SomeTimeAfter,
}

pub(super) async fn a_message_that_comes_as_a_receive_is_dropped_stays(trial: &Trial<'_>) {
    for coming in [Coming::Sent, Coming::Released, Coming::NoLongerHidden] {
        for moment in [
            Moment::AtTheFirstPoint,
            Moment::Waiting,
            Moment::SomeTimeAfter,
        ] {
            for point in 0..=POINTS {
                let sent = format!("{coming:?} as a receive is dropped, {moment:?}: {point}");
                if is_taken(trial, coming, moment, point, &sent).await {
                    break;
                }
            }
        }
    }
    let mut receive = Receive::begin(trial);
    receive.poll_until_idle().await;
    drop(receive);
    trial.send("comes after a receive was dropped").await;
    are_untouched(trial, &["comes after a receive was dropped"], 1).await;
}

/// Lets a message come to a receive, and drops that. Returns whether the receive took the message before that.
async fn is_taken(
    trial: &Trial<'_>,
    coming: Coming,
    moment: Moment,
    point: usize,
    sent: &str,
) -> bool {
    let mut before = Vec::new();
    if !matches!(coming, Coming::Sent) {
        trial.send(sent).await;
        before = trial
            .receive_hiding(1, trial.at_once(), Some(BRIEFLY))
            .await;
    }
    let mut receive = Receive::begin(trial);
    let came = match moment {
        Moment::AtTheFirstPoint => receive.poll(1).await,
        Moment::Waiting | Moment::SomeTimeAfter => receive.poll_until_idle().await,
    };
    equal("a receive that finds nothing waits", &came, &None);
    match coming {
        Coming::Sent => trial.send(sent).await,
        Coming::Released => trial.release(&before).await,
        Coming::NoLongerHidden => sleep(BRIEFLY + SKEW).await,
    }
    if matches!(moment, Moment::SomeTimeAfter) {
        sleep(IDLE * 10).await;
    }
    let came = receive.poll(point).await;
    drop(receive);
    match came {
        Some(messages) if !messages.is_empty() => {
            trial.delete(&messages).await;
            true
        }
        _ => {
            let deliveries = if before.is_empty() { 1 } else { 2 };
            are_untouched(trial, &[sent], deliveries).await;
            false
        }
    }
}

pub(super) async fn many_receives_may_be_dropped(trial: &Trial<'_>) {
    let mut receives = Vec::new();
    for _ in 0..RECEIVES {
        let mut receive = Receive::begin(trial);
        receive.poll_until_idle().await;
        receives.push(receive);
    }
    let mut left = BTreeSet::new();
    for number in 0..RECEIVES / 2 {
        let sent = format!("comes as many receives are dropped: {number}");
        trial.send(&sent).await;
        left.insert(sent);
    }
    // Every third takes what there is, the others are dropped with what has been given to them.
    let mut taken = Vec::new();
    for receive in receives.iter_mut().step_by(3) {
        taken.extend(receive.poll(1).await.unwrap_or_default());
    }
    drop(receives);
    for message in &taken {
        left.remove(body(message));
    }
    trial.delete(&taken).await;
    let left: Vec<_> = left.iter().map(String::as_str).collect();
    are_untouched(trial, &left, 1).await;
}

pub(super) async fn a_receive_that_still_waits_is_served(trial: &Trial<'_>) {
    let mut dropped = Receive::begin(trial);
    dropped.poll_until_idle().await;
    let promise = "a receive that still waits gets a message that came as another was dropped";
    let send = async {
        sleep(IDLE * 10).await;
        trial.send("comes as another receive is dropped").await;
        drop(dropped);
    };
    let (messages, ()) = tokio::join!(waits_for_one(trial, promise), send);
    trial.delete(&messages).await;
}
