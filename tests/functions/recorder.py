"""Appends one JSON line to the file named by RECORD_FILE, for a test to read afterwards.

A line is written by a single call on a file opened for appending, so that processes of the same function do not mix
their lines.
"""

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
