"""Prints each order, and reports those without an item as failed."""

import json


def handle(event, context):
    failures = []
    for message in event["Records"]:
        order = json.loads(message["body"])
        print(message["messageId"], order["total"])
        if not order.get("items"):
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}
