"""Records each event of a topic as Powertools reads it: every property of its data class, and its parser's model.

A property that the event lacks raises KeyError, as it would in a user's function, and an event that the parser refuses
ValidationError. Environment: RECORD_FILE.
"""

from aws_lambda_powertools.utilities.data_classes import KafkaEvent
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import KafkaMskEventModel, KafkaSelfManagedEventModel

import recorder
from stream_shapes import plain


def handler(event, context):
    model = KafkaMskEventModel if event["eventSource"] == "aws:kafka" else KafkaSelfManagedEventModel
    recorder.record(read=plain(KafkaEvent(event)), parsed=plain(parse(event, model).model_dump()))
