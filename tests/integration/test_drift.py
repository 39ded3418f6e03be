"""Drift, kind by kind: made with boto3, named in a line by check-region, repaired by config-region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fleet import HOME, NAME, ROLE, Fleet

REGION = "us-east-1"


def group_id(fleet: Fleet) -> str:
    return str(fleet.groups(REGION)[0]["GroupId"])


def instance_id(fleet: Fleet) -> str:
    return str(fleet.instance(REGION)["InstanceId"])


def attribute(fleet: Fleet, name: str) -> Any:
    answer = fleet.ec2(REGION).describe_instance_attribute(
        InstanceId=instance_id(fleet), Attribute=name
    )
    return answer[name[0].upper() + name[1:]].get("Value")


# Each makes its drift and returns what check-region's line has to say of it.


def newer_home_image_alone(fleet: Fleet) -> str:
    home = fleet.ec2(HOME)
    home.deregister_image(ImageId=fleet.seeded["image"])
    new = home.create_image(InstanceId=fleet.seeded["instance"], Name=NAME)["ImageId"]
    fleet.cloud.until(lambda: [i["State"] for i in fleet.images(HOME)] == ["available"])
    return str(new)


def newer_home_image(fleet: Fleet) -> str:
    new = newer_home_image_alone(fleet)
    return f"image: wanted a copy of {new}, found {fleet.images(REGION)[0]['ImageId']}"


def other_key(fleet: Fleet) -> str:
    fleet.cloud.new_key("ed25519", "other")
    line = (fleet.cloud.dir / "other.pub").read_bytes()
    fleet.ec2(REGION).delete_key_pair(KeyName=NAME)
    fleet.ec2(REGION).import_key_pair(KeyName=NAME, PublicKeyMaterial=line)
    return f"key pair {NAME}: public key: wanted SHA256:"


def key_pair_gone(fleet: Fleet) -> str:
    fleet.ec2(REGION).delete_key_pair(KeyName=NAME)
    return f"key pair: wanted {NAME}, found none"


def rule_too_many(fleet: Fleet) -> str:
    fleet.ec2(REGION).authorize_security_group_ingress(
        GroupId=group_id(fleet),
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8080,
                "ToPort": 8080,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ],
    )
    return "ingress tcp/8080 0.0.0.0/0: wanted absent, found present"


def rule_missing(fleet: Fleet) -> str:
    fleet.ec2(REGION).revoke_security_group_egress(
        GroupId=group_id(fleet),
        IpPermissions=[
            {
                "IpProtocol": "udp",
                "FromPort": 53,
                "ToPort": 53,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ],
    )
    return "egress udp/53 0.0.0.0/0: wanted present, found absent"


def other_type(fleet: Fleet) -> str:
    fleet.ec2(REGION).modify_instance_attribute(
        InstanceId=instance_id(fleet), InstanceType={"Value": "m5.large"}
    )
    return "type: wanted t3.micro or t3a.micro or t2.micro, found m5.large"


def association(fleet: Fleet) -> str:
    (only,) = fleet.ec2(REGION).describe_iam_instance_profile_associations()[
        "IamInstanceProfileAssociations"
    ]
    return str(only["AssociationId"])


def no_profile(fleet: Fleet) -> str:
    fleet.ec2(REGION).disassociate_iam_instance_profile(AssociationId=association(fleet))
    return f"instance profile: wanted {ROLE}, found none"


def other_profile(fleet: Fleet) -> str:
    fleet.cloud.boto("iam").create_instance_profile(InstanceProfileName="other")
    fleet.ec2(REGION).replace_iam_instance_profile_association(
        AssociationId=association(fleet), IamInstanceProfile={"Name": "other"}
    )
    return f"instance profile: wanted {ROLE}, found other"


def other_group(fleet: Fleet) -> str:
    fleet.cloud.settings(late=0)  # a new group is known to boto3 at once
    ec2 = fleet.ec2(REGION)
    other = ec2.create_security_group(
        GroupName="other", Description="other", VpcId=fleet.groups(REGION)[0]["VpcId"]
    )["GroupId"]
    ec2.modify_instance_attribute(InstanceId=instance_id(fleet), Groups=[other])
    return f"security group: wanted {group_id(fleet)}, found {other}"


def tokens_optional(fleet: Fleet) -> str:
    fleet.ec2(REGION).modify_instance_metadata_options(
        InstanceId=instance_id(fleet), HttpTokens="optional"
    )
    return "metadata tokens (IMDSv2): wanted required, found optional"


def endpoint_off(fleet: Fleet) -> str:
    """No user data reaches the instance then, and so no timer is armed."""
    fleet.ec2(REGION).modify_instance_metadata_options(
        InstanceId=instance_id(fleet), HttpEndpoint="disabled"
    )
    return "metadata endpoint: wanted enabled, found disabled"


def terminates_on_shutdown(fleet: Fleet) -> str:
    fleet.ec2(REGION).modify_instance_attribute(
        InstanceId=instance_id(fleet), InstanceInitiatedShutdownBehavior={"Value": "terminate"}
    )
    return "shutdown behaviour: wanted stop, found terminate"


def other_name(fleet: Fleet) -> str:
    fleet.ec2(REGION).create_tags(
        Resources=[instance_id(fleet)], Tags=[{"Key": "Name", "Value": "renamed"}]
    )
    return f"Name tag: wanted {NAME}, found renamed"


def other_user_data(fleet: Fleet) -> str:
    fleet.ec2(REGION).modify_instance_attribute(
        InstanceId=instance_id(fleet), UserData={"Value": b"#!/bin/sh\necho nothing\n"}
    )
    return "user data: wanted the timer of max_uptime, found something else"


def other_max_uptime(fleet: Fleet) -> str:
    fleet.config.write_text(fleet.config.read_text().replace('"2h"', '"90m"'))
    return "user data: wanted the timer of max_uptime, found something else"


def tag_gone(fleet: Fleet) -> str:
    image = fleet.images(REGION)[0]["ImageId"]
    fleet.ec2(REGION).delete_tags(Resources=[image], Tags=[{"Key": "awsq:fleet"}])
    return f"image {image}: tags: wanted awsq:fleet={NAME}, found none"


def stop_protected(fleet: Fleet) -> str:
    fleet.ec2(REGION).modify_instance_attribute(
        InstanceId=instance_id(fleet), DisableApiStop={"Value": True}
    )
    return "stop protection: wanted off, found on"


def encryption_wanted(fleet: Fleet) -> str:
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace("max_uptime", "encrypt = true; max_uptime", 1))
    return f"instance {instance_id(fleet)}: encryption of volume"


def key_file_changed(fleet: Fleet) -> str:
    """The instance was made with the old key, and still asks for it."""
    key = fleet.cloud.new_key("rsa", "new")
    fleet.config.write_text(fleet.config.read_text().replace(str(fleet.key), str(key)))
    return f"instance {instance_id(fleet)}: key: wanted SHA256:"


def orphaned_snapshot(fleet: Fleet) -> str:
    ec2 = fleet.ec2(REGION)
    volume = ec2.create_volume(AvailabilityZone=REGION + "a", Size=3)["VolumeId"]
    ours = {"awsq:fleet": NAME, "awsq:source-image": "ami-0123456789abcdef0"}
    tags = [
        {"ResourceType": "snapshot", "Tags": [{"Key": k, "Value": v} for k, v in ours.items()]}
    ]
    made = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags)["SnapshotId"]
    ec2.delete_volume(VolumeId=volume)
    fleet.cloud.until(
        lambda: made in [s["SnapshotId"] for s in fleet.snapshots(REGION) if s["State"] == "completed"]
    )
    return f"snapshot {made}: wanted none, found 3 GiB"


IN_PLACE = [
    other_key, key_pair_gone, rule_too_many, rule_missing, other_type, no_profile, other_profile,
    other_group, tokens_optional, endpoint_off, terminates_on_shutdown, other_name, other_user_data,
    other_max_uptime, tag_gone, orphaned_snapshot,
]  # fmt: skip
BY_REPLACING = [newer_home_image, encryption_wanted, key_file_changed]


def line_of(stdout: str, part: str) -> str:
    lines = [line for line in stdout.splitlines() if part in line]
    assert len(lines) == 1, f"{part!r} in {len(lines)} lines of\n{stdout}"
    return lines[0]


def repaired(fleet: Fleet, drift: Callable[[Fleet], str], *options: str) -> None:
    part = drift(fleet)
    check = fleet.run("check-region", REGION)
    assert check.returncode == 3, check.stdout
    assert "difference" in line_of(check.stdout, part)
    fleet.run("config-region", *options, REGION, check=True)
    again = fleet.run("check-region", REGION)
    assert again.returncode == 0, again.stdout
    assert fleet.state(REGION) == "stopped"


@pytest.mark.parametrize("drift", IN_PLACE, ids=lambda f: f.__name__)
def test_repaired_in_place(
    fleet: Fleet, region: str, drift: Callable[[Fleet], str]
) -> None:
    before = instance_id(fleet)
    repaired(fleet, drift)
    assert instance_id(fleet) == before
    assert fleet.instance(region)["InstanceType"] in ("t3.micro", "t3a.micro", "t2.micro")
    assert attribute(fleet, "instanceInitiatedShutdownBehavior") == "stop"


@pytest.mark.parametrize("drift", BY_REPLACING, ids=lambda f: f.__name__)
def test_repaired_by_a_new_instance(
    fleet: Fleet, region: str, drift: Callable[[Fleet], str]
) -> None:
    before = instance_id(fleet)
    part = drift(fleet)
    # Without --replace the instance stays, and it is said what would help.
    plain = fleet.run("config-region", region)
    assert plain.returncode == 0 and "config-region --replace makes a new" in plain.stderr
    assert instance_id(fleet) == before
    check = fleet.run("check-region", region)
    assert check.returncode == 3 and "--replace" in check.stdout
    del part
    fleet.run("config-region", "--replace", region, check=True)
    assert fleet.run("check-region", region).returncode == 0
    assert instance_id(fleet) != before
    assert fleet.state(region) == "stopped"
    assert len(fleet.images(region)) == 1
    snapshots = {s["SnapshotId"] for s in fleet.snapshots(region)}
    assert len(snapshots) == 1


def test_stop_protection_is_lifted_only_when_told(fleet: Fleet, region: str) -> None:
    part = stop_protected(fleet)
    check = fleet.run("check-region", region)
    assert check.returncode == 3 and "--lift-protection" in line_of(check.stdout, part)
    fleet.run("config-region", region, check=True)
    assert attribute(fleet, "disableApiStop") is True
    fleet.run("config-region", "--lift-protection", region, check=True)
    assert attribute(fleet, "disableApiStop") is False
    assert fleet.run("check-region", region).returncode == 0


def test_a_protected_instance_is_replaced_only_when_told(fleet: Fleet, region: str) -> None:
    newer_home_image(fleet)
    before = instance_id(fleet)
    fleet.ec2(region).modify_instance_attribute(
        InstanceId=before, DisableApiTermination={"Value": True}
    )
    refused = fleet.run("config-region", "--replace", region)
    assert refused.returncode == 1 and "not replaced" in refused.stdout
    assert "it is protected from termination" in refused.stderr
    assert instance_id(fleet) == before
    fleet.run("config-region", "--replace", "--lift-protection", region, check=True)
    assert instance_id(fleet) != before
    assert fleet.run("check-region", region).returncode == 0


def test_a_running_instance_is_not_repaired_where_that_needs_it_stopped(
    fleet: Fleet, region: str
) -> None:
    other_type(fleet)
    fleet.ec2(region).start_instances(InstanceIds=[instance_id(fleet)])
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    done = fleet.run("config-region", "--replace", region)
    assert "has to be stopped for that" in done.stderr
    assert fleet.state(region) == "running"
    fleet.run("stop-region", region, check=True)
    fleet.run("config-region", region, check=True)
    assert fleet.run("check-region", region).returncode == 0


def test_a_timer_that_was_changed_is_armed_at_the_next_boot(fleet: Fleet, region: str) -> None:
    text = fleet.config.read_text().replace('max_uptime = "2h"', 'max_uptime = "1m"')
    fleet.config.write_text(text.replace('timeout = "1m"', 'timeout = "30s"'))
    fleet.run("config-region", region, check=True)
    script = attribute(fleet, "userData")
    import base64

    assert "(sleep 60; shutdown -h now" in base64.b64decode(script).decode()
