"""Counts clicks by page in tumbling windows: the state is what one invocation hands to the next."""

import base64
import json


def count(event, context):
    state = event["state"]
    for record in event["Records"]:
        # A click without a page, or one that is no JSON, fails the batch: it is split until the click is alone.
        page = json.loads(base64.b64decode(record["kinesis"]["data"]))["page"]
        state[page] = state.get(page, 0) + 1
    if event["isFinalInvokeForWindow"]:
        print(event["shardId"], event["window"]["start"], json.dumps(state))
    return {"state": state}
