"""Records each message as Powertools' SQSEvent data class reads it: every property that the class has.

A property that the event lacks raises KeyError, as it would in a user's function. Environment: RECORD_FILE.
"""

from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source

import recorder

ATTRIBUTES = [
    "approximate_receive_count",
    "approximate_first_receive_timestamp",
    "sent_timestamp",
    "sender_id",
    "sequence_number",
    "message_group_id",
    "message_deduplication_id",
    "dead_letter_queue_source_arn",
    "aws_trace_header",
]
RECORD = ["message_id", "receipt_handle", "body", "md5_of_body", "event_source", "event_source_arn", "aws_region"]
VALUE = ["data_type", "string_value", "binary_value"]


def read(source, names):
    return {name: getattr(source, name) for name in names}


def value(attribute):
    # A member that holds no value may be absent, and the class then raises.
    return {name: getattr(attribute, name) for name in VALUE if name == "data_type" or name in present(attribute)}


def present(attribute):
    keys = {"string_value": "stringValue", "binary_value": "binaryValue"}
    return {name for name, key in keys.items() if key in attribute.raw_event}


@event_source(data_class=SQSEvent)
def handler(event, context):
    for message in event.records:
        recorder.record(
            **read(message, RECORD),
            attributes=read(message.attributes, ATTRIBUTES),
            message_attributes={name: value(found) for name, found in message.message_attributes.items()},
        )
