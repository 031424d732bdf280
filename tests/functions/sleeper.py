"""Takes SLEEP_MS, and does nothing else: a slow function for load tests."""

import os
import time

SLEEP_SECONDS = int(os.environ.get("SLEEP_MS", "50")) / 1000


def handler(event, context):
    time.sleep(SLEEP_SECONDS)
