"""Prints each order of a broker's queue, of RabbitMQ or ActiveMQ: the queue it waited in, and its total."""

import base64
import json


def handle(event, context):
    for queue, messages in queues(event):
        for message in messages:
            order = json.loads(base64.b64decode(message["data"]))
            print(queue, order["total"], "again" if message["redelivered"] else "")


def queues(event):
    if event["eventSource"] == "aws:rmq":
        return event["rmqMessagesByQueue"].items()
    return [(message["destination"]["physicalName"], [message]) for message in event["messages"]]
