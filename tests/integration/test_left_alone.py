"""What the tools must not touch, though it has to do with the fleet."""

from __future__ import annotations

import time
from typing import Any

import test_drift
from fleet import HOME, NAME, Fleet

REGION = test_drift.REGION
FLEET = [{"Key": "awsq:fleet", "Value": NAME}]


def back_up(fleet: Fleet) -> tuple[str, str]:
    """As backup tools do that take over tags: an image, and a snapshot of a volume."""
    ec2 = fleet.ec2(REGION)
    fleet.cloud.settings(late=0)
    instance = fleet.instance(REGION)
    tags = [{"ResourceType": "image", "Tags": FLEET}, {"ResourceType": "snapshot", "Tags": FLEET}]
    image = ec2.create_image(
        InstanceId=instance["InstanceId"], Name="backup-1", TagSpecifications=tags
    )["ImageId"]
    volume = instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags[1:])["SnapshotId"]
    fleet.cloud.until(
        lambda: all(i["State"] == "available" for i in ec2.describe_images(Owners=["self"])["Images"])
        and all(s["State"] == "completed" for s in fleet.snapshots(REGION))
    )
    return str(image), str(snapshot)


def image_ids(fleet: Fleet, region: str = REGION) -> set[str]:
    return {i["ImageId"] for i in fleet.ec2(region).describe_images(Owners=["self"])["Images"]}


def test_backups_with_the_fleet_s_tag(fleet: Fleet, region: str) -> None:
    image, snapshot = back_up(fleet)
    test_drift.newer_home_image(fleet)
    fleet.run("config-region", "--replace", region, check=True)
    assert image in image_ids(fleet)
    assert snapshot in {s["SnapshotId"] for s in fleet.snapshots(region)}
    assert fleet.run("check-region", region).returncode == 0


def test_a_former_home_s_image(fleet: Fleet) -> None:
    """Made by hand, older than what is home now, and of the fleet's name."""
    ec2 = fleet.ec2(REGION)
    fleet.cloud.settings(late=0)
    base = ec2.copy_image(SourceRegion=HOME, SourceImageId=fleet.seeded["base_image"], Name="base")
    fleet.cloud.until(lambda: "available" in str(ec2.describe_images(Owners=["self"])["Images"]))
    made = ec2.run_instances(
        ImageId=base["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]
    fleet.cloud.until(lambda: "running" in str(ec2.describe_instances()["Reservations"]))
    original = ec2.create_image(InstanceId=made, Name=NAME)["ImageId"]
    time.sleep(1.1)  # AWS dates images by the second
    test_drift.newer_home_image_alone(fleet)
    done = fleet.run("config-region", "--replace", REGION, check=True)
    assert original in image_ids(fleet)
    assert f"image {original}: wanted none, found an older image" in done.stderr
    assert "made by hand, and is kept" in done.stderr


def profile(fleet: Fleet) -> Any:
    return fleet.instance(REGION).get("IamInstanceProfile")


def without_role(fleet: Fleet) -> None:
    text = fleet.config.read_text()
    lines = [line for line in text.splitlines() if "role =" not in line]
    fleet.config.write_text("\n".join(lines) + "\n")


def test_the_profile_when_home_has_no_instance_or_two(fleet: Fleet, region: str) -> None:
    """Without a role in regions.cfg it is that of the home instance, if there is just one."""
    without_role(fleet)
    assert fleet.run("check-region", region).returncode == 0
    before = profile(fleet)
    assert before
    home = fleet.ec2(HOME)
    fleet.cloud.settings(late=0)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}]
    second = home.run_instances(
        ImageId=fleet.seeded["image"], InstanceType="t3.micro", MinCount=1, MaxCount=1,
        TagSpecifications=tags,
    )["Instances"][0]["InstanceId"]  # fmt: skip
    done = fleet.run("config-region", region)
    assert done.returncode == 1 and "name a role in regions.cfg" in done.stderr
    assert profile(fleet) == before
    home.terminate_instances(InstanceIds=[second, fleet.seeded["instance"]])
    fleet.cloud.until(lambda: fleet.instances(HOME) == [])
    fleet.run("config-region", region, check=True)
    assert profile(fleet) == before


def test_a_volume_of_another_fleet(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(region)
    fleet.cloud.settings(late=0)
    instance = fleet.instance(region)
    other = ec2.create_volume(
        Size=3, AvailabilityZone=instance["Placement"]["AvailabilityZone"],
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": "awsq:fleet", "Value": "OTHER"}]}
        ],
    )["VolumeId"]  # fmt: skip
    ec2.attach_volume(VolumeId=other, InstanceId=instance["InstanceId"], Device="/dev/sdf")
    done = fleet.run("config-region", region, check=True)
    assert "another fleet's" in done.stderr
    (volume,) = ec2.describe_volumes(VolumeIds=[other])["Volumes"]
    assert {"Key": "awsq:fleet", "Value": "OTHER"} in volume["Tags"]
    fleet.run("clear-region", "--yes", region, check=True)
    assert other in {v["VolumeId"] for v in ec2.describe_volumes()["Volumes"]}


def test_a_volume_that_someone_else_s_instance_has(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(region)
    fleet.cloud.settings(late=0)
    zone = fleet.instance(region)["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(
        Size=3, AvailabilityZone=zone, TagSpecifications=[{"ResourceType": "volume", "Tags": FLEET}]
    )["VolumeId"]
    someone = ec2.run_instances(
        ImageId=fleet.images(region)[0]["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]
    fleet.cloud.until(
        lambda: ec2.describe_instances(InstanceIds=[someone])["Reservations"][0]["Instances"][0]
        ["State"]["Name"] == "running"
    )  # fmt: skip
    ec2.attach_volume(VolumeId=volume, InstanceId=someone, Device="/dev/sdf")
    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", "--yes", region)
    assert done.returncode == 1
    assert volume in done.stderr and someone in done.stderr and "detach it" in done.stderr
    assert fleet.actions(mark) == []
