"""Fails some messages by themselves, the way Powertools for AWS Lambda reports it: by their ids, as a partial batch response.

A message's body is a JSON object; it fails whenever its `n` is a multiple of FAIL_MODULO (default 7), on every attempt.
Environment: RECORD_FILE, where each attempt goes, one line per invocation.
"""

import os

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

import recorder

FAIL_MODULO = int(os.environ.get("FAIL_MODULO", "7"))

# Powertools by itself raises when every message of a batch failed. Both answers return all of them to the queue in the
# end; the response says so by id, which is what this function is there to show.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


class Refused(Exception):
    """The failure that this function is asked for, as opposed to a fault of its own."""


# Powertools passes the message as an argument of this very name.
def process(record):
    n = record.json_body["n"]
    if n % FAIL_MODULO == 0:
        raise Refused(f"{n} is a multiple of {FAIL_MODULO}")


def handler(event, context):
    response = process_partial_response(event=event, record_handler=process, processor=processor, context=context)
    for kind, error, _ in processor.exceptions:
        if kind is not Refused:
            raise error
    failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    recorder.record(
        request_id=context.aws_request_id,
        messages=[{**recorder.seen(message), "failed": message["messageId"] in failed} for message in event["Records"]],
    )
    return response
