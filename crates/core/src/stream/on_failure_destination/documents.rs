//! What the destination is told, for each kind of stream.

use uuid::Uuid;

use super::GivenUp;
use crate::batching::Batch;
use crate::event::kafka::KafkaEncoder;
use crate::mapping::AwsDestination;
use crate::on_failure_record::{
    Condition, Discarded, DiscardedKafka, DiscardedPartition, FailedResponse, FailureRecord,
    ResponseContext, StreamKind, kafka_key,
};
use crate::stream::config::StreamConfig;
use crate::stream::context::Context;
use crate::stream::encoder::StreamEncoder;
use crate::stream::item::Item;

/// Returns the record of discarded records for a queue, a topic of SNS or a bucket.
pub(super) fn record(
    ctx: &mut Context<'_>,
    given_up: &GivenUp,
    batch: &Batch<Item>,
    destination: &AwsDestination,
) -> FailureRecord {
    let event = ctx.config.encoder.event(batch);
    let (request_id, object_id) = (request_id(ctx, given_up), ctx.shared.random.uuid());
    let kind = match &ctx.config.encoder {
        StreamEncoder::Kafka(encoder) => {
            let partitions = partitions(encoder, &batch.items);
            let discarded = kafka(
                ctx,
                given_up,
                encoder,
                (request_id, batch.items.len(), event.len()),
                &partitions,
            );
            return discarded.record(destination, &event, object_id);
        }
        // Changes of a database have no destination (Lambda API reference, `DestinationConfig`).
        StreamEncoder::Kinesis(_) | StreamEncoder::DocumentDb(_) => StreamKind::Kinesis,
        StreamEncoder::DynamoDb(_) => StreamKind::DynamoDb,
        // A mapping of Amazon MQ has no destination.
        StreamEncoder::Mq(_) => return FailureRecord::new(event),
    };
    let place = |item: Option<&Item>| item.map_or("", |item| item.place.sequence()).to_owned();
    let (first, last) = (batch.items.first(), batch.items.last());
    let discarded = Discarded {
        request_id,
        function_arn: &ctx.config.function_arn,
        condition: given_up.condition,
        invoke_count: given_up.invokes,
        response: response(ctx.config, given_up),
        timestamp: ctx.now,
        kind,
        shard: &ctx.shard,
        start_sequence: &place(first),
        end_sequence: &place(last),
        first_arrival: first.map_or(ctx.now, |first| first.arrival),
        last_arrival: last.map_or(ctx.now, |last| last.arrival),
        batch_size: batch.items.len(),
        stream_arn: &ctx.config.stream_arn,
        mapping: ctx.config.mapping,
    };
    discarded.record(destination, &event, object_id)
}

/// Returns the message of one discarded record for a topic of the same cluster.
pub(super) fn topic_record(
    ctx: &mut Context<'_>,
    given_up: &GivenUp,
    one: &Batch<Item>,
) -> FailureRecord {
    let event = ctx.config.encoder.event(one);
    let request_id = request_id(ctx, given_up);
    let StreamEncoder::Kafka(encoder) = &ctx.config.encoder else {
        return FailureRecord::new(event);
    };
    let partitions = partitions(encoder, &one.items);
    let key = one.each_fragment().next().and_then(kafka_key);
    let discarded = kafka(
        ctx,
        given_up,
        encoder,
        (request_id, 1, event.len()),
        &partitions,
    );
    discarded.topic_record(&event, key)
}

fn kafka<'a>(
    ctx: &Context<'a>,
    given_up: &'a GivenUp,
    encoder: &'a KafkaEncoder,
    (request_id, batch_size, payload_size): (Uuid, usize, usize),
    partitions: &'a [DiscardedPartition],
) -> DiscardedKafka<'a> {
    DiscardedKafka {
        request_id,
        function_arn: &ctx.config.function_arn,
        condition: given_up.condition,
        invoke_count: given_up.invokes,
        response: response(ctx.config, given_up),
        timestamp: ctx.now,
        mapping: ctx.config.mapping,
        batch_size,
        source_arn: encoder.source_arn(),
        bootstrap_servers: encoder.bootstrap_servers(),
        payload_size,
        partitions,
    }
}

/// Returns what was discarded of each partition.
fn partitions(encoder: &KafkaEncoder, items: &[Item]) -> Vec<DiscardedPartition> {
    let records = items.iter().map(|item| {
        let (partition, offset) = item.place.offset();
        (partition, offset, item.arrival)
    });
    DiscardedPartition::of_records(encoder, records)
}

/// Returns the id of the run that failed last, or a new one. Only one batch is given up for the failure of a run; age may
/// end several that it left over.
fn request_id(ctx: &mut Context<'_>, given_up: &GivenUp) -> Uuid {
    let response = given_up.response.as_ref();
    let response = response.filter(|_| given_up.condition == Condition::RetryAttemptsExhausted);
    let id = response.and_then(FailedResponse::request_id);
    id.unwrap_or_else(|| ctx.shared.random.uuid())
}

fn response<'a>(config: &'a StreamConfig, given_up: &'a GivenUp) -> Option<ResponseContext<'a>> {
    let response = given_up.response.as_ref()?;
    Some(response.context(&config.executed_version))
}
