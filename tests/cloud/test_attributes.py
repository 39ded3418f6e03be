"""An instance's attributes, and what they do."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Region, refused

STOPS = b"#!/bin/sh\nshutdown -h +1\n"


class Subject:
    def __init__(self, region: Region, **more: Any):
        self.region, self.ec2 = region, region.ec2
        region.cloud.settings(boot=0.1, stop=0.1, minute=0.4)
        self.id = region.run(**more)
        region.until(self.id, "running")

    def get(self, name: str) -> Any:
        found = self.ec2.describe_instance_attribute(InstanceId=self.id, Attribute=name)
        return found[name[0].upper() + name[1:]]

    def set(self, **change: Any) -> None:
        self.ec2.modify_instance_attribute(InstanceId=self.id, **change)

    def stop(self) -> None:
        self.ec2.stop_instances(InstanceIds=[self.id])
        self.region.until(self.id, "stopped")


@pytest.fixture
def subject(region: Region) -> Subject:
    return Subject(region)


def test_user_data_changes_while_stopped_and_counts_at_the_next_boot(subject: Subject) -> None:
    assert subject.get("userData") == {}
    new = {"UserData": {"Value": STOPS}}
    assert refused(subject.set, **new) == "IncorrectInstanceState"
    subject.stop()
    subject.set(**new)
    assert base64.b64decode(subject.get("userData")["Value"]) == STOPS
    subject.ec2.start_instances(InstanceIds=[subject.id])
    why = subject.region.until(subject.id, "stopped")["StateReason"]["Code"]
    assert why == "Client.InstanceInitiatedShutdown"
    subject.set(Attribute="userData", Value=base64.b64encode(b"\x1f\x8b\xff").decode())
    assert base64.b64decode(subject.get("userData")["Value"]) == b"\x1f\x8b\xff"
    code = refused(subject.set, Attribute="userData", Value="not base64!")
    assert code == "InvalidUserData.Malformed"
    subject.ec2.start_instances(InstanceIds=[subject.id])
    subject.region.until(subject.id, "running")


def test_protection_is_against_stops_and_termination(subject: Subject) -> None:
    ids = {"InstanceIds": [subject.id]}
    assert subject.get("disableApiStop") == subject.get("disableApiTermination") == {"Value": False}
    subject.set(DisableApiTermination={"Value": True})
    assert subject.get("disableApiTermination") == {"Value": True}
    words = f"The instance '{subject.id}' may not be terminated. Modify its "
    with pytest.raises(ClientError, match=f"{words}'disableApiTermination'") as caught:
        subject.ec2.terminate_instances(**ids)
    assert caught.value.response["Error"]["Code"] == "OperationNotPermitted"
    subject.set(Attribute="disableApiTermination", Value="false")
    subject.set(DisableApiStop={"Value": True})
    with pytest.raises(ClientError, match="may not be stopped. Modify its 'disableApiStop'"):
        subject.ec2.stop_instances(**ids)
    with pytest.raises(ClientError, match=f"{words}'disableApiStop'"):
        subject.ec2.terminate_instances(**ids)
    subject.set(DisableApiStop={"Value": False})
    subject.stop()


def test_the_shutdown_behaviour(subject: Subject) -> None:
    name = "InstanceInitiatedShutdownBehavior"
    subject.set(**{name: {"Value": "terminate"}})
    assert subject.get("instanceInitiatedShutdownBehavior") == {"Value": "terminate"}
    assert refused(subject.set, **{name: {"Value": "sleep"}}) == "InvalidParameterValue"
    subject.region.cloud.machine(subject.id, "shutdown", **{"in": 0})
    subject.region.until(subject.id, "terminated")


def test_the_instance_type(subject: Subject) -> None:
    change = {"InstanceType": {"Value": "t3a.micro"}}
    assert refused(subject.set, **change) == "IncorrectInstanceState"
    subject.stop()
    subject.set(**change)
    assert subject.region.instance(subject.id)["InstanceType"] == "t3a.micro"
    wrong = refused(subject.set, InstanceType={"Value": "t3.giant"})
    assert wrong == "InvalidInstanceAttributeValue"
    subject.region.cloud.unoffer(subject.region.name, "t3.small")
    assert refused(subject.set, InstanceType={"Value": "t3.small"}) == "Unsupported"
    subject.set(Attribute="instanceType", Value="t3.nano")
    assert subject.get("instanceType") == {"Value": "t3.nano"}


def test_groups_are_replaced_as_a_whole(subject: Subject) -> None:
    make = subject.ec2.create_security_group
    one, two = (make(GroupName=n, Description=n)["GroupId"] for n in ("one", "two"))
    subject.set(Groups=[one, two])
    shown = subject.region.instance(subject.id)
    assert {g["GroupId"] for g in shown["SecurityGroups"]} == {one, two}
    assert {g["GroupId"] for g in shown["NetworkInterfaces"][0]["Groups"]} == {one, two}
    missing = "sg-0123456789abcdef0"
    assert refused(subject.set, Groups=[one, missing]) == "InvalidGroup.NotFound"
    subject.set(Groups=[two])
    groups = subject.region.instance(subject.id)["SecurityGroups"]
    assert groups == [{"GroupId": two, "GroupName": "two"}]
    subject.ec2.delete_security_group(GroupId=one)
    assert refused(subject.ec2.delete_security_group, GroupId=two) == "DependencyViolation"


def test_one_attribute_at_a_time(subject: Subject) -> None:
    both = {"DisableApiStop": {"Value": True}, "DisableApiTermination": {"Value": True}}
    assert refused(subject.set, **both) == "InvalidParameterCombination"
    assert refused(subject.set) == "InvalidParameterCombination"
    groups = subject.region.instance(subject.id)["SecurityGroups"]
    assert len(groups) == 1
    nobody = {"InstanceId": "i-0123456789abcdef0"}
    code = refused(subject.ec2.modify_instance_attribute, DisableApiStop={"Value": True}, **nobody)
    assert code == "InvalidInstanceID.NotFound"


def test_metadata_options_keep_what_is_not_named(region: Region) -> None:
    options = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 3}
    subject = Subject(region, MetadataOptions=options)
    change = subject.ec2.modify_instance_metadata_options
    answer = change(InstanceId=subject.id, HttpTokens="required")
    assert answer["InstanceMetadataOptions"]["State"] == "pending"
    shown = region.instance(subject.id)["MetadataOptions"]
    assert (shown["HttpTokens"], shown["HttpPutResponseHopLimit"]) == ("required", 3)
    assert (shown["State"], shown["HttpEndpoint"]) == ("applied", "enabled")


def test_a_volume_that_is_kept_outlives_its_instance(region: Region) -> None:
    disks = [
        {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}},
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 3}},
    ]
    subject = Subject(region, BlockDeviceMappings=disks)
    shown = region.instance(subject.id)["BlockDeviceMappings"]
    kept, gone = (disk["Ebs"]["VolumeId"] for disk in shown)
    describe = region.ec2.describe_volumes
    attached = describe(VolumeIds=[kept])["Volumes"][0]["Attachments"][0]
    assert attached["DeleteOnTermination"] is False
    region.ec2.terminate_instances(InstanceIds=[subject.id])
    region.until(subject.id, "terminated")
    volume = describe(VolumeIds=[kept])["Volumes"][0]
    assert (volume["State"], volume["Attachments"]) == ("available", [])
    assert refused(describe, VolumeIds=[gone]) == "InvalidVolume.NotFound"


def test_a_region_may_lack_an_instance_type(region: Region) -> None:
    ec2 = region.ec2
    wanted = [{"Name": "instance-type", "Values": ["t3.medium", "t3.large"]}]

    def offered(kind: str, *more: dict[str, Any]) -> set[tuple[str, str]]:
        found = ec2.describe_instance_type_offerings(LocationType=kind, Filters=[*wanted, *more])
        return {(o["InstanceType"], o["Location"]) for o in found["InstanceTypeOfferings"]}

    assert offered("region") == {("t3.medium", region.name), ("t3.large", region.name)}
    zone = {"Name": "location", "Values": [f"{region.name}a"]}
    assert ("t3.large", f"{region.name}a") in offered("availability-zone", zone)
    assert offered("region", {"Name": "location", "Values": [region.name[:-1]]}) == set()
    region.cloud.unoffer(region.name, "t3.large")
    assert offered("region") == {("t3.medium", region.name)}
    assert {kind for kind, _ in offered("availability-zone")} == {"t3.medium"}
    with pytest.raises(ClientError, match="configuration is currently not supported") as caught:
        region.run(InstanceType="t3.large")
    assert caught.value.response["Error"]["Code"] == "Unsupported"
    region.cloud.offer(region.name, "t3.large")
    assert region.run(InstanceType="t3.large")
