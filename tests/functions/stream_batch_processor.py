"""Fails some records of a stream by themselves, the way Powertools for AWS Lambda reports it.

A record's value is a number; it fails whenever that is a multiple of FAIL_MODULO (default 7), on every attempt.
Environment: EVENT_TYPE, "KinesisDataStreams" or "DynamoDBStreams"; RECORD_FILE, where each invocation's records go.
"""

import json
import os

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

import recorder

FAIL_MODULO = int(os.environ.get("FAIL_MODULO", "7"))
event_type = EventType[os.environ["EVENT_TYPE"]]

# Otherwise Powertools raises when every record of a batch failed.
processor = BatchProcessor(event_type=event_type, raise_on_entire_batch_failure=False)


class Refused(Exception):
    """The failure that this function is asked for, as opposed to a fault of its own."""


def value(record):
    if event_type is EventType.KinesisDataStreams:
        return record.kinesis.data_as_json()
    return json.loads(record.dynamodb.new_image["body"])


# Powertools passes the record as an argument of this very name.
def process(record):
    n = value(record)
    if n % FAIL_MODULO == 0:
        raise Refused(f"{n} is a multiple of {FAIL_MODULO}")


def handler(event, context):
    response = process_partial_response(event=event, record_handler=process, processor=processor, context=context)
    for kind, error, _ in processor.exceptions:
        if kind is not Refused:
            raise error
    recorder.record(values=[record["value"] for record in recorder.stream_records(event)], response=response)
    return response
