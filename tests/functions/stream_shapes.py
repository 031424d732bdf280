"""Records each event of a stream as Powertools reads it: every property of its data classes, and its parser's model.

A property that the event lacks raises KeyError, as it would in a user's function, and an event that the parser refuses
ValidationError. In a tumbling window it counts records in the window's state. Environment: RECORD_FILE.
"""

import collections.abc
import datetime
import decimal
import enum
import functools

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent, KinesisStreamEvent
from aws_lambda_powertools.utilities.data_classes.common import DictWrapper
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import DynamoDBStreamModel, KinesisDataStreamModel

import recorder


def properties(kind):
    """The names of all properties of a data class, those that every data class has left out."""
    own = [base for base in kind.__mro__ if issubclass(base, DictWrapper) and base is not DictWrapper]
    values = [(name, value) for base in own for name, value in vars(base).items()]
    return [name for name, value in values if isinstance(value, (property, functools.cached_property))]


def plain(value):
    """The same value in what JSON can hold; what JSON has no word for becomes an object that names its type."""
    match value:
        case DictWrapper():
            read = {name: plain(getattr(value, name)) for name in properties(type(value))}
            if hasattr(value, "data_as_bytes"):
                read["data_as_bytes"] = plain(value.data_as_bytes())
            return read
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case bytes() | bytearray():
            return {"bytes": bytes(value).hex()}
        case decimal.Decimal():
            return {"decimal": str(value)}
        case datetime.datetime():
            return {"datetime": value.timestamp()}
        case enum.Enum():
            return value.name
        case set():
            return {"set": sorted((plain(each) for each in value), key=str)}
        case list() | collections.abc.Iterator():
            return [plain(each) for each in value]
        case _:
            return value


def handler(event, context):
    source = event["eventSourceARN"] if "window" in event else event["Records"][0]["eventSourceARN"]
    if ":dynamodb:" in source:
        read, model = DynamoDBStreamEvent(event), DynamoDBStreamModel
    else:
        read, model = KinesisStreamEvent(event), KinesisDataStreamModel
    recorder.record(read=plain(read), parsed=plain(parse(event, model).model_dump()))
    if "window" in event:
        return {"state": {"records": read.state.get("records", 0) + len(event["Records"])}}
