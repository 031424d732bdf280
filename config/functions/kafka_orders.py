"""Prints each order of a Kafka topic: where it stands, and its total."""

import base64
import json


def handle(event, context):
    for records in event["records"].values():
        for record in records:
            order = json.loads(base64.b64decode(record["value"]))
            print(f"{record['topic']}-{record['partition']}@{record['offset']}", order["total"])
