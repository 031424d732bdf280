"""Takes SLEEP_MS (default 60,000) and records when it began and when it ended: for timeouts, and for counting how many run at once.

A line with "phase": "start" and none with "end" for the same request is an invocation that was cut off.
"""

import os
import time

from recorder import record, seen

SLEEP_SECONDS = int(os.environ.get("SLEEP_MS", "60000")) / 1000


def handler(event, context):
    messages = [seen(message) for message in event["Records"]]
    record(request_id=context.aws_request_id, phase="start", at=time.time(), messages=messages)
    time.sleep(SLEEP_SECONDS)
    record(request_id=context.aws_request_id, phase="end", at=time.time())
