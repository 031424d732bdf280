//! Queues of RabbitMQ as event sources.
