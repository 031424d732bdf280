"""Asks for the list of mappings with boto3 and the credentials of the environment, or unsigned.

Prints one JSON object: the HTTP status and the error's name, null if there is none.
"""

import json
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, how = sys.argv[1:]
settings = {"retries": {"total_max_attempts": 1}}
if how == "unsigned":
    settings["signature_version"] = UNSIGNED
client = boto3.client("lambda", endpoint_url=endpoint, config=Config(**settings))
try:
    answer, error = client.list_event_source_mappings(), None
except ClientError as refusal:
    answer, error = refusal.response, refusal.response["Error"]["Code"]
print(json.dumps({"status": answer["ResponseMetadata"]["HTTPStatusCode"], "error": error}))
