"""An ordinary Lambda function."""

import os


def handler(event, context):
    if event.get("fail"):
        raise ValueError("cannot handle " + event["fail"])
    print("handled", context.aws_request_id)
    return {
        "event": event,
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "pid": os.getpid(),
        "in time": 0 < context.get_remaining_time_in_millis() <= 30000,
    }
