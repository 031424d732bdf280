//! The function of all members: it notes what it is given, and by whom.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use lambda_esm_tests::{Transport, Web};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::deliveries::{Delivery, Member};

/// How long it takes. `None` stands for its usual time.
pub(crate) type Slowness = fn(&Delivery) -> Option<Duration>;

/// A batch in flight is something usual, not an accident.
const USUAL: Duration = Duration::from_millis(20);

/// An HTTP function in the test's process.
pub(crate) struct Function {
    web: Web,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

#[derive(Deserialize)]
struct Event {
    records: std::collections::BTreeMap<String, Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    partition: i32,
    offset: i64,
}

impl Function {
    pub(crate) async fn start() -> Self {
        Self::slow(|_| None).await
    }

    /// Starts one that takes as long as it is told for each delivery.
    pub(crate) async fn slow(slowness: Slowness) -> Self {
        let deliveries = Arc::<Mutex<Vec<Delivery>>>::default();
        let noted = deliveries.clone();
        let answer = move |request: Request<Bytes>| {
            let member = request.uri().path().trim_start_matches('/').parse();
            let records = offsets(request.body());
            let delivery = Delivery {
                at: Instant::now(),
                member: Member(member.unwrap()),
                records,
            };
            let length = slowness(&delivery).unwrap_or(USUAL);
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.push(delivery);
            async move {
                sleep(length).await;
                Response::new(Full::from("null"))
            }
        };
        Self {
            web: Web::start(Transport::Plain, answer).await,
            deliveries,
        }
    }

    /// Returns where a member calls it.
    pub(crate) fn url(&self, member: Member) -> String {
        format!("{}/{}", self.web.url(), member.0)
    }

    /// Returns what it was given so far, in the order of its invocations.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let deliveries = self.deliveries.lock();
        deliveries.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the partition and offset of each record, in the order of the event.
fn offsets(event: &[u8]) -> Vec<(i32, i64)> {
    let event: Event = serde_json::from_slice(event).unwrap();
    let records = event.records.into_values().flatten();
    records
        .map(|record| (record.partition, record.offset))
        .collect()
}
