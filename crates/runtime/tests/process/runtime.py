"""A small Lambda runtime whose events say what to do with them."""

import http.client
import json
import os
import socket
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
    elif what == "say":
        request = headers["Lambda-Runtime-Aws-Request-Id"]
        return [say(text.replace("API", API).replace("ID", request)) for text in event["texts"]]
    elif what == "ask by":
        return by(event["whom"])
    elif what == "flood":
        return flood(headers["Lambda-Runtime-Aws-Request-Id"])
    elif what == "connect":
        print(API, flush=True)
        KEPT.extend(socket.create_connection(address()) for _ in range(event["count"]))
    elif what == "wait":
        open(event["begun"], "w").close()
        while not os.path.exists(event["until"]):
            time.sleep(0.005)
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


def address(family=socket.AF_INET):
    host, port = API.split(":")
    return ("::ffff:" + host if family == socket.AF_INET6 else host, int(port))


def say(text, family=socket.AF_INET):
    """Sends a request as it stands there, and returns the status of the answer, 0 if there is none."""
    connection = socket.socket(family)
    connection.settimeout(20)
    try:
        connection.connect(address(family))
        connection.sendall(text.encode())
        answer = connection.recv(4096)
    except ConnectionError:
        return 0
    return int(answer.split()[1]) if answer else 0


KEPT = []


def flood(request):
    """Says half an answer, tries to say five others meanwhile, and then the other half. Returns the statuses."""
    body = json.dumps("x" * 6_000_000).encode()
    head = f"POST {ROOT}invocation/{request}/response HTTP/1.1\r\nHost: {API}\r\nContent-Length: {len(body)}\r\n"
    first = socket.create_connection(address())
    first.sendall((head + "Expect: 100-continue\r\n\r\n").encode())
    statuses = [int(first.recv(4096).split()[1])]
    first.sendall(body[:3_000_000])
    statuses += [say(head + "\r\n" + "x" * 1000) for _ in range(5)]
    first.sendall(body[3_000_000:])
    statuses.append(int(first.recv(4096).split()[1]))
    print("statuses", *statuses, flush=True)


ASK = f"GET {ROOT}elsewhere HTTP/1.1\r\nHost: {API}\r\n\r\n"


def by(whom):
    """Has somebody of this environment, or a bit outside, call the API, and returns the status of the answer."""
    if whom == "itself":
        return say(ASK)
    if whom == "itself over IPv6":
        return say(ASK, socket.AF_INET6)
    answer, answered = os.pipe()
    if os.fork() == 0:
        if whom == "a grandchild" or whom == "an orphan" or whom == "an orphan of its own session":
            parent = os.getpid()
            if os.fork() != 0:
                if whom == "a grandchild":
                    os.wait()
                os._exit(0)
            while whom.startswith("an orphan") and os.getppid() == parent:
                time.sleep(0.001)
        if whom == "a child of its own group":
            os.setpgid(0, 0)
        if whom.endswith("session"):
            os.setsid()
        if whom == "a child of another user":
            os.setuid(65534)
        os.write(answered, str(say(ASK)).encode())
        os._exit(0)
    os.close(answered)
    return int(os.read(answer, 100))


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
            if mode == "echo":
                result = body
            response, body = call("POST", "invocation/" + request + "/response", result)
        except ValueError as error:
            failure = json.dumps({"errorType": "ValueError", "errorMessage": str(error)})
            response, body = call("POST", "invocation/" + request + "/error", failure)
        print("posted", response.status, body.decode(), flush=True)
        if os.environ.get("AFTER"):
            time.sleep(float(os.environ["AFTER"]))
        served -= 1


main()
