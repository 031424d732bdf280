"""A small Lambda runtime whose events say what to do with them."""

import http.client
import json
import os
import subprocess
import sys
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"


def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(API)
    connection.request(method, ROOT + path, body, headers)
    response = connection.getresponse()
    return response, response.read()


def meet(folder, count):
    """Waits until `count` invocations are in here at the same time."""
    open(os.path.join(folder, str(os.getpid())), "w").close()
    while len(os.listdir(folder)) < count:
        time.sleep(0.005)


def run(event, headers):
    what = event.get("do")
    if what == "meet":
        meet(event["folder"], event["count"])
    elif what == "hang":
        open(event["file"] + ".part", "w").write(str(os.getpid()))
        os.rename(event["file"] + ".part", event["file"])
        time.sleep(600)
    elif what == "hang with child":
        child = subprocess.Popen(["sleep", "600"])
        open(event["file"] + ".part", "w").write(str(child.pid))
        os.rename(event["file"] + ".part", event["file"])
        time.sleep(600)
    elif what == "exit":
        print("about to give up", file=sys.stderr, flush=True)
        os._exit(event["code"])
    elif what == "signal":
        os.kill(os.getpid(), event["number"])
    elif what == "print":
        print(event["out"], flush=True)
        print(event["err"], file=sys.stderr, flush=True)
    elif what == "headers":
        return dict(headers)
    elif what == "environment":
        return dict(os.environ)
    elif what == "big":
        return "x" * (event["bytes"] - 2)
    elif what == "raise":
        raise ValueError(event["message"])
    elif what == "misbehave":
        return misbehave(headers["Lambda-Runtime-Aws-Request-Id"])
    return {"pid": os.getpid(), "event": event}


def misbehave(request):
    """Makes calls that a runtime should not make now, and returns their statuses."""
    return {
        "next while running": call("GET", "invocation/next")[0].status,
        "unknown id": call("POST", "invocation/nobody/response", "1")[0].status,
        "unknown id, error": call("POST", "invocation/nobody/error", "{}")[0].status,
        "init error while running": call("POST", "init/error", "{}")[0].status,
        "wrong method": call("POST", "invocation/next", "")[0].status,
        "unknown path": call("GET", "elsewhere")[0].status,
    }


def main():
    mode = os.environ.get("MODE", "")
    if mode == "init error":
        body = json.dumps({"errorType": "Runtime.ImportModuleError", "errorMessage": "no module app"})
        response, _ = call("POST", "init/error", body)
        assert response.status == 202
        sys.exit(1)
    if mode == "no init":
        print("cannot read app.py", file=sys.stderr)
        sys.exit(3)
    if mode == "fails once":
        marker = os.environ["MARKER"]
        if not os.path.exists(marker):
            open(marker, "w").close()
            sys.exit(3)
    if mode == "exits after each answer":
        served = 1
    else:
        served = -1
    while served != 0:
        response, body = call("GET", "invocation/next")
        assert response.headers["Content-Type"] == "application/json"
        request = response.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            result = json.dumps(run(json.loads(body), response.headers))
            response, body = call("POST", "invocation/" + request + "/response", result)
        except ValueError as error:
            failure = json.dumps({"errorType": "ValueError", "errorMessage": str(error)})
            response, body = call("POST", "invocation/" + request + "/error", failure)
        print("posted", response.status, body.decode(), flush=True)
        if os.environ.get("AFTER"):
            time.sleep(float(os.environ["AFTER"]))
        served -= 1


main()
