"""Succeeds, and records each record of a stream that it was given: one line per invocation.

In a tumbling window it counts them in the window's state. Environment: RECORD_FILE, where to; RUN, which is recorded as
it is; SLEEP_MS, how long an invocation takes (default 0).
"""

import os
import time

from recorder import record, stream_records


def handler(event, context):
    time.sleep(int(os.environ.get("SLEEP_MS", "0")) / 1000)
    fields = {"run": int(os.environ.get("RUN", "0")), "records": stream_records(event)}
    if "window" not in event:
        return record(**fields)
    before = event["state"].get("count", 0)
    record(**fields, shard=event["shardId"], window=event["window"]["start"], before=before, final=event["isFinalInvokeForWindow"])
    return {"state": {"count": before + len(event["Records"])}}
