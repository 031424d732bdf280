//! Which frames settle deliveries.

use std::collections::BTreeSet;

use lambda_esm_core::push_queue::{DeliveryOutcome, Outcome};

/// What a frame says of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are done with.
    Ack,
    /// They are dead letters.
    Reject,
    /// They go back to the queue.
    Requeue,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) verdict: Verdict,
    pub(crate) tag: u64,
    /// Whether it is also about all deliveries before it that are not settled.
    pub(crate) multiple: bool,
}

/// Returns the frames that settle these deliveries, and takes them out of the outstanding ones. Those that are not
/// outstanding are left out: a broker closes a channel that settles twice.
///
/// What goes back does so first, and from the oldest on: whatever else is settled makes room for the next messages. Classic
/// queues give each message its old place, and so do quorum queues with a delivery limit; those without put it at their end.
pub(crate) fn frames(outstanding: &mut BTreeSet<u64>, outcomes: &[DeliveryOutcome]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for verdict in [Verdict::Requeue, Verdict::Reject, Verdict::Ack] {
        let chosen = outcomes.iter().filter(|one| of(one.outcome) == verdict);
        let mut tags: BTreeSet<u64> = chosen.map(|one| one.tag.0).collect();
        let mut first = None;
        while let Some(tag) = outstanding.first().copied()
            && tags.remove(&tag)
        {
            outstanding.remove(&tag);
            first = Some(Frame {
                verdict,
                tag,
                multiple: first.is_some(),
            });
        }
        frames.extend(first);
        tags.retain(|tag| outstanding.remove(tag));
        frames.extend(tags.into_iter().map(|tag| Frame {
            verdict,
            tag,
            multiple: false,
        }));
    }
    frames
}

const fn of(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Accepted => Verdict::Ack,
        Outcome::Rejected => Verdict::Reject,
        Outcome::Released { .. } => Verdict::Requeue,
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::record::DeliveryTag;

    use super::*;

    const RELEASED: Outcome = Outcome::Released { failed: true };

    fn settled(
        outstanding: impl IntoIterator<Item = u64>,
        outcomes: &[(u64, Outcome)],
    ) -> (Vec<(Verdict, u64, bool)>, Vec<u64>) {
        let mut outstanding = outstanding.into_iter().collect();
        let outcome = |&(tag, outcome): &(u64, Outcome)| DeliveryOutcome {
            tag: DeliveryTag(tag),
            outcome,
        };
        let outcomes: Vec<_> = outcomes.iter().map(outcome).collect();
        let frames = frames(&mut outstanding, &outcomes);
        let shown = frames.iter().map(|f| (f.verdict, f.tag, f.multiple));
        (shown.collect(), outstanding.into_iter().collect())
    }

    #[test]
    fn one_frame_settles_all_that_have_none_before_them() {
        let outcomes = [3, 1, 2].map(|tag| (tag, Outcome::Accepted));
        let (frames, left) = settled(1..=5, &outcomes);
        assert_eq!(frames, [(Verdict::Ack, 3, true)]);
        assert_eq!(left, [4, 5]);
    }

    #[test]
    fn what_stands_behind_an_outstanding_one_is_settled_alone() {
        let outcomes = [2, 4, 1].map(|tag| (tag, Outcome::Accepted));
        let (frames, left) = settled(1..=5, &outcomes);
        assert_eq!(frames, [(Verdict::Ack, 2, true), (Verdict::Ack, 4, false)]);
        assert_eq!(left, [3, 5]);
    }

    #[test]
    fn outcomes_do_not_touch_each_other() {
        let (frames, left) = settled(
            1..=6,
            &[
                (1, RELEASED),
                (2, Outcome::Accepted),
                (3, Outcome::Rejected),
                (4, RELEASED),
                (5, Outcome::Accepted),
            ],
        );
        assert_eq!(
            frames,
            [
                (Verdict::Requeue, 1, false),
                (Verdict::Requeue, 4, false),
                (Verdict::Reject, 3, false),
                (Verdict::Ack, 5, true),
            ]
        );
        assert_eq!(left, [6]);
    }

    #[test]
    fn what_was_settled_before_is_left_out() {
        let outcomes = [1, 2, 9].map(|tag| (tag, RELEASED));
        let (frames, left) = settled([2, 3], &outcomes);
        assert_eq!(frames, [(Verdict::Requeue, 2, false)]);
        assert_eq!(left, [3]);
    }
}
