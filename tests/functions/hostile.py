"""Runtimes that do what no runtime should: one for each name given as the argument.

Each asks for an event first, so that it holds one while it misbehaves, and ends by itself.
"""

import os
import socket
import sys
import threading
import time

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime"
MEGABYTE = 1024 * 1024
STAY = 6


def connect():
    host, port = HOST.split(":")
    return socket.create_connection((host, int(port)))


def head(method, path, length=0, host=HOST):
    return f"{method} {ROOT}{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n".encode()


def take():
    """Takes an event, and returns its id and the connection."""
    connection = connect()
    connection.sendall(head("GET", "/invocation/next"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    for line in answer.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"lambda-runtime-aws-request-id":
            return value.strip().decode(), connection
    sys.exit(f"no event: {answer[:200]}")


def answer(body, kind="response"):
    request_id, connection = take()
    connection.sendall(head("POST", f"/invocation/{request_id}/{kind}", len(body)))
    connection.sendall(body)
    connection.recv(65536)


def many(count, data):
    """Opens connections that stay, sends `data` on each, and answers the event meanwhile if it still can."""
    kept = []
    for _ in range(count):
        try:
            connection = connect()
            connection.settimeout(0.2)
            kept.append(connection)
            connection.sendall(data)
        except OSError:
            pass
    time.sleep(STAY)


def thousand_connections():
    many(1000, b"")


def half_heads():
    many(1000, head("GET", "/invocation/next")[:-2])


def unfinished_bodies():
    request_id, _ = take()
    many(200, head("POST", f"/invocation/{request_id}/response", 6 * MEGABYTE) + b" " * (6 * MEGABYTE - 1))


def unexpected_bodies():
    many(200, head("POST", "/invocation/none/response", 6 * MEGABYTE) + b" " * (6 * MEGABYTE - 1))


def unfinished_init_errors():
    many(200, head("POST", "/init/error", 6 * MEGABYTE) + b" " * (6 * MEGABYTE - 1))


def deep():
    answer(b"[" * (6 * MEGABYTE))


def empty_objects():
    answer(b'{"a":[' + b"{}," * (2 * MEGABYTE - 10) + b"{}]}")


def failures():
    item = b'{"itemIdentifier":"x"},'
    answer(b'{"batchItemFailures":[' + item * (6 * MEGABYTE // len(item) - 4) + item[:-1] + b"]}")


def error_of_megabytes():
    answer(b'{"errorMessage":"' + b"\\u001b" * MEGABYTE + b'"}', "error")


def endless_response():
    request_id, connection = take()
    connection.sendall(head("POST", f"/invocation/{request_id}/response", 1 << 40))
    for _ in range(1024):
        connection.sendall(b" " * MEGABYTE)


def endless_line():
    end = time.time() + STAY
    while time.time() < end:
        sys.stdout.buffer.write(b"x" * MEGABYTE)


def endless_lines():
    end = time.time() + 1
    while time.time() < end:
        sys.stderr.buffer.write(b"\x1b[2J\xe2\x80\xae\r\n" * 10_000)


def pipelined():
    connection = connect()
    threading.Thread(target=lambda: connection.sendall(head("GET", "/invocation/next") * 100_000), daemon=True).start()
    time.sleep(STAY)


def other_host():
    connection = connect()
    connection.sendall(head("GET", "/invocation/next", host="example.com"))
    if b" 403 " not in connection.recv(65536).split(b"\r\n")[0] + b" ":
        sys.exit("another host was served")
    time.sleep(STAY)


def once():
    """No bad runtime, but a short and late one: it asks a second after it was started, for one event only."""
    time.sleep(float(os.environ.get("LATE_SECONDS", "1")))
    request_id, connection = take()
    with open(os.environ["RECORD_FILE"], "a") as file:
        file.write(f'{{"id":"{request_id}"}}\n')
    connection.sendall(head("POST", f"/invocation/{request_id}/response", 4) + b"null")
    connection.recv(65536)


globals()[sys.argv[1]]()
