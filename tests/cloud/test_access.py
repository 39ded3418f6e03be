"""Calls that are only tried, and how a refusal names what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .client import Cloud
from .conftest import Region, refused

NOBODY = "i-0123456789abcdef0"
WOULD = "Request would have succeeded, but DryRun flag is set."
RULE = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


def tries(region: Region) -> dict[str, dict[str, Any]]:
    """Every action that changes something, with parameters that would be all right."""
    instance = region.run()
    shown = region.instance(instance)
    image, ids = shown["ImageId"], {"InstanceIds": [instance]}
    group = {"GroupId": shown["SecurityGroups"][0]["GroupId"]}
    rules = {**group, "IpPermissions": RULE}
    volume = shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    snapshot = region.ec2.describe_snapshots()["Snapshots"][0]["SnapshotId"]
    tags = {"Resources": [image], "Tags": [{"Key": "a", "Value": "b"}]}
    run = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    return {
        "copy_image": {"Name": "dry", "SourceImageId": image, "SourceRegion": "us-east-1"},
        "create_image": {"InstanceId": instance, "Name": "dry"},
        "deregister_image": {"ImageId": image, "DeleteAssociatedSnapshots": True},
        "import_key_pair": {"KeyName": "n", "PublicKeyMaterial": b"x"},
        "delete_key_pair": {"KeyName": "key"},
        "create_security_group": {"GroupName": "n", "Description": "n"},
        "delete_security_group": group,
        "authorize_security_group_ingress": rules,
        "authorize_security_group_egress": rules,
        "revoke_security_group_ingress": rules,
        "revoke_security_group_egress": rules,
        "run_instances": run,
        "start_instances": ids,
        "stop_instances": ids,
        "terminate_instances": ids,
        "delete_snapshot": {"SnapshotId": snapshot},
        "delete_volume": {"VolumeId": volume},
        "create_tags": tags,
        "delete_tags": tags,
        "modify_instance_attribute": {"InstanceId": instance, "UserData": {"Value": b"x"}},
        "modify_instance_metadata_options": {"InstanceId": instance, "HttpTokens": "required"},
        "describe_instances": ids,
        "describe_images": {"ImageIds": [image]},
        "describe_regions": {},
    }


def test_a_dry_run_does_nothing(region: Region) -> None:
    region.cloud.settings(boot=0, copy=0)
    every = tries(region)
    before, born, mark = _picture(region), len(region.cloud.born()), region.cloud.mark()
    for action, params in every.items():
        with pytest.raises(ClientError) as caught:
            getattr(region.ec2, action)(DryRun=True, **params)
        error = caught.value.response
        assert (error["Error"]["Code"], error["Error"]["Message"]) == ("DryRunOperation", WOULD)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 412
    calls = region.cloud.log(mark)
    assert len(calls) == len(every) and not any(call["mutating"] for call in calls)
    assert _picture(region) == before
    assert len(region.cloud.born()) == born


def _picture(region: Region) -> list[Any]:
    """All there is, but for what time alone changes."""
    ec2 = region.ec2
    stays = ("ImageId", "InstanceType", "MetadataOptions", "IamInstanceProfile", "Tags")
    instances = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    return [
        [{name: i.get(name) for name in stays} for i in instances],
        ec2.describe_images(Owners=["self"])["Images"],
        ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"],
        ec2.describe_volumes()["Volumes"],
        ec2.describe_security_groups()["SecurityGroups"],
        ec2.describe_key_pairs()["KeyPairs"],
    ]


def test_a_dry_run_asks_for_the_permission_and_then_for_the_id(tmp_path: Path) -> None:
    allowed = ["ec2:Describe*", "ec2:Start*", "ec2:DeregisterImage", "ec2:RunInstances"]
    with _cloud(tmp_path, {"Effect": "Allow", "Action": allowed, "Resource": "*"}) as cloud:
        ec2 = cloud.boto("ec2", "us-east-1", "operator")
        nobody = {"InstanceIds": [NOBODY], "DryRun": True}
        assert refused(ec2.stop_instances, **nobody) == "UnauthorizedOperation"
        assert refused(ec2.start_instances, **nobody) == "InvalidInstanceID.NotFound"
        image = {"ImageId": Region(cloud, "us-east-1").image(), "DryRun": True}
        assert refused(ec2.deregister_image, **image) == "DryRunOperation"
        with pytest.raises(ClientError, match="not authorized to perform: ec2:DeleteSnapshot"):
            ec2.deregister_image(DeleteAssociatedSnapshots=True, **image)
        run = {"MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **image}
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
        with pytest.raises(ClientError, match="not authorized to perform: ec2:CreateTags"):
            ec2.run_instances(TagSpecifications=tags, **run)


def test_a_refusal_names_who_and_what(tmp_path: Path) -> None:
    allow = {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:Stop*"], "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "ec2:StopInstances", "Resource": "*"}
    with _cloud(tmp_path, allow, deny) as cloud:
        ec2 = cloud.boto("ec2", "eu-west-1", "operator")
        who = "User: arn:aws:iam::123456789012:user/operator is not authorized to perform: "
        run = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
        here = "on resource: arn:aws:ec2:eu-west-1:123456789012:*/* "
        because = "because no identity-based policy allows the {} action"
        assert _text(ec2.run_instances, TagSpecifications=tags, **run) == (
            f"{who}ec2:CreateTags {here}{because.format('ec2:CreateTags')}"
        )
        role = "on resource: arn:aws:iam::123456789012:role/* "
        assert _text(ec2.run_instances, IamInstanceProfile={"Name": "x"}, **run) == (
            f"{who}iam:PassRole {role}{because.format('iam:PassRole')}"
        )
        assert _text(ec2.describe_instances) == (
            f"{who}ec2:DescribeInstances {because.format('ec2:DescribeInstances')}"
        )
        assert _text(ec2.stop_instances, InstanceIds=[NOBODY]) == (
            f"{who}ec2:StopInstances {here}with an explicit deny in an identity-based policy"
        )


def _cloud(folder: Path, *statements: dict[str, Any]) -> Cloud:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    (folder / "policy.json").write_text(json.dumps(policy))
    return Cloud(folder / "cloud", policy=folder / "policy.json", late=0)


def _text(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == "UnauthorizedOperation"
    start = "You are not authorized to perform this operation. "
    assert error["Message"].startswith(start)
    return error["Message"].removeprefix(start)


def test_a_profile_is_not_handed_over_for_a_trial(region: Region) -> None:
    """EC2 has no dry run of these; a client that asks for one must not be taken at its word."""
    ec2, instance = region.ec2, region.run()
    ec2.meta.events.register("before-call.ec2.AssociateIamInstanceProfile", _ask_for_a_trial)
    profile = {"IamInstanceProfile": {"Name": "any"}}
    code = refused(ec2.associate_iam_instance_profile, InstanceId=instance, **profile)
    assert code == "UnknownParameter"


def _ask_for_a_trial(params: dict[str, Any], **_: Any) -> None:
    params["body"]["DryRun"] = "true"
