"""Images: what becomes of their snapshots, and how they are encrypted."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .client import Cloud
from .conftest import Region, refused


class Pair:
    """A region to copy from and one to copy into."""

    def __init__(self, region: Region):
        self.home, self.far = Region(region.cloud, "ca-central-1"), region
        self.cloud = region.cloud
        self.cloud.settings(copy=0)
        self.kms = self.cloud.boto("kms", region.name)

    def copy(self, source: str, **more: Any) -> str:
        more = {"Name": f"copy-{time.monotonic()}", **more}
        made = self.far.ec2.copy_image(SourceImageId=source, SourceRegion=self.home.name, **more)
        return made["ImageId"]

    def key(self) -> str:
        return self.kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def pair(region: Region) -> Pair:
    return Pair(region)


def image_of(region: Region, image: str) -> dict[str, Any]:
    return region.ec2.describe_images(ImageIds=[image])["Images"][0]


def snapshot_of(region: Region, image: str) -> dict[str, Any]:
    snapshot = image_of(region, image)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    return region.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


def test_snapshots_go_with_their_image_if_asked(region: Region) -> None:
    ec2, image = region.ec2, region.image()
    snapshot = snapshot_of(region, image)["SnapshotId"]
    shared = ec2.register_image(
        Name="shared",
        RootDeviceName="/dev/sda1",
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}],
    )["ImageId"]
    assert _deregister(ec2, image) == [{"SnapshotId": snapshot, "ReturnCode": "skipped"}]
    assert _deregister(ec2, shared) == [{"SnapshotId": snapshot, "ReturnCode": "success"}]
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    kept = region.image()
    assert "DeleteSnapshotResults" not in ec2.deregister_image(ImageId=kept)
    assert len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == 1
    region.cloud.fault("DeregisterImage", kind="late")
    assert _deregister(ec2, region.image())[0]["ReturnCode"] == "internal-error"
    assert len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == 2


def test_a_disabled_image_is_shown_to_who_asks_for_it(region: Region) -> None:
    ec2, image = region.ec2, region.image()

    def seen(**more: Any) -> list[str]:
        return [i["State"] for i in ec2.describe_images(Owners=["self"], **more)["Images"]]

    assert ec2.disable_image(ImageId=image)["Return"] is True
    assert seen() == [] and seen(IncludeDisabled=True) == ["disabled"]
    assert ec2.describe_images(ImageIds=[image])["Images"] == []
    assert refused(region.run, image) == "InvalidAMIID.Unavailable"
    copy = {"SourceImageId": image, "SourceRegion": region.name, "Name": "copy"}
    assert refused(ec2.copy_image, **copy) == "InvalidAMIID.Unavailable"
    ec2.enable_image(ImageId=image)
    assert seen() == ["available"]
    ec2.disable_image(ImageId=image)
    ec2.deregister_image(ImageId=image)
    assert seen(IncludeDisabled=True) == []
    assert refused(ec2.disable_image, ImageId="ami-0123456789abcdef0") == "InvalidAMIID.NotFound"


def _deregister(ec2: Any, image: str) -> list[dict[str, str]]:
    answer = ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    assert answer["Return"] is True
    return answer["DeleteSnapshotResults"]


def test_snapshots_stay_without_the_permission(tmp_path: Path) -> None:
    allow = {"Effect": "Allow", "Action": "ec2:DeregisterImage", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    with Cloud(tmp_path / "cloud", policy=tmp_path / "policy.json", late=0) as cloud:
        region = Region(cloud, "us-east-1")
        image = region.image()
        operator = cloud.boto("ec2", "us-east-1", "operator")
        assert _deregister(operator, image)[0]["ReturnCode"] == "missing-permissions"
        assert len(region.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == 1


def test_a_copy_is_encrypted_if_asked_or_if_its_source_is(pair: Pair) -> None:
    source = pair.home.image()
    plain = pair.copy(source)
    assert image_of(pair.far, plain)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is False
    assert "KmsKeyId" not in snapshot_of(pair.far, plain)

    default = snapshot_of(pair.far, pair.copy(source, Encrypted=True))
    own = pair.kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["Arn"]
    assert (default["Encrypted"], default["KmsKeyId"]) == (True, own)

    key = pair.key()
    pair.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    arn = key.rpartition(":key/")[0] + ":alias/mine"
    for name in (key, key.rpartition("/")[2], "alias/mine", arn):
        copy = pair.copy(source, Encrypted=True, KmsKeyId=name)
        assert snapshot_of(pair.far, copy)["KmsKeyId"] == key
    shown = image_of(pair.far, copy)
    assert shown["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (source, pair.home.name)
    code = refused(pair.copy, source, KmsKeyId=key)
    assert code == "InvalidParameterDependency"

    pair.home, pair.far = pair.far, Region(pair.cloud, "ca-west-1")
    again = snapshot_of(pair.far, pair.copy(copy))
    assert again["Encrypted"] and ":ca-west-1:" in again["KmsKeyId"]


def test_what_comes_of_an_encrypted_image_is_encrypted(pair: Pair) -> None:
    key = pair.key()
    copy = pair.copy(pair.home.image(), Encrypted=True, KmsKeyId=key)
    instance = pair.far.run(copy)
    shown = pair.far.until(instance, "running")["BlockDeviceMappings"][0]["Ebs"]
    volume = pair.far.ec2.describe_volumes(VolumeIds=[shown["VolumeId"]])["Volumes"][0]
    assert (volume["Encrypted"], volume["KmsKeyId"]) == (True, key)
    attachment = volume["Attachments"][0]
    assert attachment["InstanceId"] == instance and attachment["DeleteOnTermination"] is True
    made = pair.far.ec2.create_image(InstanceId=instance, Name="made")["ImageId"]
    snapshot = snapshot_of(pair.far, made)
    assert (snapshot["Encrypted"], snapshot["KmsKeyId"]) == (True, key)
    assert image_of(pair.far, made)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_a_key_that_is_not_there_fails_the_copy_later(pair: Pair) -> None:
    elsewhere = pair.cloud.boto("kms", pair.home.name).create_key()["KeyMetadata"]["Arn"]
    source, disabled = pair.home.image(), pair.key()
    pair.kms.disable_key(KeyId=disabled.rpartition("/")[2])
    pair.cloud.settings(copy=2)  # long enough to be met, on a busy machine too
    for key in (elsewhere, "alias/nobody", disabled):
        copy = pair.copy(source, Encrypted=True, KmsKeyId=key)
        pending = image_of(pair.far, copy)
        assert pending["State"] == "pending" and "StateReason" not in pending
        pair.cloud.until(lambda copy=copy: image_of(pair.far, copy)["State"] == "failed")
        why = image_of(pair.far, copy)["StateReason"]["Message"]
        assert why == "Given key ID is not accessible"
        assert snapshot_of(pair.far, copy)["State"] == "error"


def test_only_so_many_copies_at_once(pair: Pair) -> None:
    source = pair.home.image()
    pair.cloud.settings(copies=2, copy=4)
    first, _ = pair.copy(source), pair.copy(source)
    assert refused(pair.copy, source) == "ResourceLimitExceeded"
    pair.cloud.until(lambda: image_of(pair.far, first)["State"] == "available")
    pair.copy(source)


def test_a_copy_in_progress_says_how_far_it_is(pair: Pair) -> None:
    source = pair.home.image()
    pair.cloud.settings(copy=60)
    copy = pair.copy(source)

    def progress() -> int:
        return int(snapshot_of(pair.far, copy)["Progress"].rstrip("%"))

    first = progress()
    pair.cloud.until(lambda: progress() > first)
    assert progress() < 50 and snapshot_of(pair.far, copy)["State"] == "pending"
