"""Handles a FIFO queue the way its order asks for: after the first failure in a group, later messages of that group are
reported as failed and left alone; other groups go on.

Environment: POISON_GROUP, the group whose messages fail (default: none); SLEEP_MS, how long one message takes (default 0);
RECORD_FILE, where each invocation's messages go, with group, sequence number and outcome: "done", "failed" or "left".
"""

import os
import time

from recorder import record, seen

POISON_GROUP = os.environ.get("POISON_GROUP")
SLEEP_SECONDS = int(os.environ.get("SLEEP_MS", "0")) / 1000


def handler(event, context):
    started = time.time()
    messages, stopped = [], set()
    for message in event["Records"]:
        group = message["attributes"]["MessageGroupId"]
        if group in stopped:
            outcome = "left"
        else:
            time.sleep(SLEEP_SECONDS)
            outcome = "failed" if group == POISON_GROUP else "done"
        if outcome != "done":
            stopped.add(group)
        sequence = message["attributes"]["SequenceNumber"]
        messages.append({**seen(message), "group": group, "sequence": sequence, "outcome": outcome})
    record(request_id=context.aws_request_id, started=started, ended=time.time(), messages=messages)
    return {"batchItemFailures": [{"itemIdentifier": m["id"]} for m in messages if m["outcome"] != "done"]}
