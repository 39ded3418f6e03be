"""One cloud for each test module, and a region of its own for each test."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .client import Cloud

REGIONS = [
    "us-east-1", "us-east-2", "us-west-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "eu-central-1", "eu-north-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1", "ap-southeast-1", "ap-southeast-2", "sa-east-1", "af-south-1", "ap-east-1",
    "ap-south-2", "ap-southeast-3", "eu-central-2", "eu-south-1", "me-central-1", "me-south-1",
]  # fmt: skip


class Region:
    """A region of the cloud with a key pair and an image in it."""

    _numbers = itertools.count()  # two tests may have the same region for a home

    def __init__(self, cloud: Cloud, name: str):
        self.cloud = cloud
        self.name = name
        self.ec2 = cloud.boto("ec2", name)
        self.key = cloud.new_key()

    def image(self, **more: Any) -> str:
        zone = f"{self.name}a"
        volume = self.ec2.create_volume(Size=8, AvailabilityZone=zone)["VolumeId"]
        snapshot = self.ec2.create_snapshot(VolumeId=volume, Description="base")["SnapshotId"]
        return self.ec2.register_image(
            Name=f"base-{next(self._numbers)}",
            RootDeviceName="/dev/sda1",
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}],
            **more,
        )["ImageId"]

    def run(self, image: str | None = None, **more: Any) -> str:
        """A new instance, and what it says of itself."""
        if not self.ec2.describe_key_pairs()["KeyPairs"]:
            material = self.key.with_suffix(".pub").read_bytes()
            self.ec2.import_key_pair(KeyName="key", PublicKeyMaterial=material)
        more = {"KeyName": "key", "InstanceType": "t3.micro", **more}
        image = image or self.image()
        result = self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **more)
        return result["Instances"][0]["InstanceId"]

    def instance(self, instance: str) -> dict[str, Any]:
        found = self.ec2.describe_instances(InstanceIds=[instance])
        return found["Reservations"][0]["Instances"][0]

    def state(self, instance: str) -> str:
        return self.instance(instance)["State"]["Name"]

    def until(self, instance: str, state: str) -> dict[str, Any]:
        self.cloud.until(lambda: self.state(instance) == state)
        return self.instance(instance)


def refused(call: Any, *args: Any, **params: Any) -> str:
    """The error code of a call that has to fail."""
    with pytest.raises(ClientError) as caught:
        call(*args, **params)
    return caught.value.response["Error"]["Code"]


class Aside:
    """A call made in a thread of its own, and what it ends with."""

    def __init__(self, call: Any, **params: Any):
        self._end: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(call, params), daemon=True)
        self._thread.start()

    def _run(self, call: Any, params: dict[str, Any]) -> None:
        try:
            call(**params)
        except Exception as error:
            self._end = error

    def lives(self) -> bool:
        return self._thread.is_alive()

    def error(self) -> Exception | None:
        self._thread.join(120)
        return self._end


@pytest.fixture(scope="module")
def shared() -> Iterator[Cloud]:
    with Cloud(boot=0.4, ssh_delay=0.1, stop=0.3, copy=0.4, late=0) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def regions() -> Iterator[str]:
    return iter(REGIONS)


@pytest.fixture
def region(shared: Cloud, regions: Iterator[str]) -> Iterator[Region]:
    before = shared.settings()
    yield Region(shared, next(regions))  # another for each test of a module
    shared.clear_faults()
    shared.settings(**before)
