//! A topic of Kafka that a share group makes a queue: `ConsumptionMode: Queue` (Lambda developer guide, "Queue mode").
//!
//! What it has that a queue of SQS has not is here, and mappings of SQS never come here: a record that the function
//! cannot process is [acknowledged](acknowledgement) by how often it was delivered ([`retries`]), split inside its lock
//! (`bisect`), or [given up](give_up), as one that is [too old](record_age) is; the [lock](lock) is renewed for as long as a
//! record is at work here.

mod acknowledgement;
mod bisect;
mod config;
mod documents;
mod give_up;
mod give_ups;
mod given_up;
mod lag;
mod lags;
mod lock;
mod record_age;
mod renewals;
mod retries;
mod state;
mod tries;

pub use config::ShareGroupConfig;
pub use give_ups::DeliveryId;
pub use retries::ShareGroupRetries;

pub(super) use acknowledgement::undelivered;
pub(super) use renewals::Holder;
pub(super) use state::ShareGroup;
pub(super) use tries::Tries;
