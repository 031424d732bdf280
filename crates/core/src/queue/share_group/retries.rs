//! How `MaximumRetryAttempts` and the delivery limit of a share group go together, of which the documentation allows two
//! readings.

use std::fmt;
use std::str::FromStr;

/// After how many deliveries a share group archives a record if nothing is known of its own limit (Kafka:
/// `group.share.delivery.count.limit`).
const DEFAULT_DELIVERY_LIMIT: u32 = 5;

/// What `MaximumRetryAttempts` counts for a share group, whose failed records are "released to the broker, which redelivers
/// them until the delivery count reaches the limit" (Lambda API reference, `MaximumRetryAttempts`; its default in Queue mode
/// is 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ShareGroupRetries {
    /// Further invocations during each delivery, while the lock is held. When they are used up, the record is released,
    /// and it is delivered again until the group's limit: one that always fails is invoked `limit × (attempts + 1)`
    /// times, with the default of 0 as often as the limit says.
    #[default]
    InPoller,
    /// Further deliveries: a record has failed for good at delivery `attempts + 1`, or at the group's limit if that is
    /// less. One that always fails is invoked so often, with the default of 0 once.
    Total,
}

impl ShareGroupRetries {
    /// Returns how often a record is invoked again during one delivery.
    #[must_use]
    pub const fn in_one_delivery(self, attempts: u32) -> u32 {
        match self {
            Self::InPoller => attempts,
            Self::Total => 0,
        }
    }

    /// Returns at which delivery a record that fails has failed for good: 1 or more. `limit` is the group's.
    #[must_use]
    pub fn last_delivery(self, attempts: u32, limit: Option<u32>) -> u32 {
        let limit = limit.unwrap_or(DEFAULT_DELIVERY_LIMIT).max(1);
        match self {
            Self::InPoller => limit,
            Self::Total => limit.min(attempts.saturating_add(1)),
        }
    }

    /// Returns how often the function was invoked with a record that failed `tries` times in its delivery number
    /// `delivery`, if all earlier ones failed too; `approximateInvokeCount` tells so.
    #[must_use]
    pub fn invocations(self, attempts: u32, delivery: u32, tries: u32) -> u32 {
        let each = self.in_one_delivery(attempts).saturating_add(1);
        let before = delivery.saturating_sub(1).saturating_mul(each);
        before.saturating_add(tries)
    }
}

impl FromStr for ShareGroupRetries {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "in_poller" => Ok(Self::InPoller),
            "total" => Ok(Self::Total),
            other => Err(format!(
                "share_group_retries {other:?} is unknown; use \"in_poller\" or \"total\""
            )),
        }
    }
}

impl fmt::Display for ShareGroupRetries {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::InPoller => "in_poller",
            Self::Total => "total",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_always_failing_record_is_invoked_as_often_as_each_reading_says() {
        for (policy, attempts, limit, deliveries, invocations) in [
            (ShareGroupRetries::InPoller, 0, Some(2), 2, 2),
            (ShareGroupRetries::InPoller, 0, None, 5, 5),
            (ShareGroupRetries::InPoller, 3, Some(10), 10, 40),
            (ShareGroupRetries::Total, 0, Some(5), 1, 1),
            (ShareGroupRetries::Total, 3, Some(10), 4, 4),
            (ShareGroupRetries::Total, 10_000, None, 5, 5),
        ] {
            let last = policy.last_delivery(attempts, limit);
            let tries = policy.in_one_delivery(attempts) + 1;
            let invoked = policy.invocations(attempts, last, tries);
            assert_eq!(
                (last, invoked),
                (deliveries, invocations),
                "{policy}, {attempts} attempts, limit {limit:?}"
            );
        }
    }

    #[test]
    fn a_policy_is_read_by_the_name_that_it_is_shown_by() {
        for policy in [ShareGroupRetries::InPoller, ShareGroupRetries::Total] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let error = "both".parse::<ShareGroupRetries>().unwrap_err();
        assert!(
            error.contains("in_poller") && error.contains("total"),
            "{error}"
        );
    }
}
