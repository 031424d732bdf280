"""A function whose messages say how it ends, at their first receive; at later ones it succeeds.

Run as a program it is a Lambda runtime of its own, which reports the errors that its messages give word for word; through
awslambdaric, `outcomes.handler` raises them.

A message's body is a JSON object: `error`, an error document as a runtime would post it; `crash`, a status to exit with;
`sleep`, seconds. Environment: RECORD_FILE, where each invocation goes before it ends so; CRASH_ONCE, a file: the first start
makes it, and exits.
"""

import http.client
import json
import os
import sys
import time

from recorder import record, seen

RUNTIME = "/2018-06-01/runtime/invocation/"


class Failed(Exception):
    """What a message asked for."""


def run(event, request_id):
    started = time.time()
    messages = [seen(message) for message in event["Records"]]
    wish = {}
    for message in messages:
        if message["receives"] == 1:
            wish.update(json.loads(message["body"]))
    time.sleep(wish.get("sleep", 0))
    record(request_id=request_id, started=started, ended=time.time(), messages=messages)
    if "crash" in wish:
        os._exit(wish["crash"])
    return wish.get("error")


def handler(event, context):
    error = run(event, context.aws_request_id)
    if error is not None:
        raise Failed(error)


def call(method, path, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, RUNTIME + path, body)
    response = connection.getresponse()
    return response.headers, response.read()


def main():
    once = os.environ.get("CRASH_ONCE")
    if once and not os.path.exists(once):
        open(once, "w").close()
        sys.exit(3)
    while True:
        headers, event = call("GET", "next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        error = run(json.loads(event), request_id)
        if error is None:
            call("POST", request_id + "/response", b"null")
        else:
            call("POST", request_id + "/error", error.encode())


if __name__ == "__main__":
    main()
