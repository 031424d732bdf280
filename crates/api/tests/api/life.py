"""Leads a mapping through its life with boto3, against the endpoint that is the first argument."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client(
    "lambda",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
)
ORDERS = "arn:aws:sqs:us-east-1:000000000000:orders"


def settled(uuid):
    while True:
        mapping = client.get_event_source_mapping(UUID=uuid)
        if mapping["State"] in ("Enabled", "Disabled"):
            return mapping
        time.sleep(0.01)


def refused(code, call, **members):
    try:
        call(**members)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{call.__name__} succeeded: {code} was expected")


def known(answer):
    """Asserts that the service model knows every member of a mapping."""
    shape = client.meta.service_model.shape_for("EventSourceMappingConfiguration")
    unknown = set(answer) - set(shape.members) - {"ResponseMetadata"}
    assert not unknown, unknown
    return answer


created = known(client.create_event_source_mapping(EventSourceArn=ORDERS, FunctionName="f", BatchSize=5))
assert created["ResponseMetadata"]["HTTPStatusCode"] == 202, created
assert created["ResponseMetadata"]["RequestId"], created
assert created["State"] == "Creating" and created["StateTransitionReason"] == "USER_INITIATED", created
assert abs(created["LastModified"].timestamp() - time.time()) < 60, created
uuid, arn = created["UUID"], created["EventSourceMappingArn"]
assert known(settled(uuid))["State"] == "Enabled"

conflict = refused(
    "ResourceConflictException", client.create_event_source_mapping, EventSourceArn=ORDERS, FunctionName="f"
)
assert conflict["Type"] == "User" and conflict["message"] == conflict["Error"]["Message"], conflict
assert conflict["ResponseMetadata"]["HTTPStatusCode"] == 409, conflict

updated = client.update_event_source_mapping(
    UUID=uuid, BatchSize=7, FilterCriteria={"Filters": [{"Pattern": '{"body":{"n":[1]}}'}]}
)
assert updated["State"] == "Updating" and updated["BatchSize"] == 7, updated
in_use = refused("ResourceInUseException", client.update_event_source_mapping, UUID=uuid, BatchSize=8)
assert in_use["Message"] == in_use["Error"]["Message"], in_use
assert settled(uuid)["FilterCriteria"] == {"Filters": [{"Pattern": '{"body":{"n":[1]}}'}]}

client.tag_resource(Resource=arn, Tags={"team": "orders", "Stage": "test + more/=:@"})
client.tag_resource(Resource=arn, Tags={"team": "billing"})
assert client.list_tags(Resource=arn)["Tags"] == {"team": "billing", "Stage": "test + more/=:@"}
client.untag_resource(Resource=arn, TagKeys=["team", "Stage", "none"])
assert client.list_tags(Resource=arn)["Tags"] == {}

others = {
    client.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:queue-{n}", FunctionName="f", Enabled=False
    )["UUID"]
    for n in range(12)
}
pages = list(client.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 5}))
assert [len(page["EventSourceMappings"]) for page in pages] == [5, 5, 3], pages
assert {mapping["UUID"] for page in pages for mapping in page["EventSourceMappings"]} == others | {uuid}
listed = client.list_event_source_mappings(EventSourceArn=ORDERS, FunctionName="f")["EventSourceMappings"]
assert [mapping["UUID"] for mapping in listed] == [uuid], listed
assert client.list_event_source_mappings(FunctionName="unknown")["EventSourceMappings"] == []

assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
while True:
    try:
        client.get_event_source_mapping(UUID=uuid)
    except ClientError as error:
        gone = error.response
        break
    time.sleep(0.01)
assert gone["Error"] == {
    "Code": "ResourceNotFoundException",
    "Message": "The resource you requested does not exist.",
}, gone
assert gone["Type"] == "User" and gone["Message"] == gone["Error"]["Message"] and "message" not in gone, gone
assert gone["ResponseMetadata"]["HTTPStatusCode"] == 404, gone
refused("ResourceNotFoundException", client.list_tags, Resource=arn)
refused("ValidationException", client.list_tags, Resource=arn + ":alias")
