//! The contract of share groups.

use std::sync::Arc;

use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{ShareGroupContract, SharedRecordToPut, share_group_contract};
use lambda_esm_engine::ports::SettleVerb;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::world::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_share_group_keeps_the_contract() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world
        .shared(1, &["share.record.lock.duration.ms=15000"])
        .await;
    let members = [shared.member(), shared.member()];
    // Until both have the partition, which may take a coordinator that has much to do some seconds.
    for (member, number) in members.iter().zip(0..) {
        shared.produce(1, number..number + 1).await;
        let record = member.receive_one().await;
        member.settle_all(&[record], SettleVerb::Delete).await;
    }
    let producer: Arc<FutureProducer> = Arc::new(world.config().create().unwrap());
    let [one, two] = &members;
    let subject = ShareGroupContract::new(&**one, &**two, Clock::system());
    let put = async |put: SharedRecordToPut| {
        let headers = put.headers.iter();
        let headers = headers.fold(OwnedHeaders::new(), |all, (key, value)| {
            let value = value.as_deref();
            all.insert(Header { key, value })
        });
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&shared.topic);
        record.key = put.key.as_deref();
        record.payload = put.value.as_deref();
        let record = if put.headers.is_empty() {
            record
        } else {
            record.headers(headers)
        };
        producer.send(record, PATIENCE).await.unwrap();
    };
    share_group_contract(subject, put).await;
}
