"""Records each event of Amazon MQ as Powertools reads it: every property of its data classes.

A property that the event lacks raises KeyError, as it would in a user's function; `connectionId` apart, which events
have not had since 2022. Environment: RECORD_FILE.
"""

from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent, ActiveMQMessage
from aws_lambda_powertools.utilities.data_classes.rabbit_mq_event import RabbitMQEvent

import recorder
from stream_shapes import plain, properties


def read(message):
    names = [name for name in properties(ActiveMQMessage) if name != "connection_id"]
    return {name: plain(getattr(message, name)) for name in names}


def handler(event, context):
    if event["eventSource"] == "aws:rmq":
        recorder.record(read=plain(RabbitMQEvent(event)))
    else:
        event = ActiveMQEvent(event)
        messages = [read(message) for message in event.messages]
        recorder.record(read={"event_source_arn": event.event_source_arn, "messages": messages})
