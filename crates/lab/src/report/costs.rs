//! The bill.

use super::{CostLine, Report};
use crate::scenario::Prices;

/// Returns the bill line by line.
pub(super) fn costs(report: &Report, prices: &Prices) -> Vec<CostLine> {
    let mut lines = Vec::new();
    let mut add = |of: &str, unit: &str, quantity: f64, price: f64| {
        if quantity > 0.0 {
            lines.push(CostLine {
                of: of.to_owned(),
                unit: unit.to_owned(),
                quantity,
                cost: quantity * price,
            });
        }
    };
    for function in &report.functions {
        let name = &function.name;
        add(
            name,
            "GB-seconds",
            function.gb_seconds,
            prices.lambda_gb_second,
        );
        let price = prices.lambda_million_requests / 1e6;
        add(name, "requests", function.invocations as f64, price);
    }
    for source in &report.sources {
        let name = &source.name;
        match source.kind {
            "sqs" => {
                let calls: u64 = source.calls.values().sum();
                let million = if name.ends_with(".fifo") {
                    prices.sqs_fifo_million_requests
                } else {
                    prices.sqs_million_requests
                };
                add(name, "requests", calls as f64, million / 1e6);
            }
            "kinesis" => {
                let price = prices.kinesis_shard_hour;
                add(name, "shard-hours", source.shard_hours, price);
                let price = prices.kinesis_consumer_shard_hour;
                let hours = source.consumer_shard_hours;
                add(name, "consumer-shard-hours", hours, price);
            }
            _ => {}
        }
    }
    lines
}
