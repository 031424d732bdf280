"""Succeeds, and records each message it was given: one line per invocation.

Environment: RECORD_FILE, where to; SLEEP_MS, how long an invocation takes (default 0).
"""

import os
import time

from recorder import record, seen


def handler(event, context):
    started = time.time()
    time.sleep(int(os.environ.get("SLEEP_MS", "0")) / 1000)
    record(
        request_id=context.aws_request_id,
        started=started,
        ended=time.time(),
        messages=[seen(message) for message in event["Records"]],
    )
