//! Stand-in until arrivals come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::open_loop::Due;
use crate::scenario::{Arrivals, Workload};

pub(super) fn arrivals(workload: &Workload, length: Duration) -> impl Iterator<Item = Due> + use<> {
    let rate = match workload.arrivals.first() {
        Some(Arrivals::Constant { rate, .. }) => *rate,
        _ => 100.0,
    };
    let count = (rate * length.as_secs_f64()) as u64;
    (0..count).map(move |number| Due {
        at: Duration::from_secs_f64(number as f64 / rate),
        key: Arc::from(format!("key-{}", number % 100)),
        payload: Bytes::from(format!("{{\"n\":{number},\"filler\":\"{:x>180}\"}}", "")),
    })
}
