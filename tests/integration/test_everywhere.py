"""check-region and clear-region --everywhere: whatever is left of a fleet, and nothing else."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloud.client import Cloud
from cloud.seed import hurried
from fleet import HOME, NAME, Fleet

LISTED = "us-east-1"
STRAY = ["eu-west-1", "eu-central-1", "ap-south-1", "ca-central-1", "sa-east-1"]
EMPTY = ["eu-west-3", "ap-northeast-1"]
QUICK = {"boot": 0.3, "ssh_delay": 0.1, "stop": 0.2, "copy": 0.3, "late": 0.1}

MINE = {"awsq:fleet": NAME}
OTHERS = {"awsq:fleet": "OTHER", "Name": NAME}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud(regions=[HOME, LISTED, *STRAY, *EMPTY], **QUICK) as cloud:
        yield cloud


@pytest.fixture
def fleet(cloud: Cloud) -> Iterator[Fleet]:
    """A fleet in home alone, whose key file is somewhere else today."""
    fleet = Fleet(cloud)
    fleet.configure(regions=f'"{HOME}", "{LISTED}"', key=str(cloud.dir / "not-here.pem"))
    yield fleet
    fleet.close()


class Planter:
    """What a person could have left in a region, of the fleet or not, by its id."""

    _numbers = itertools.count()

    def __init__(self, fleet: Fleet, region: str):
        self.cloud = fleet.cloud
        self.ec2 = fleet.ec2(region)
        self.zone = region + "a"
        self.base = self.image(f"base-{next(self._numbers)}", {})

    @staticmethod
    def tagged(kinds: list[str], tags: dict[str, str]) -> list[dict[str, Any]]:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return [{"ResourceType": kind, "Tags": listed} for kind in kinds] if listed else []

    def volume(self, tags: dict[str, str]) -> str:
        return self.ec2.create_volume(
            AvailabilityZone=self.zone, Size=5, TagSpecifications=self.tagged(["volume"], tags)
        )["VolumeId"]

    def snapshot(self, tags: dict[str, str], description: str = "") -> str:
        volume = self.ec2.create_volume(AvailabilityZone=self.zone, Size=8)["VolumeId"]
        snapshot = self.ec2.create_snapshot(
            VolumeId=volume,
            Description=description,
            TagSpecifications=self.tagged(["snapshot"], tags),
        )["SnapshotId"]
        self.ec2.delete_volume(VolumeId=volume)
        return snapshot

    def image(self, name: str, tags: dict[str, str]) -> str:
        """On a snapshot that has the same tags."""
        ebs = {"SnapshotId": self.snapshot(tags)}
        return self.ec2.register_image(
            Name=name,
            RootDeviceName="/dev/sda1",
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": ebs}],
            TagSpecifications=self.tagged(["image"], tags),
        )["ImageId"]

    def orphan(self, tags: dict[str, str]) -> str:
        """A snapshot whose image is gone."""
        image = self.image("gone", tags)
        devices = self.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
        self.ec2.deregister_image(ImageId=image)
        return devices[0]["Ebs"]["SnapshotId"]

    def instance(self, tags: dict[str, str], state: str = "running", **more: Any) -> str:
        kinds = ["instance", "volume"] if "awsq:fleet" in tags else ["instance"]
        made = self.ec2.run_instances(
            ImageId=self.base, InstanceType="t3.micro", MinCount=1, MaxCount=1,
            TagSpecifications=self.tagged(kinds, tags), **more,
        )["Instances"][0]["InstanceId"]  # fmt: skip
        self.cloud.until(lambda: self.state(made) == "running")
        if state == "stopped":
            self.ec2.stop_instances(InstanceIds=[made])
            self.cloud.until(lambda: self.state(made) == "stopped")
        return made

    def state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return found[0]["Instances"][0]["State"]["Name"]

    def volumes_of(self, instance: str) -> list[str]:
        wanted = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return [v["VolumeId"] for v in self.ec2.describe_volumes(Filters=wanted)["Volumes"]]

    def key(self, name: str, tags: dict[str, str]) -> str:
        return self.ec2.create_key_pair(
            KeyName=name, TagSpecifications=self.tagged(["key-pair"], tags)
        )["KeyPairId"]

    def group(self, name: str, tags: dict[str, str], vpc: str | None = None) -> str:
        more = {"VpcId": vpc} if vpc else {}
        return self.ec2.create_security_group(
            GroupName=name, Description="x", TagSpecifications=self.tagged(["security-group"], tags),
            **more,
        )["GroupId"]  # fmt: skip

    def vpc(self) -> str:
        return self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]


def lists(ec2: Any) -> dict[str, Callable[[], list[str]]]:
    """Of each kind, what there is of it: the fleet's or not."""
    states = [{"Name": "instance-state-name",
               "Values": ["pending", "running", "stopping", "stopped"]}]  # fmt: skip
    return {
        "instance": lambda: [
            i["InstanceId"]
            for r in ec2.describe_instances(Filters=states)["Reservations"]
            for i in r["Instances"]
        ],
        "volume": lambda: [v["VolumeId"] for v in ec2.describe_volumes()["Volumes"]],
        "image": lambda: [i["ImageId"] for i in ec2.describe_images(Owners=["self"])["Images"]],
        "snapshot": lambda: [
            s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        ],
        "key pair": lambda: [k["KeyPairId"] for k in ec2.describe_key_pairs()["KeyPairs"]],
        "security group": lambda: [
            g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"]
        ],
    }


def everything(fleet: Fleet) -> set[tuple[str, str, str]]:
    """Region, kind and id of all that the account has, as boto3 sees it."""
    return {
        (region, kind, thing)
        for region in (HOME, LISTED, *STRAY, *EMPTY)
        for kind, listed in lists(fleet.ec2(region)).items()
        for thing in listed()
    }


def plant_strays(fleet: Fleet) -> set[tuple[str, str, str]]:
    """One of each kind of stray, with what comes along with it."""
    planted: set[tuple[str, str, str]] = set()

    def add(region: str, kind: str, *ids: str) -> None:
        planted.update((region, kind, thing) for thing in ids)

    def add_instance(plant: Planter, region: str, instance: str, n_volumes: int = 1) -> None:
        volumes = plant.volumes_of(instance)
        assert len(volumes) == n_volumes
        add(region, "instance", instance)
        add(region, "volume", *volumes)

    region = STRAY[0]
    plant = Planter(fleet, region)
    stays = {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 3, "DeleteOnTermination": False}}
    add_instance(plant, region, plant.instance(MINE, BlockDeviceMappings=[stays]), 2)
    add(region, "key pair", plant.key("of-old", MINE))

    region = STRAY[1]
    plant = Planter(fleet, region)
    by_name = plant.instance({"Name": NAME}, "stopped", BlockDeviceMappings=[stays])
    add_instance(plant, region, by_name, 2)
    add(region, "key pair", plant.key(NAME, {}))
    add(region, "security group", plant.group(NAME, {}))

    region = STRAY[2]
    plant = Planter(fleet, region)
    add(region, "volume", plant.volume(MINE))
    add(region, "image", plant.image("NAVO-old", MINE))
    add(region, "snapshot", *snapshots_of(plant, "NAVO-old"), plant.orphan(MINE))

    region = STRAY[3]
    plant = Planter(fleet, region)
    add(region, "image", plant.image(NAME, {}))
    add(region, "snapshot", *snapshots_of(plant, NAME))
    add(region, "security group", plant.group("elsewhere", MINE, plant.vpc()))

    region = STRAY[4]
    plant = Planter(fleet, region)
    add_instance(plant, region, plant.instance(MINE, "stopped", DisableApiTermination=True))
    return planted


def snapshots_of(plant: Planter, image: str) -> list[str]:
    wanted = [{"Name": "name", "Values": [image]}]
    (found,) = plant.ec2.describe_images(Owners=["self"], Filters=wanted)["Images"]
    return [d["Ebs"]["SnapshotId"] for d in found["BlockDeviceMappings"]]


def plant_others(fleet: Fleet) -> None:
    """What looks like the fleet's, and is not."""
    alike = [
        {"Name": NAME + "2"}, {"Name": NAME.lower()}, {"Name": f"{NAME} "}, OTHERS,
        {"awsq:fleet": NAME + "2"}, {"awsq:fleet": NAME.lower(), "Name": NAME},
        {"AWSQ:fleet": NAME}, {"fleet": NAME}, {"awsq:fleet": "", "Name": NAME},
    ]  # fmt: skip
    for region in STRAY[:2]:
        plant = Planter(fleet, region)
        for tags in alike:
            plant.volume(tags)
            plant.snapshot(tags, description=NAME)
        for n, tags in enumerate(alike):
            plant.image(f"image-{n}", tags)
        for n, tags in enumerate(alike):
            plant.key(f"key-{n}", tags)
            plant.group(f"group-{n}", tags)
        for tags in alike[:6] if region == STRAY[0] else [OTHERS]:
            plant.instance(tags, "stopped" if tags is OTHERS else "running")
        # Volumes and snapshots are never the fleet's by their names.
        plant.volume({"Name": NAME})
        plant.snapshot({"Name": NAME}, description=NAME)
        plant.image(NAME, OTHERS)
        for name in (NAME + "2", NAME.lower(), f"x{NAME}"):
            plant.image(name, {})
            plant.key(name, {})
            plant.group(name, {})
    plant = Planter(fleet, STRAY[2])
    plant.key(NAME, OTHERS)
    plant.group(NAME, OTHERS)


def report(fleet: Fleet, *more: str, status: int) -> dict[str, Any]:
    done = fleet.run("check-region", "--everywhere", "--output=json", *more)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def items(found: dict[str, Any], place: str = "stray") -> set[tuple[str, str, str]]:
    listed = [
        (region["region"], item["kind"], item["id"])
        for region in found["regions"]
        for item in region.get("items", [])
        if region["place"] == place
    ]
    assert len(set(listed)) == len(listed)
    return set(listed)


# What a call that removes something says it of; key pairs by their names.
REMOVING = {
    "TerminateInstances": "InstanceId.1",
    "DeleteVolume": "VolumeId",
    "DeregisterImage": "ImageId",
    "DeleteSnapshot": "SnapshotId",
    "DeleteKeyPair": "KeyName",
    "DeleteSecurityGroup": "GroupId",
}


def test_all_strays_and_nothing_else(fleet: Fleet) -> None:
    with hurried(fleet.cloud.about):
        plant_others(fleet)
        others = everything(fleet)
        strays = plant_strays(fleet)
    before = everything(fleet)
    assert strays < before and not strays & others

    found = report(fleet, status=3)
    assert items(found) == strays
    assert {region["region"] for region in found["regions"]} == {HOME, *STRAY}
    assert items(found, "home") <= others and len(items(found, "home")) == 6
    totals = found["totals"]
    assert totals["strays"] == len(strays) and totals["regions_unread"] == 0
    of_size = [i for r in found["regions"] for i in r["items"] if i["size_gib"] is not None]
    assert {i["kind"] for i in of_size} == {"volume", "snapshot"}
    for kind, total in (("volume", "volumes_gib"), ("snapshot", "snapshots_gib")):
        assert totals[total] == sum(i["size_gib"] for i in of_size if i["kind"] == kind) > 0

    mark = fleet.cloud.mark()
    done = fleet.run("check-region", "--everywhere")
    assert done.returncode == 3 and fleet.actions(mark) == []
    rows = done.stdout.splitlines()[1:-1]
    assert len(rows) == len(strays) + 6
    for region, kind, thing in strays:
        (row,) = [row for row in rows if f" {thing} " in row]
        assert re.match(rf"{region} +{kind} +{thing} ", row) and row.endswith("not in regions.cfg")
    assert sum(row.endswith("home: kept") for row in rows) == 6

    done = fleet.run("clear-region", "--everywhere", "--yes", "--lift-protection", check=True)
    after = everything(fleet)
    assert before - after == strays and after - before == set()
    # The table comes first, without home; then the plan.
    shown = done.stdout.partition("total: ")[0]
    assert all(f" {thing} " in shown for _, _, thing in strays) and HOME not in shown
    agree(fleet, mark, strays, found)

    assert items(report(fleet, status=0)) == set()
    done = fleet.run("clear-region", "--everywhere", "--yes", check=True)
    assert everything(fleet) == after


def agree(
    fleet: Fleet, mark: int, strays: set[tuple[str, str, str]], found: dict[str, Any]
) -> None:
    """The cloud's log: what was removed is what was listed, but for what goes along."""
    names = {i["name"]: i["id"] for r in found["regions"] for i in r.get("items", [])
             if i["kind"] == "key pair" and r["place"] == "stray"}  # fmt: skip
    removed = set()
    for call in fleet.changes(mark):
        assert call["region"] != HOME and call["error"] is None
        if call["action"] in REMOVING:
            thing = call["params"][REMOVING[call["action"]]]
            removed.add(names.get(thing, thing))
            assert "InstanceId.2" not in call["params"]
        else:
            assert call["action"] in ("CreateTags", "ModifyInstanceAttribute")
    along = {i["id"] for r in found["regions"] for i in r.get("items", [])
             if i["remark"].startswith("goes with ") and r["place"] == "stray"}  # fmt: skip
    assert removed == {thing for _, _, thing in strays} - along


def test_nothing_but_home_and_what_is_listed(fleet: Fleet) -> None:
    with hurried(fleet.cloud.about):
        listed = Planter(fleet, LISTED).volume(MINE)
    found = report(fleet, status=0)
    assert items(found) == set()
    assert items(found, "listed") == {(LISTED, "volume", listed)}
    assert len(items(found, "home")) == 6 and found["account"] == "123456789012"

    mark, before = fleet.cloud.mark(), everything(fleet)
    fleet.run("clear-region", "--everywhere", "--yes", check=True)
    assert fleet.actions(mark) == ["DeleteVolume"]
    assert before - everything(fleet) == {(LISTED, "volume", listed)}


def test_home_alone_is_left_alone(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", "--everywhere", "--yes", "--lift-protection", check=True)
    assert fleet.actions(mark) == [] and HOME not in done.stdout
    calls = [c for c in fleet.cloud.log(mark) if c["region"] == HOME and c["service"] == "ec2"]
    assert [c["action"] for c in calls] == ["DescribeRegions"]


def test_looking_asking_and_doing(fleet: Fleet) -> None:
    region = STRAY[0]
    with hurried(fleet.cloud.about):
        plant = Planter(fleet, region)
        volume, key = plant.volume(MINE), plant.key(NAME, {})
    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", "--everywhere", "--dry-run")
    assert done.returncode == 3
    assert done.stdout.index(f" {key} ") < done.stdout.index(f"{region}: - delete volume {volume}")
    done = fleet.run("clear-region", "--everywhere", "--dry-run", "--output=json")
    assert done.returncode == 3
    planned = {a["id"] for r in json.loads(done.stdout)["regions"] for a in r["actions"]}
    assert planned == {volume, NAME}
    done = fleet.run("clear-region", "--everywhere")
    assert done.returncode == 2 and "--yes" in done.stderr and f" {volume} " in done.stdout
    assert fleet.actions(mark) == []
    done = fleet.run("clear-region", "--everywhere", "--yes", check=True)
    assert re.search(rf"^{region} +ok +2 removed, nothing left$", done.stdout, re.MULTILINE)
    assert fleet.run("clear-region", "--everywhere", "--dry-run").returncode == 0


def test_protection_is_told_of_and_holds_up_one_region_only(fleet: Fleet) -> None:
    with hurried(fleet.cloud.about):
        plant = Planter(fleet, STRAY[0])
        kept = plant.instance(MINE, "stopped", DisableApiTermination=True)
        key = plant.key(NAME, {})
        volume = Planter(fleet, STRAY[1]).volume(MINE)
    before = everything(fleet)
    done = fleet.run("clear-region", "--everywhere", "--yes")
    assert done.returncode == 1 and "--lift-protection" in done.stderr
    assert all(f" {thing} " in done.stdout for thing in (kept, key, volume))
    assert before - everything(fleet) == {(STRAY[1], "volume", volume)}


def test_a_region_out_of_reach_costs_the_others_nothing(fleet: Fleet) -> None:
    with hurried(fleet.cloud.about):
        made = {(r, "volume", Planter(fleet, r).volume(MINE)) for r in STRAY[:2]}
    fleet.cloud.unplug(EMPTY[0])
    fleet.cloud.fault("*", region=EMPTY[1], times=-1, preset="disabled-region")
    started = time.monotonic()
    found = report(fleet, "--jobs=2", status=1)
    assert time.monotonic() - started < 90  # not as long as AWS might be waited for
    assert items(found) == made and found["totals"]["regions_unread"] == 2
    errors = {r["region"]: r["error"] for r in found["regions"] if r["error"]}
    assert set(errors) == set(EMPTY)
    assert "no answer" in errors[EMPTY[0]] and "AuthFailure" in errors[EMPTY[1]]


def test_what_may_not_be_read_is_not_cleared(fleet: Fleet) -> None:
    """Nor taken for empty; the rest is."""
    with hurried(fleet.cloud.about):
        kept = [Planter(fleet, STRAY[0]).volume(MINE), Planter(fleet, STRAY[0]).key(NAME, {})]
        volume = Planter(fleet, STRAY[1]).volume(MINE)
    fleet.cloud.fault("DescribeSnapshots", region=STRAY[0], times=-1, preset="denied")
    before, mark = everything_but(fleet, "snapshot"), fleet.cloud.mark()
    done = fleet.run("check-region", "--everywhere")
    assert done.returncode == 1 and f" {volume} " in done.stdout
    assert re.search(rf"^{STRAY[0]} +error .*UnauthorizedOperation", done.stdout, re.MULTILINE)
    done = fleet.run("clear-region", "--everywhere", "--yes")
    assert done.returncode == 1 and "UnauthorizedOperation" in done.stderr
    assert before - everything_but(fleet, "snapshot") == {(STRAY[1], "volume", volume)}
    assert not any(thing in done.stdout for thing in kept)
    assert {c["region"] for c in fleet.changes(mark)} == {STRAY[1]}


def everything_but(fleet: Fleet, kind: str) -> set[tuple[str, str, str]]:
    return {
        (region, other, thing)
        for region in (HOME, *STRAY[:2])
        for other, listed in lists(fleet.ec2(region)).items()
        if other != kind
        for thing in listed()
    }


@pytest.mark.parametrize("tool", ["check-region", "clear-region"])
def test_without_the_list_of_regions_there_is_nothing_to_say(fleet: Fleet, tool: str) -> None:
    fleet.cloud.fault("DescribeRegions", times=-1, preset="denied")
    done = fleet.run(tool, "--everywhere", *(["--yes"] if tool == "clear-region" else []))
    assert done.returncode == 1 and done.stdout == ""
    assert "cannot list the account's regions: UnauthorizedOperation" in done.stderr


def test_only_regions_that_are_enabled_are_looked_at(fleet: Fleet) -> None:
    fleet.cloud.close_region(EMPTY[0])
    mark = fleet.cloud.mark()
    report(fleet, status=0)
    asked = {c["region"] for c in fleet.cloud.log(mark) if c["service"] == "ec2"}
    assert asked == {HOME, LISTED, *STRAY, EMPTY[1]}
