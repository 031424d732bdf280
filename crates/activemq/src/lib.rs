//! Queues of ActiveMQ as event sources, over AMQP 1.0.
