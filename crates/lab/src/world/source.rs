//! A source of a scenario, whatever its kind.

use std::sync::Arc;

use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::EngineBuilder;
use lambda_esm_engine::memory::{MemoryStreamOptions, StreamKind};

use super::intake::{Intake, Usage, unreachable};
use super::push_queue::PushQueue;
use super::queue::Queue;
use super::reshard::reshard;
use super::stream::Stream;
use super::topic::Topic;
use crate::scenario::{Source, SourceKind};

/// A source in memory.
#[derive(Clone)]
pub(crate) enum SourceInMemory {
    Queue(Queue),
    Stream(Stream, StreamKind),
    Topic(Topic),
    PushQueue(PushQueue),
}

impl SourceInMemory {
    /// `seed` makes the identifiers of messages.
    pub(crate) fn new(source: &Source, intake: Intake, seed: u64) -> Self {
        let intake = Arc::new(intake);
        let stream = |options: MemoryStreamOptions| {
            let kind = options.kind;
            Self::Stream(Stream::new(intake.clone(), options), kind)
        };
        let push_queue =
            |engine| Self::PushQueue(PushQueue::new(intake.clone(), &source.name, engine));
        match &source.kind {
            SourceKind::Sqs {
                fifo,
                visibility_timeout,
                max_receive_count,
            } => Self::Queue(Queue::new(
                intake,
                seed,
                *fifo,
                *visibility_timeout,
                *max_receive_count,
            )),
            SourceKind::Kinesis { shards, retention } => stream(
                MemoryStreamOptions::kinesis()
                    .with_shards(*shards)
                    .with_retention(*retention),
            ),
            SourceKind::DynamoDb { shards } => {
                stream(MemoryStreamOptions::dynamo_db().with_shards(*shards))
            }
            SourceKind::DocumentDb => stream(MemoryStreamOptions::document_db()),
            SourceKind::Kafka { partitions } => {
                Self::Topic(Topic::new(intake, &source.name, *partitions))
            }
            SourceKind::RabbitMq { .. } => push_queue(MqEngine::RabbitMq),
            SourceKind::ActiveMq => push_queue(MqEngine::ActiveMq),
        }
    }

    /// Has an engine read it under its names.
    pub(crate) fn serve(&self, source: &Source, engine: EngineBuilder) -> EngineBuilder {
        let names = [source.arn.clone(), source.name.clone()].into_iter();
        match self {
            Self::Queue(queue) => {
                names.fold(engine, |engine, name| engine.source(name, queue.clone()))
            }
            Self::Stream(stream, _) => {
                names.fold(engine, |engine, name| engine.stream(name, stream.clone()))
            }
            Self::Topic(topic) => engine.topic(source.name.clone(), topic.clone()),
            Self::PushQueue(queue) => engine.push_queue(source.name.clone(), queue.clone()),
        }
    }

    pub(crate) fn intake(&self) -> &Intake {
        match self {
            Self::Queue(queue) => &queue.intake,
            Self::Stream(stream, _) => &stream.intake,
            Self::Topic(topic) => &topic.intake,
            Self::PushQueue(queue) => &queue.intake,
        }
    }

    /// From now on records arrive.
    pub(crate) fn begin(&self) {
        if let Self::Stream(stream, _) = self {
            stream.count_shards();
        }
        self.intake().begin();
    }

    /// Returns how many shards of Kinesis there were for how long: shards times hours.
    pub(crate) fn shard_hours(&self) -> f64 {
        match self {
            Self::Stream(stream, StreamKind::Kinesis) => stream.shard_hours(),
            _ => 0.0,
        }
    }

    /// Puts everything into it that has arrived.
    pub(crate) fn fill(&self) {
        match self {
            Self::Queue(queue) => queue.fill(),
            Self::Stream(stream, _) => stream.fill(),
            Self::Topic(topic) => topic.fill(),
            Self::PushQueue(queue) => queue.fill(),
        }
    }

    /// Has it out of reach, or there again. Records arrive all the while.
    pub(crate) fn set_down(&self, down: bool) {
        self.intake().set_down(down);
        let problem = down.then(unreachable);
        match self {
            Self::Queue(_) | Self::Stream(..) => {}
            Self::Topic(topic) => topic.topic.set_problem(problem),
            Self::PushQueue(queue) => queue.queue.set_problem(problem),
        }
    }

    /// Gives it so many shards or partitions.
    ///
    /// # Errors
    /// Fails if its shards do not allow that.
    pub(crate) fn reshard(&self, shards: usize) -> Result<(), SourceError> {
        self.fill();
        match self {
            Self::Stream(stream, kind) => {
                let resharded = reshard(&stream.stream, *kind, shards);
                stream.count_shards();
                resharded
            }
            Self::Topic(topic) => {
                let there = topic.topic.watermarks().len();
                topic.topic.add_partitions(shards.saturating_sub(there));
                Ok(())
            }
            Self::Queue(_) | Self::PushQueue(_) => Ok(()),
        }
    }

    /// Forgets what was settled some time ago; see [`Stream::forget_settled`].
    pub(crate) fn forget_settled(&self) {
        match self {
            Self::Stream(stream, _) => stream.forget_settled(),
            Self::Topic(topic) => topic.forget_settled(),
            // What is settled is deleted.
            Self::Queue(_) | Self::PushQueue(_) => {}
        }
    }

    /// Returns how many messages it holds; `None` of a log, which holds what is read, too.
    pub(crate) fn waiting(&self) -> Option<u64> {
        match self {
            Self::Queue(queue) => Some(queue.waiting()),
            Self::PushQueue(queue) => Some(queue.waiting()),
            Self::Stream(..) | Self::Topic(_) => None,
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.intake().usage()
    }
}
