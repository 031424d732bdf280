//! How much one receive brings.

use super::trial::Trial;
use crate::contract::promise::holds;

/// The most messages that are sent, whatever a queue allows to receive.
const MANY: usize = 100;

/// The trial looks at the number of messages of every receive. Here more are there than any may bring.
pub(super) async fn a_receive_is_bounded(trial: &Trial<'_>) {
    let mut left = trial.facts.receive_limit.min(MANY) + 3;
    for number in 0..left {
        trial.send(&format!("one of many: {number}")).await;
    }
    let mut most = [1, 2].into_iter();
    while left > 0 {
        let max = most.next().unwrap_or(usize::MAX);
        let messages = trial.receive(max, trial.at_once()).await;
        let promise =
            "messages that are there can be received one receive after another, until none is left";
        holds(promise, !messages.is_empty(), "a message", &"none");
        trial.delete(&messages).await;
        left = left.saturating_sub(messages.len());
    }
}
