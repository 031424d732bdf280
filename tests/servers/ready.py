"""Waits until an HTTP server answers with a success, at most 60 seconds, and as long as its process lives.

Usage: ready.py URL PID
"""

import os
import sys
import time
import urllib.request

url, pid = sys.argv[1], int(sys.argv[2])
# No proxy: the server is on this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
deadline = time.monotonic() + 60
while True:
    try:
        with opener.open(url, timeout=5):
            sys.exit(0)
    except OSError as error:
        reason = error
    if not os.path.exists(f"/proc/{pid}"):
        sys.exit(f"error: {url} will not answer: process {pid} has ended")
    if time.monotonic() > deadline:
        sys.exit(f"error: {url} did not answer within 60 s: {reason}")
    time.sleep(0.05)
