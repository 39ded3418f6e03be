"""What the cloud adds to moto, seen with boto3."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from . import seed
from .client import Cloud
from .conftest import Region, refused


def test_an_instance_passes_through_every_state(region: Region) -> None:
    image = region.image()
    region.cloud.settings(boot=3, stop=2)  # long enough to be met, on a busy machine too
    ec2, instance = region.ec2, region.run(image)
    assert region.state(instance) == "pending"
    assert "PublicIpAddress" not in region.instance(instance)
    first = region.until(instance, "running")

    change = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert change["PreviousState"] == {"Code": 16, "Name": "running"}
    assert change["CurrentState"] == {"Code": 64, "Name": "stopping"}
    assert region.state(instance) == "stopping"
    stopped = region.until(instance, "stopped")
    assert "PublicIpAddress" not in stopped
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown"

    change = ec2.start_instances(InstanceIds=[instance])["StartingInstances"][0]
    assert change["PreviousState"]["Name"] == "stopped"
    assert change["CurrentState"]["Name"] == "pending"
    second = region.until(instance, "running")
    assert second["PublicIpAddress"] != first["PublicIpAddress"]
    assert second["LaunchTime"] >= first["LaunchTime"]
    volume = second["BlockDeviceMappings"][0]["Ebs"]
    assert volume["AttachTime"] == first["BlockDeviceMappings"][0]["Ebs"]["AttachTime"]

    change = ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert change["PreviousState"]["Name"] == "running"
    assert change["CurrentState"]["Name"] == "shutting-down"
    assert region.until(instance, "terminated")["BlockDeviceMappings"] == []
    assert ec2.describe_volumes()["Volumes"] == [] or all(
        v["VolumeId"] != volume["VolumeId"] for v in ec2.describe_volumes()["Volumes"]
    )


def test_states_that_allow_no_change(region: Region) -> None:
    region.cloud.settings(boot=2, stop=2)  # long enough to be met, on a busy machine too
    ec2, instance = region.ec2, region.run()
    ids = {"InstanceIds": [instance]}
    assert refused(ec2.start_instances, **ids) == "IncorrectInstanceState"
    assert refused(ec2.stop_instances, **ids) == "IncorrectInstanceState"
    region.until(instance, "running")
    change = ec2.start_instances(**ids)["StartingInstances"][0]
    assert change["PreviousState"]["Name"] == change["CurrentState"]["Name"] == "running"
    ec2.stop_instances(**ids)
    assert refused(ec2.start_instances, **ids) == "IncorrectInstanceState"
    region.until(instance, "stopped")
    change = ec2.stop_instances(**ids)["StoppingInstances"][0]
    assert change["PreviousState"]["Name"] == change["CurrentState"]["Name"] == "stopped"
    ec2.terminate_instances(**ids)
    assert refused(ec2.start_instances, **ids) == "IncorrectInstanceState"


def test_one_bad_instance_fails_the_batch(region: Region) -> None:
    one, two = region.run(), region.run()
    region.until(two, "running")
    region.ec2.stop_instances(InstanceIds=[one])
    region.until(one, "stopped")
    region.ec2.terminate_instances(InstanceIds=[two])
    batch = [one, two]
    assert refused(region.ec2.start_instances, InstanceIds=batch) == "IncorrectInstanceState"
    assert region.state(one) == "stopped"


def test_two_starts_see_different_states(region: Region) -> None:
    instance = region.run()
    region.until(instance, "running")
    region.ec2.stop_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    region.cloud.settings(pending_start_fails=0, boot=3)
    seen = [
        region.ec2.start_instances(InstanceIds=[instance])["StartingInstances"][0] for _ in range(2)
    ]
    assert [s["PreviousState"]["Name"] for s in seen] == ["stopped", "pending"]


def test_what_run_instances_is_given_is_shown(region: Region) -> None:
    iam, ec2 = region.cloud.boto("iam"), region.ec2
    seed.make_role(iam, "shown")
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = seed.make_group(ec2, "shown")
    instance = region.run(
        IamInstanceProfile={"Name": "shown"},
        InstanceInitiatedShutdownBehavior="terminate",
        DisableApiTermination=True,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": subnet["SubnetId"],
                "Groups": [group],
                "AssociatePublicIpAddress": True,
            }
        ],
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 12}}],
        UserData="#!/bin/sh\necho hello\n",
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "an instance"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "a volume"}]},
        ],
    )
    shown = region.until(instance, "running")
    assert shown["IamInstanceProfile"]["Arn"].endswith(":instance-profile/shown")
    assert shown["MetadataOptions"]["HttpTokens"] == "required"
    assert shown["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert shown["SubnetId"] == subnet["SubnetId"]
    assert [g["GroupId"] for g in shown["SecurityGroups"]] == [group]
    assert [g["GroupId"] for g in shown["NetworkInterfaces"][0]["Groups"]] == [group]
    association = shown["NetworkInterfaces"][0]["Association"]
    assert association["PublicIp"] == shown["PublicIpAddress"]
    assert shown["NetworkInterfaces"][0]["Attachment"]["DeleteOnTermination"]
    assert shown["Tags"] == [{"Key": "Name", "Value": "an instance"}]
    volume = shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    volume = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
    assert volume["Size"] == 12
    assert volume["SnapshotId"].startswith("snap-")
    assert volume["Tags"] == [{"Key": "Name", "Value": "a volume"}]

    def attribute(name: str) -> object:
        found = ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)
        return found[name[0].upper() + name[1:]]["Value"]

    assert attribute("instanceInitiatedShutdownBehavior") == "terminate"
    assert attribute("disableApiTermination") is True
    ids = [instance]
    assert refused(ec2.terminate_instances, InstanceIds=ids) == "OperationNotPermitted"
    ec2.modify_instance_attribute(
        InstanceId=instance, InstanceInitiatedShutdownBehavior={"Value": "stop"}
    )
    assert attribute("instanceInitiatedShutdownBehavior") == "stop"
    assert region.instance(instance)["SecurityGroups"] == shown["SecurityGroups"]
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=ids)


def test_an_instance_type_changes_only_while_stopped(region: Region) -> None:
    instance = region.run()
    region.until(instance, "running")
    change = {"InstanceId": instance, "InstanceType": {"Value": "t3a.micro"}}
    assert refused(region.ec2.modify_instance_attribute, **change) == "IncorrectInstanceState"
    region.ec2.stop_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    region.ec2.modify_instance_attribute(**change)
    assert region.instance(instance)["InstanceType"] == "t3a.micro"


def test_new_ids_are_unknown_for_a_while(region: Region) -> None:
    ec2, image = region.ec2, region.image()
    region.cloud.settings(late=6)
    made = time.monotonic()
    instance = region.run(image)
    found = {"InstanceIds": [instance]}
    assert refused(ec2.describe_instances, **found) == "InvalidInstanceID.NotFound"
    assert refused(ec2.stop_instances, **found) == "InvalidInstanceID.NotFound"
    assert ec2.describe_instances()["Reservations"] == []
    by_id = [{"Name": "instance-id", "Values": [instance]}]
    assert ec2.describe_instances(Filters=by_id)["Reservations"] == []
    group = ec2.create_security_group(GroupName="late", Description="late")["GroupId"]
    assert refused(ec2.describe_security_groups, GroupIds=[group]) == "InvalidGroup.NotFound"
    late = ec2.copy_image(Name="late", SourceImageId=image, SourceRegion=region.name)["ImageId"]
    assert refused(ec2.describe_images, ImageIds=[late]) == "InvalidAMIID.NotFound"
    assert late not in [i["ImageId"] for i in ec2.describe_images(Owners=["self"])["Images"]]
    region.cloud.until(lambda: ec2.describe_instances()["Reservations"])
    assert time.monotonic() - made >= 6
    assert region.instance(instance)
    region.cloud.until(lambda: len(ec2.describe_security_groups()["SecurityGroups"]) == 2)
    mine = {"Owners": ["self"]}
    region.cloud.until(
        lambda: late in [i["ImageId"] for i in ec2.describe_images(**mine)["Images"]]
    )
    ec2.describe_images(ImageIds=[late])


def test_a_lookup_that_worked_may_fail_again(region: Region) -> None:
    image = region.image()
    region.cloud.settings(flicker=6)
    instance = region.run(image)
    assert region.instance(instance)

    def is_known() -> bool:
        try:
            return bool(region.instance(instance))
        except ClientError as error:
            assert "InvalidInstanceID.NotFound" in str(error)
            return False

    region.cloud.until(lambda: not is_known())
    region.cloud.until(is_known)


def test_a_client_token_makes_one_instance(region: Region) -> None:
    image = region.image()
    one = region.run(image, ClientToken="once")
    assert region.run(image, ClientToken="once") == one
    assert region.run(image, ClientToken="other") != one
    again = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "ClientToken": "once"}
    code = refused(region.ec2.run_instances, InstanceType="t3.small", KeyName="key", **again)
    assert code == "IdempotentParameterMismatch"
    assert region.instance(one)["ClientToken"] == "once"
    region.ec2.terminate_instances(InstanceIds=[one])
    code = refused(region.ec2.run_instances, InstanceType="t3.micro", KeyName="key", **again)
    assert code == "IdempotentInstanceTerminated"


def test_an_image_is_copied_with_its_tags(region: Region) -> None:
    home, cloud = Region(region.cloud, "ca-central-1"), region.cloud
    source = home.image()
    request = {
        "Name": "copy",
        "SourceImageId": source,
        "SourceRegion": home.name,
        "ClientToken": "copy",
        "TagSpecifications": [
            {"ResourceType": "image", "Tags": [{"Key": "Name", "Value": "image"}]},
            {"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": "snapshot"}]},
        ],
    }
    cloud.settings(copy=4)  # long enough to be met, on a busy machine too
    copy = region.ec2.copy_image(**request)["ImageId"]
    assert region.ec2.copy_image(**request)["ImageId"] == copy

    def image() -> dict:
        return region.ec2.describe_images(ImageIds=[copy])["Images"][0]

    assert image()["State"] == "pending"
    assert refused(region.run, copy) == "InvalidAMIID.Unavailable"
    snapshot = image()["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    pending = region.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    assert pending["State"] == "pending" and pending["Progress"] != "100%"
    cloud.until(lambda: image()["State"] == "available")
    done = region.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"][0]
    assert done["SnapshotId"] == snapshot and done["State"] == "completed"
    assert done["Progress"] == "100%"
    assert done["Tags"] == [{"Key": "Name", "Value": "snapshot"}]
    assert image()["Tags"] == [{"Key": "Name", "Value": "image"}]
    assert image()["SourceImageId"] == source
    home_snapshot = home.ec2.describe_images(ImageIds=[source])["Images"][0]
    assert home_snapshot["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] != snapshot

    assert refused(region.ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    region.ec2.deregister_image(ImageId=copy)
    assert region.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    region.ec2.delete_snapshot(SnapshotId=snapshot)
    assert region.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_create_image_takes_its_time_and_its_name(region: Region) -> None:
    instance = region.run()
    region.until(instance, "running")
    region.cloud.settings(copy=60)
    tags = [{"ResourceType": k, "Tags": [{"Key": "a", "Value": k}]} for k in ("image", "snapshot")]
    made = region.ec2.create_image(InstanceId=instance, Name="made", TagSpecifications=tags)
    image = region.ec2.describe_images(ImageIds=[made["ImageId"]])["Images"][0]
    assert image["State"] == "pending"
    assert image["Tags"] == [{"Key": "a", "Value": "image"}]
    by_tag = [{"Name": "tag:a", "Values": ["snapshot"]}]
    assert len(region.ec2.describe_snapshots(Filters=by_tag)["Snapshots"]) == 1
    code = refused(region.ec2.create_image, InstanceId=instance, Name="made")
    assert code == "InvalidAMIName.Duplicate"


def test_group_rules_come_back_as_given(region: Region) -> None:
    ec2, group = region.ec2, seed.make_group(region.ec2, "rules")
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert _plain(shown["IpPermissions"]) == _plain(seed.ingress(group))
    assert _plain(shown["IpPermissionsEgress"]) == _plain(seed.egress())
    one = [seed.ingress(group)[0]]
    permissions = {"GroupId": group, "IpPermissions": one}
    code = refused(ec2.authorize_security_group_ingress, **permissions)
    assert code == "InvalidPermission.Duplicate"
    # One rule that is there already leaves out the one that is not.
    both = [
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ]
    refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=both + one)
    again = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert again["IpPermissions"] == shown["IpPermissions"]

    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=shown["IpPermissions"])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=shown["IpPermissionsEgress"])
    empty = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert empty["IpPermissions"] == empty["IpPermissionsEgress"] == []
    code = refused(ec2.revoke_security_group_ingress, **permissions)
    assert code == "InvalidPermission.NotFound"


def _plain(permissions: list[dict]) -> set[tuple]:
    rules = set()
    for p in permissions:
        head = (p["IpProtocol"], p.get("FromPort"), p.get("ToPort"))
        for kind, key in (
            ("IpRanges", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6"),
            ("UserIdGroupPairs", "GroupId"),
        ):
            for item in p.get(kind, []):
                rules.add((*head, item[key], item.get("Description")))
    return rules


def test_a_group_in_use_cannot_be_deleted(region: Region) -> None:
    ec2 = region.ec2
    group = ec2.create_security_group(GroupName="used", Description="used")["GroupId"]
    instance = region.run(SecurityGroupIds=[group])
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[instance])
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    region.until(instance, "terminated")
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)
    assert refused(ec2.delete_security_group, GroupId=group) == "InvalidGroup.NotFound"


def test_key_pairs_show_their_public_key(region: Region) -> None:
    for kind in ("ed25519", "rsa"):
        path = region.cloud.new_key(kind, f"key-{kind}")
        public = path.with_suffix(".pub").read_text().split()[:2]
        region.ec2.import_key_pair(KeyName=kind, PublicKeyMaterial=" ".join(public).encode())
        names = {"KeyNames": [kind]}
        pair = region.ec2.describe_key_pairs(IncludePublicKey=True, **names)["KeyPairs"][0]
        assert pair["PublicKey"].split()[:2] == public
        assert "PublicKey" not in region.ec2.describe_key_pairs(**names)["KeyPairs"][0]
    region.ec2.delete_key_pair(KeyName="ed25519")
    region.ec2.delete_key_pair(KeyPairId=pair["KeyPairId"])
    region.ec2.delete_key_pair(KeyName="never there")
    assert region.ec2.describe_key_pairs()["KeyPairs"] == []
    ecdsa = region.cloud.new_key("ecdsa", "key-ecdsa").with_suffix(".pub").read_bytes()
    code = refused(region.ec2.import_key_pair, KeyName="ecdsa", PublicKeyMaterial=ecdsa)
    assert code == "InvalidKeyPair.Format"


def test_lists_come_in_pages(region: Region) -> None:
    ec2, image = region.ec2, region.image()
    made = sorted(region.run(image) for _ in range(7))
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) == 2
    seen = [i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]]
    assert sorted(seen) == made
    ids = {"InstanceIds": made, "MaxResults": 5}
    assert refused(ec2.describe_instances, **ids) == "InvalidParameterCombination"
    assert refused(ec2.describe_instances, MaxResults=1) == "InvalidParameterValue"
    assert refused(ec2.describe_instances, NextToken="nonsense") == "InvalidNextToken"
    images = {image, *(region.image() for _ in range(3))}
    region.cloud.settings(page=2)
    for name, key, identity in (
        ("describe_images", "Images", "ImageId"),
        ("describe_snapshots", "Snapshots", "SnapshotId"),
        ("describe_volumes", "Volumes", "VolumeId"),
    ):
        found = [p[key] for p in ec2.get_paginator(name).paginate()]
        assert all(len(page) <= 2 for page in found) and len(found) >= 2
        flat = {item[identity] for page in found for item in page}
        assert len(flat) == sum(map(len, found))
        if name == "describe_images":
            assert flat == images


def test_a_new_profile_is_invalid_for_a_while(region: Region) -> None:
    image = region.image()
    profile = {"IamInstanceProfile": {"Name": f"new-{region.name}"}}
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        region.run(image, **profile)
    seed.make_role(region.cloud.boto("iam"), f"new-{region.name}")
    region.cloud.settings(profile=60)
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        region.run(image, **profile)
    region.cloud.settings(profile=0)
    assert region.run(image, **profile)


def test_what_the_cloud_cannot_do_is_said_in_xml(region: Region) -> None:
    region.run()
    odd = [{"Name": "no-such-filter", "Values": ["x"]}]
    assert refused(region.ec2.describe_instances, Filters=odd) == "UnsupportedOperation"
    assert refused(region.ec2.describe_snapshots, Filters=odd) == "UnsupportedOperation"
    assert refused(region.ec2.describe_volume_status) == "UnsupportedOperation"


def test_the_seed_is_a_whole_region(tmp_path: Path) -> None:
    with Cloud(tmp_path, "--seed", "--tls") as cloud:
        made = cloud.about["seed"]
        ec2 = cloud.boto("ec2", made["home"])
        instance = ec2.describe_instances()["Reservations"][0]["Instances"][0]
        assert instance["InstanceId"] == made["instance"]
        assert instance["State"]["Name"] == "stopped"
        assert instance["Tags"] == [{"Key": "Name", "Value": "NAVO"}]
        image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["NAVO"]}])["Images"][0]
        assert image["ImageId"] == made["image"] and image["State"] == "available"
        assert cloud.settings()["boot"] == 1.0
        assert json.loads((tmp_path / "cloud.json").read_text())["endpoint"].startswith("https:")
