//! Traps of topics that a share group makes queues.

use super::pages;
use super::trap::Trap;
use crate::mapping::kafka::KafkaMapping;

const MODE: &str = "SelfManagedKafkaEventSourceConfig.ConsumptionMode";

pub(super) fn look(kafka: &KafkaMapping, found: &mut Vec<Trap>) {
    let group = &kafka.consumer_group_id;
    found.push(Trap {
        field: MODE,
        value: "Queue".to_owned(),
        says: format!(
            "the brokers decide where the share group {group} starts, by its share.auto.offset.reset, and that is latest \
             unless it is set: records that were put before the mapping first polls are not delivered"
        ),
        way_out: format!(
            "where every record counts, set it before the mapping is made: kafka-configs.sh --alter --entity-type groups \
             --entity-name {group} --add-config share.auto.offset.reset=earliest (resource type GROUP)"
        ),
        source: pages::SHARE_GROUP,
    });
    if kafka.on_failure().is_none() {
        found.push(Trap {
            field: "DestinationConfig",
            value: "none".to_owned(),
            says: "a record that fails as often as the share group delivers it, 5 times unless \
                   group.share.delivery.count.limit is set, is dropped without a trace"
                .to_owned(),
            way_out: "set DestinationConfig.OnFailure".to_owned(),
            source: pages::KAFKA_ERRORS,
        });
    }
}
