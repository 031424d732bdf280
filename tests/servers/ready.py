"""Waits until an HTTP server answers with a success, or a broker at all; at most 60 seconds, and as long as its
process lives.

Usage: ready.py URL PID [OPERATION]

Without an operation, it asks with GET; with one (such as DynamoDB_20120810.ListTables), it calls it as a client of AWS
would. A broker's URL is kafka://HOST:PORT, amqp://HOST:PORT or, for AMQP 1.0,
amqp1://HOST:PORT.
"""

import os
import socket
import struct
import sys
import time
import urllib.parse
import urllib.request

url, pid, *operation = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
request = urllib.request.Request(url)
if operation:
    request.data = b"{}"
    # The servers look whose key it is, and take any signature.
    request.headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": operation[0],
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/dynamodb/aws4_request,"
        " SignedHeaders=host, Signature=0",
    }
# No proxy: the server is on this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


# What each client says first: that it speaks AMQP 0-9-1, or 1.0 with SASL; which requests Kafka knows (ApiVersions, version 0).
GREETINGS = {
    "amqp": b"AMQP\x00\x00\x09\x01",
    "amqp1": b"AMQP\x03\x01\x00\x00",
    "kafka": struct.pack(">ihhih", 10, 18, 0, 1, -1),
}


def ask_broker(broker):
    with socket.create_connection((broker.hostname, broker.port), timeout=5) as connection:
        connection.sendall(GREETINGS[broker.scheme])
        if not connection.recv(1):
            raise OSError("the connection was closed")


def ask():
    broker = urllib.parse.urlsplit(url)
    if broker.scheme in GREETINGS:
        ask_broker(broker)
    else:
        opener.open(request, timeout=5).close()


deadline = time.monotonic() + 60
while True:
    try:
        ask()
        sys.exit(0)
    except OSError as error:
        reason = error
    if not os.path.exists(f"/proc/{pid}"):
        sys.exit(f"error: {url} will not answer: process {pid} has ended")
    if time.monotonic() > deadline:
        sys.exit(f"error: {url} did not answer within 60 s: {reason}")
    time.sleep(0.05)
