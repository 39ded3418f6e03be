"""A home region for a fleet, made as a person would make it in the console.

From the command line, or as seed() from a test:

    python3 tests/cloud/seed.py --cloud DIR/cloud.json --name NAVO \\
        --home us-west-2 --key KEYFILE --role navo-role
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

Clients = Callable[[str, str], Any]  # (service, region) -> a boto3 client

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def clients(cloud: dict[str, Any], user: str = "admin") -> Clients:
    """boto3 clients for a cloud, from what its cloud.json says."""

    names = ("access_key_id", "secret_access_key", "session_token")
    keys = tuple(cloud[user].get(name) for name in names)

    def make(service: str, region: str) -> Any:
        return _client(service, region, *keys, cloud["endpoint"], cloud.get("ca_bundle"))

    return make


# One for all: it keeps the models of the services, which take long to read. It makes one client at
# a time; the clients themselves are for any number of threads.
_session = boto3.Session()
_making = threading.Lock()


@lru_cache(maxsize=100)
def _client(
    service: str,
    region: str,
    key: str,
    secret: str,
    token: str | None,
    endpoint: str,
    ca_bundle: str | None,
) -> Any:
    # A refusal is to be seen at once, not after some tries.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=120)
    with _making:
        return _session.client(
            service,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            endpoint_url=endpoint,
            verify=ca_bundle,
            config=config,
        )


def post(cloud: dict[str, Any], what: str, values: dict[str, Any] | None) -> dict[str, Any]:
    """One request to /_cloud."""
    data = None if values is None else json.dumps(values).encode()
    # The CA is made for one run of the cloud, on loopback; there is nothing to verify.
    context = ssl._create_unverified_context() if "ca_bundle" in cloud else None
    request = urllib.request.Request(f"{cloud['endpoint']}/_cloud/{what}", data)
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        return json.load(answer)


@contextmanager
def hurried(cloud: dict[str, Any]) -> Iterator[None]:
    """Let nothing take any time for a while."""
    before = post(cloud, "settings", None)
    slow = ("boot", "ssh_delay", "stop", "copy", "late", "flicker", "profile")
    post(cloud, "settings", dict.fromkeys(slow, 0))
    try:
        yield
    finally:
        post(cloud, "settings", before)


def seed(
    cloud: dict[str, Any],
    name: str,
    home: str,
    key: Path | str,
    role: str,
    user: str = "admin",
) -> dict[str, str]:
    """Make a home region in the user's account; the ids of what was made."""
    boto = clients(cloud, user)
    with hurried(cloud):
        make_role(boto("iam", "us-east-1"), role)
        ec2 = boto("ec2", home)
        made = {"name": name, "home": home, "key": str(key), "role": role}
        ec2.import_key_pair(
            KeyName=name,
            PublicKeyMaterial=public_half(key),
            TagSpecifications=_tags(name, "key-pair"),
        )
        made["group"] = make_group(ec2, name)
        made["base_image"] = make_base_image(ec2, name)
        made["instance"] = make_instance(ec2, name, role, made["group"], made["base_image"])
        made["image"] = ec2.create_image(
            InstanceId=made["instance"],
            Name=name,
            TagSpecifications=_tags(name, "image", "snapshot"),
        )["ImageId"]
        ec2.get_waiter("image_available").wait(ImageIds=[made["image"]], WaiterConfig=_SOON)
        ec2.stop_instances(InstanceIds=[made["instance"]])
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[made["instance"]], WaiterConfig=_SOON)
    return made


_SOON = {"Delay": 1, "MaxAttempts": 60}


def make_role(iam: Any, role: str) -> None:
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.create_instance_profile(InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)


def public_half(key: Path | str) -> bytes:
    command = ["ssh-keygen", "-y", "-f", str(key)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def make_group(ec2: Any, name: str) -> str:
    """A group with a rule of every kind that a copy could get wrong."""
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    group = ec2.create_security_group(
        GroupName=name,
        Description=f"fleet {name}",
        VpcId=vpc["VpcId"],
        TagSpecifications=_tags(name, "security-group"),
    )["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress(group))
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[_DEFAULT_EGRESS])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=egress())
    return group


_DEFAULT_EGRESS = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def ingress(group: str) -> list[dict[str, Any]]:
    return [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [
                {"CidrIp": "192.0.2.0/24", "Description": "the office"},
                {"CidrIp": "198.51.100.7/32", "Description": "build server (Jenkins)"},
            ],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8:1::/48", "Description": "the office, IPv6"}],
        },
        {
            "IpProtocol": "tcp",
            "FromPort": 8080,
            "ToPort": 8090,
            "IpRanges": [{"CidrIp": "203.0.113.0/24"}],
        },
        {
            "IpProtocol": "udp",
            "FromPort": 60000,
            "ToPort": 61000,
            "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "mosh"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        },
        {
            "IpProtocol": "icmp",
            "FromPort": 8,
            "ToPort": -1,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "ping"}],
        },
        {
            "IpProtocol": "-1",
            "UserIdGroupPairs": [{"GroupId": group, "Description": "among ourselves"}],
        },
    ]


def egress() -> list[dict[str, Any]]:
    return [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "https"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "https, IPv6"}],
        },
        {
            "IpProtocol": "udp",
            "FromPort": 53,
            "ToPort": 53,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        },
    ]


def make_base_image(ec2: Any, name: str) -> str:
    """The image that the first instance is made from."""
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    volume = ec2.create_volume(Size=8, AvailabilityZone=zone, VolumeType="gp3")["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="base")["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig=_SOON)
    ec2.delete_volume(VolumeId=volume)
    return ec2.register_image(
        Name=f"{name}-base",
        Architecture="x86_64",
        RootDeviceName="/dev/sda1",
        VirtualizationType="hvm",
        EnaSupport=True,
        BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3"}}
        ],
    )["ImageId"]


def make_instance(ec2: Any, name: str, role: str, group: str, image: str) -> str:
    instance = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        KeyName=name,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": role},
        InstanceInitiatedShutdownBehavior="stop",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
        TagSpecifications=_tags(name, "instance", "volume"),
    )["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig=_SOON)
    return instance


def _tags(name: str, *kinds: str) -> list[dict[str, Any]]:
    return [{"ResourceType": k, "Tags": [{"Key": "Name", "Value": name}]} for k in kinds]


def seed_defaults(cloud: dict[str, Any], folder: Path) -> dict[str, str]:
    """What `tests/cloud --seed` does: with a key of its own, in the cloud's folder."""
    key = folder / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    if not key.exists():
        subprocess.run(command, check=True)
    return seed(cloud, "NAVO", "us-west-2", key, "navo-role")


def main() -> int:
    parser = argparse.ArgumentParser(description="seed a home region")
    parser.add_argument("--cloud", type=Path, required=True, help="the cloud's cloud.json")
    parser.add_argument("--name", default="NAVO")
    parser.add_argument("--home", default="us-west-2")
    parser.add_argument("--key", type=Path, required=True, help="a private key")
    parser.add_argument("--role", default="navo-role")
    args = parser.parse_args()
    cloud = json.loads(args.cloud.read_text())
    made = seed(cloud, args.name, args.home, args.key, args.role)
    print(json.dumps(made, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
