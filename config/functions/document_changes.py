"""Prints each change of a change stream: what was done, to which document."""


def handle(event, context):
    for record in event["events"]:
        change = record["event"]
        where = ".".join(change["ns"].values()) if "ns" in change else ""
        print(change["operationType"], where, change.get("documentKey", {}).get("_id", ""))
