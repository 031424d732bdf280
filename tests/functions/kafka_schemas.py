"""Reads each record of a topic with Powertools' Kafka consumer, and records what that makes of it: one line per record.

Environment: RECORD_FILE; KEY_TYPE and VALUE_TYPE, what keys and values are written in: AVRO, PROTOBUF or JSON.
"""

import os

from aws_lambda_powertools.utilities.kafka import ConsumerRecords, SchemaConfig, kafka_consumer

import recorder

AVRO_KEY = '"string"'
AVRO_VALUE = """{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "int"},
  {"name": "kind", "type": "string"},
  {"name": "place", "type": {"type": "record", "name": "Place", "namespace": "geo", "fields": [
    {"name": "city", "type": "string"}]}}]}"""


def protobuf_order():
    """The class that protoc would make of the message Order."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    place = file.message_type.add(name="Place")
    place.field.add(name="city", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    order = file.message_type.add(name="Order")
    order.field.add(name="id", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    order.field.add(name="kind", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    order.field.add(
        name="place", number=3, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=".shop.Place"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def config():
    key, value = os.environ["KEY_TYPE"], os.environ["VALUE_TYPE"]
    values = {"AVRO": AVRO_VALUE, "PROTOBUF": protobuf_order() if value == "PROTOBUF" else None}
    return SchemaConfig(
        key_schema_type=key,
        key_schema=AVRO_KEY if key == "AVRO" else None,
        value_schema_type=value,
        value_schema=values.get(value),
    )


@kafka_consumer(schema_config=config())
def handler(event: ConsumerRecords, context):
    for record in event.records:
        recorder.record(
            topic=record.topic,
            offset=record.offset,
            key=record.key,
            value=record.value,
            schemas=[record.get("keySchemaMetadata"), record.get("valueSchemaMetadata")],
        )
