"""Appends one JSON line to the file named by RECORD_FILE, for a test to read afterwards.

A line is written by a single call on a file opened for appending, so that processes of the same function do not mix
their lines.
"""

import base64
import json
import os


def record(**fields):
    """Writes `fields` as one line; without RECORD_FILE, does nothing."""
    path = os.environ.get("RECORD_FILE")
    if not path:
        return
    line = json.dumps({"pid": os.getpid(), **fields}, separators=(",", ":")) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def seen(message):
    """What a test wants to know of one SQS message of an event."""
    return {
        "id": message["messageId"],
        "body": message["body"],
        "receives": int(message["attributes"]["ApproximateReceiveCount"]),
    }


def stream_records(event):
    """What a test wants to know of each record of a stream's event: the value that was put is JSON."""
    return [stream_record(record) for record in event["Records"]]


def stream_record(record):
    if "kinesis" in record:
        kinesis = record["kinesis"]
        shard = record["eventID"].partition(":")[0]
        key, sequence, text = kinesis["partitionKey"], kinesis["sequenceNumber"], base64.b64decode(kinesis["data"])
    else:
        change = record["dynamodb"]
        shard, key, sequence = None, change["Keys"]["id"]["S"], change["SequenceNumber"]
        text = change.get("NewImage", {}).get("body", {}).get("S", "null")
    return {"shard": shard, "key": key, "sequence": sequence, "value": json.loads(text)}
