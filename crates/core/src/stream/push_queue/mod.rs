//! Queues whose brokers push their messages: RabbitMQ and ActiveMQ.

mod port;

pub use port::{ConsumeRequest, DeliveryOutcome, Outcome};
