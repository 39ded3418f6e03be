"""What was made by hand, or by older programs, is recognised, shown as such, and adopted."""

from __future__ import annotations

import time
from typing import Any

import test_drift
from fleet import HOME, NAME, ROLE, Fleet
from test_rules import default_vpc

REGION = "us-east-1"
NAME_TAG = [{"Key": "Name", "Value": NAME}]


def by_hand(fleet: Fleet, **instance: Any) -> dict[str, str]:
    """A region as the original scripts leave it: everything has the name, nothing has our tags."""
    fleet.cloud.settings(late=0)  # what is new is known to boto3 at once
    ec2 = fleet.ec2(REGION)
    image = ec2.copy_image(
        SourceRegion=HOME, SourceImageId=fleet.seeded["image"], Name=NAME
    )["ImageId"]
    ec2.import_key_pair(KeyName=NAME, PublicKeyMaterial=fleet.key.with_suffix(".pub").read_bytes())
    group = ec2.create_security_group(
        GroupName=NAME, Description=NAME, VpcId=default_vpc(fleet, REGION)
    )["GroupId"]
    fleet.cloud.until(lambda: [i["State"] for i in fleet.images(REGION)] == ["available"])
    made = {"image": image, "group": group}
    if instance.pop("without", False):
        return made
    made["instance"] = run_by_hand(fleet, made, **instance)
    return made


def run_by_hand(fleet: Fleet, made: dict[str, str], **more: Any) -> str:
    ec2 = fleet.ec2(REGION)
    instance = str(
        ec2.run_instances(
            ImageId=made["image"], InstanceType="t3.micro", MinCount=1, MaxCount=1, KeyName=NAME,
            SecurityGroupIds=[made["group"]], IamInstanceProfile={"Name": ROLE},
            TagSpecifications=[{"ResourceType": "instance", "Tags": NAME_TAG}], **more,
        )["Instances"][0]["InstanceId"]
    )  # fmt: skip
    fleet.cloud.until(lambda: state_of(fleet, instance) == "running")
    ec2.stop_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: state_of(fleet, instance) == "stopped")
    return instance


def state_of(fleet: Fleet, instance: str) -> str:
    found = [i for i in fleet.instances(REGION) if i["InstanceId"] == instance]
    return str(found[0]["State"]["Name"]) if found else "unknown"


def fleet_tags(fleet: Fleet) -> dict[str, str | None]:
    ec2 = fleet.ec2(REGION)
    things = [
        *((i["ImageId"], i) for i in fleet.images(REGION)),
        *((s["SnapshotId"], s) for s in fleet.snapshots(REGION)),
        *((k["KeyPairId"], k) for k in fleet.key_pairs(REGION)),
        *((g["GroupId"], g) for g in fleet.groups(REGION)),
        *((i["InstanceId"], i) for i in fleet.instances(REGION)),
        *((v["VolumeId"], v) for v in ec2.describe_volumes()["Volumes"]),
    ]
    return {
        name: next((t["Value"] for t in x.get("Tags", []) if t["Key"] == "awsq:fleet"), None)
        for name, x in things
    }


def test_everything_by_name_alone_is_adopted(fleet: Fleet) -> None:
    made = by_hand(fleet)
    before = fleet_tags(fleet)
    assert set(before.values()) == {None}
    check = fleet.run("check-region", REGION)
    assert check.returncode == 3
    for thing in before:
        lines = [line for line in check.stdout.splitlines() if f" {thing}: tags: " in line]
        assert len(lines) == 1 and "it was made by hand" in lines[0], f"{thing}\n{check.stdout}"

    mark = fleet.cloud.mark()
    fleet.run("config-region", REGION, check=True)
    after = fleet_tags(fleet)
    assert set(after) == set(before) and set(after.values()) == {NAME}
    assert not {"CopyImage", "RunInstances", "ImportKeyPair"} & set(fleet.actions(mark))
    assert fleet.rules(REGION) == fleet.rules(HOME)
    assert fleet.run("check-region", REGION).returncode == 0
    assert fleet.run("run-region", REGION, check=True).stdout == f"here is {REGION}\n"
    assert fleet.instance(REGION)["InstanceId"] == made["instance"]
    fleet.run("clear-region", "--yes", REGION, check=True)
    assert fleet_tags(fleet) == {}


def test_user_data_of_someone_s_own_is_not_overwritten(fleet: Fleet) -> None:
    own = "#!/bin/sh\necho mine\n"
    made = by_hand(fleet, UserData=own)
    done = fleet.run("config-region", REGION, check=True)
    assert "user data: wanted the timer of max_uptime" in done.stderr
    answer = fleet.ec2(REGION).describe_instance_attribute(
        InstanceId=made["instance"], Attribute="userData"
    )
    import base64

    assert base64.b64decode(answer["UserData"]["Value"]).decode() == own
    fleet.run("config-region", "--replace", REGION, check=True)
    assert fleet.run("check-region", REGION).returncode == 0


def test_two_images_are_listed_and_not_guessed_at(fleet: Fleet) -> None:
    made = by_hand(fleet, without=True)
    ec2 = fleet.ec2(REGION)
    second = ec2.copy_image(SourceRegion=HOME, SourceImageId=fleet.seeded["image"], Name=NAME)
    fleet.cloud.until(lambda: len(fleet.images(REGION)) == 2)
    mark = fleet.cloud.mark()
    for tool, status in (("check-region", 3), ("config-region", 1)):
        done = fleet.run(tool, REGION)
        assert done.returncode == status
        for image in (made["image"], second["ImageId"]):
            assert image in done.stdout + done.stderr
    assert fleet.actions(mark) == []


def test_two_instances_are_listed_and_not_guessed_at(fleet: Fleet) -> None:
    """Either may be none of the fleet's, as they were made by hand: what else is there is adopted."""
    made = by_hand(fleet)
    second = run_by_hand(fleet, made)
    mark = fleet.cloud.mark()
    for tool, status in (("check-region", 3), ("config-region", 0)):
        done = fleet.run(tool, REGION)
        assert done.returncode == status
        assert "instances: count: wanted 1, found 2" in done.stdout + done.stderr
        for instance in (made["instance"], second):
            assert instance in done.stdout + done.stderr
    changed = [c for c in fleet.changes(mark) if c["region"] == REGION]
    assert not {"RunInstances", "TerminateInstances", "StopInstances"} & {c["action"] for c in changed}
    tags = fleet_tags(fleet)
    assert tags[made["instance"]] is None and tags[second] is None
    assert tags[made["image"]] == NAME


def test_a_copy_by_hand_of_an_older_image_is_replaced_and_kept(fleet: Fleet) -> None:
    """It does not say what it is a copy of, but it is older than home's image."""
    made = by_hand(fleet)
    time.sleep(1.1)  # AWS dates images by the second
    new = test_drift.newer_home_image_alone(fleet)
    done = fleet.run("config-region", "--replace", REGION, check=True)
    assert f"image {made['image']}: wanted none, found an older image" in done.stderr
    (image,) = [i for i in fleet.images(REGION) if i["ImageId"] != made["image"]]
    assert {"Key": "awsq:source-image", "Value": new} in image["Tags"]
    assert fleet.instance(REGION)["ImageId"] == image["ImageId"]


def test_another_fleet_s_things_are_not_adopted(fleet: Fleet) -> None:
    """The same Name, but the tag says whose it is."""
    made = by_hand(fleet)
    other = [{"Key": "awsq:fleet", "Value": "OTHER"}]
    fleet.ec2(REGION).create_tags(Resources=[made["instance"], made["image"]], Tags=other)
    fleet.run("config-region", REGION, check=True)
    tags = fleet_tags(fleet)
    assert tags[made["instance"]] == "OTHER" and tags[made["image"]] == "OTHER"
    assert len(fleet.instances(REGION)) == 2 and len(fleet.images(REGION)) == 2
    # A group that another's instance is in could not go.
    aside = fleet.ec2(REGION).create_security_group(
        GroupName="aside", Description="aside", VpcId=default_vpc(fleet, REGION)
    )["GroupId"]
    fleet.ec2(REGION).modify_instance_attribute(InstanceId=made["instance"], Groups=[aside])
    fleet.run("clear-region", "--yes", REGION, check=True)
    assert made["instance"] in fleet_tags(fleet) and made["image"] in fleet_tags(fleet)
