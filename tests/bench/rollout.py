"""A new home image in all regions: how long, and what is there afterwards."""

from __future__ import annotations

from typing import Any

from cost import measure, verdict
from fleet import HOME, NAME, REGIONS, Fleet

COPY = 60.0  # seconds that the cloud takes for one
SPARE = 10.0  # promised: at most this much more than one copy, for all regions


def new_home_image(fleet: Fleet) -> str:
    """As a user makes it: the name goes from the old image to the new one."""
    home = fleet.ec2(HOME)
    home.deregister_image(ImageId=fleet.seeded["image"])
    new = str(home.create_image(InstanceId=fleet.seeded["instance"], Name=NAME)["ImageId"])
    fleet.cloud.until(lambda: [i["State"] for i in fleet.images(HOME)] == ["available"])
    return new


def tag(thing: dict[str, Any], key: str) -> str | None:
    return next((t["Value"] for t in thing.get("Tags", []) if t["Key"] == key), None)


def assert_left(fleet: Fleet, region: str, source: str) -> None:
    """boto3 finds one image, a copy of source, its snapshots, and one stopped instance of it."""
    (image,) = fleet.ec2(region).describe_images(Owners=["self"])["Images"]
    assert image["State"] == "available" and tag(image, "awsq:source-image") == source
    of_image = {m["Ebs"]["SnapshotId"] for m in image["BlockDeviceMappings"]}
    assert of_image and {s["SnapshotId"] for s in fleet.snapshots(region)} == of_image
    instance = fleet.instance(region)
    assert instance["State"]["Name"] == "stopped" and instance["ImageId"] == image["ImageId"]
    attached = {m["Ebs"]["VolumeId"] for m in instance["BlockDeviceMappings"]}
    assert {v["VolumeId"] for v in fleet.ec2(region).describe_volumes()["Volumes"]} == attached


def bench_rollout(fleet: Fleet) -> bool:
    away = [r for r in REGIONS if r != HOME]
    fleet.run("config-region", "--all", check=True)
    for region in away:
        assert_left(fleet, region, fleet.seeded["image"])
    new = new_home_image(fleet)
    fleet.cloud.settings(copy=COPY)
    cost = measure(fleet, fleet.command("config-region", "--quiet", "--all", "--replace"))
    for region in away:
        assert_left(fleet, region, new)
    assert fleet.state(HOME) == "stopped"
    kept = cost.wall <= COPY + SPARE
    print(
        f"config-region --all --replace of a new image, {len(REGIONS)} regions: {len(away)} copies,"
        f" {len(away)} new instances\n"
        f"  one copy takes {COPY:.0f} s   all of it {cost.wall:5.2f} s, {cost.wall / COPY:.2f} of"
        f" one copy   promised {COPY + SPARE:.0f} s: {verdict(kept)}\n"
        f"  for that: CPU {cost.cpu:.3f} s   peak memory {cost.memory:.1f} MiB\n"
        f"  boto3 finds in each region: one image, its snapshots, one stopped instance of it"
    )
    return kept
