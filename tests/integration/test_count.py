"""Several instances in a region: as many as `count` says, whatever happens to them and to us."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fleet import NAME, Fleet
from test_killed import MODES, REGIONS, killed_at, wide
from test_rollout import new_home_image, source_of, tagged

__all__ = ["wide"]  # a fixture

COUNT = 3


def tags_of(instance: dict[str, Any]) -> dict[str, str]:
    return {t["Key"]: t["Value"] for t in instance["Tags"]}


def set_count(fleet: Fleet, count: int) -> None:
    text = fleet.config.read_text()
    text = re.sub(r"(count = \d+; )?home =", f"count = {count}; home =", text, count=1)
    fleet.config.write_text(text)


@pytest.fixture
def three(fleet: Fleet) -> Fleet:
    set_count(fleet, COUNT)
    return fleet


def ids(fleet: Fleet, region: str) -> set[str]:
    return {i["InstanceId"] for i in fleet.instances(region)}


def ordinals(fleet: Fleet, region: str) -> list[str]:
    """The first one has no such tag."""
    return sorted(tags_of(i).get("awsq:ordinal", "1") for i in fleet.instances(region))


def assert_three(fleet: Fleet, region: str) -> None:
    """Stopped, each a number of its own, and otherwise all the same."""
    assert_alike(fleet, region, COUNT)


def assert_alike(fleet: Fleet, region: str, count: int) -> None:
    found = fleet.instances(region)
    assert [i["State"]["Name"] for i in found] == ["stopped"] * count
    assert ordinals(fleet, region) == [str(k) for k in range(1, count + 1)]
    assert len({(i["ImageId"], i["InstanceType"], i["KeyName"]) for i in found}) == 1
    assert {tags_of(i)["awsq:fleet"] for i in found} == {NAME}
    assert len(fleet.ec2(region).describe_volumes()["Volumes"]) == count


def born(fleet: Fleet, region: str, since: int = 0) -> int:
    return len(
        [b for b in fleet.cloud.born(since) if b["region"] == region and b["kind"] == "instance"]
    )


def wait_gone(fleet: Fleet, region: str, instance: str) -> None:
    fleet.ec2(region).terminate_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: instance not in ids(fleet, region))


def test_three_are_made_and_seen(three: Fleet) -> None:
    region = "us-east-1"
    mark = three.cloud.mark()
    three.run("config-region", region, check=True)
    assert_three(three, region)
    # All are made, and told to stop, before the first is waited for.
    order = [a for a in three.actions(mark) if a in ("RunInstances", "StopInstances")]
    assert order[:COUNT] == ["RunInstances"] * COUNT
    check = three.run("check-region", region)
    assert check.returncode == 0, check.stdout
    assert all(i in check.stdout for i in ids(three, region))
    report = json.loads(three.run("check-region", "--output=json", region).stdout)
    assert {i["id"] for i in report["regions"][0]["instances"]} == ids(three, region)
    mark = three.cloud.mark()
    three.run("config-region", region, check=True)
    assert three.actions(mark) == []


def test_an_override_counts_for_its_region(fleet: Fleet) -> None:
    text = fleet.config.read_text()
    fleet.config.write_text(text + "override = { us-east-1 = { count = 2; }; };\n")
    fleet.run("config-region", "us-east-1", "eu-west-3", check=True)
    assert len(fleet.instances("us-east-1")) == 2
    assert len(fleet.instances("eu-west-3")) == 1


def test_the_one_that_is_lost_is_made_again(three: Fleet) -> None:
    region, number = "us-east-1", "2"
    three.run("config-region", region, check=True)
    before = ids(three, region)
    (lost,) = [
        i["InstanceId"]
        for i in three.instances(region)
        if tags_of(i).get("awsq:ordinal", "1") == number
    ]
    wait_gone(three, region, lost)
    check = three.run("check-region", region)
    assert check.returncode == 3
    assert "instances: count: wanted 3, found 2" in check.stdout
    dry = three.run("config-region", "--dry-run", region)
    assert dry.stdout.count("+ run an instance") == 1
    assert f"(of 3 instances, number {number} is missing)" in dry.stdout
    mark = three.cloud.mark()
    three.run("config-region", region, check=True)
    assert three.actions(mark).count("RunInstances") == 1
    assert "TerminateInstances" not in three.actions(mark)
    assert before - ids(three, region) == {lost}
    assert_three(three, region)


def test_those_that_were_there_count(fleet: Fleet, region: str) -> None:
    """One that was made when there was only one, and one that somebody made by hand."""
    before = ids(fleet, region)
    ec2 = fleet.ec2(region)
    (image,) = fleet.images(region)
    by_hand = ec2.run_instances(
        ImageId=image["ImageId"], InstanceType="t3.micro", KeyName=NAME, MinCount=1, MaxCount=1,
        SecurityGroupIds=[fleet.groups(region)[0]["GroupId"]],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}
        ],
    )["Instances"][0]["InstanceId"]  # fmt: skip
    fleet.cloud.until(lambda: by_hand in [
        i["InstanceId"] for i in fleet.instances(region) if i["State"]["Name"] == "running"])
    ec2.stop_instances(InstanceIds=[by_hand])
    fleet.cloud.until(lambda: {i["State"]["Name"] for i in fleet.instances(region)} == {"stopped"})
    since = len(fleet.cloud.born())
    set_count(fleet, COUNT)
    fleet.run("config-region", region, check=True)
    assert born(fleet, region, since) == 1
    assert before | {by_hand} < ids(fleet, region)
    assert len(ids(fleet, region)) == COUNT
    mark = fleet.cloud.mark()
    fleet.run("config-region", region, check=True)
    assert fleet.actions(mark) == []


def test_too_many_are_told_of_and_left(three: Fleet) -> None:
    region = "us-east-1"
    three.run("config-region", region, check=True)
    set_count(three, COUNT - 1)
    check = three.run("check-region", region)
    assert check.returncode == 3
    assert "instances: count: wanted 2, found 3" in check.stdout
    assert all(f"{i} is stopped" in check.stdout for i in ids(three, region))
    report = json.loads(three.run("check-region", "--output=json", region).stdout)
    (difference,) = report["regions"][0]["differences"]
    assert difference["remedy"] == "by-hand"
    mark = three.cloud.mark()
    for options in ([], ["--replace"]):
        done = three.run("config-region", *options, region, check=True)
        assert "differences stay" in done.stdout
    assert three.actions(mark) == []
    done = three.run("run-region", region, "--", "true", check=True)
    assert f"{region}: there are 3 instances, not 2 as fleet.count says: all of them are meant" in (
        done.stderr)
    # Whichever goes, those that stay are as good, also the one that was made as the third of two.
    (second,) = [i for i in three.instances(region) if tags_of(i).get("awsq:ordinal") == "2"]
    wait_gone(three, region, second["InstanceId"])
    assert three.run("check-region", region).returncode == 0


def test_all_are_cleared(three: Fleet) -> None:
    region = "us-east-1"
    three.run("config-region", region, check=True)
    three.run("clear-region", "--yes", region, check=True)
    assert three.instances(region) == []
    assert three.ec2(region).describe_volumes()["Volumes"] == []


# ---- Replacing


def assert_replaced(fleet: Fleet, region: str, old: set[str], image: str) -> None:
    assert_alike(fleet, region, len(old))
    assert not old & ids(fleet, region)
    assert {tags_of(i)["awsq:replaces"] for i in fleet.instances(region)} == old
    (copy,) = tagged(fleet, region)
    assert source_of(copy) == image
    assert {i["ImageId"] for i in fleet.instances(region)} == {copy["ImageId"]}


def test_all_are_replaced(three: Fleet) -> None:
    region = "us-east-1"
    three.run("config-region", region, check=True)
    old = ids(three, region)
    new = new_home_image(three)
    mark = three.cloud.mark()
    done = three.run("config-region", region, check=True)
    assert ids(three, region) == old and "differences stay" in done.stdout
    three.run("config-region", "--replace", region, check=True)
    assert_replaced(three, region, old, new)
    order = [a for a in three.actions(mark) if a.endswith("Instances")]
    runs = [k for k, a in enumerate(order) if a == "RunInstances"]
    ends = [k for k, a in enumerate(order) if a == "TerminateInstances"]
    assert (len(runs), len(ends)) == (COUNT, COUNT) and max(runs) < min(ends)
    assert three.run("check-region", region).returncode == 0


def test_where_one_cannot_be_made_none_stays_on_and_none_goes(three: Fleet) -> None:
    region = "us-east-1"
    three.run("config-region", region, check=True)
    old = ids(three, region)
    new = new_home_image(three)
    three.cloud.fault("RunInstances", after=1, times=1, kind="error", code="UnsupportedOperation",
                      status=400)
    mark = three.cloud.mark()
    done = three.run("config-region", "--replace", region)
    assert done.returncode == 1
    assert "cannot run an instance" in done.stdout + done.stderr
    assert "TerminateInstances" not in three.actions(mark)
    assert old < ids(three, region) and len(ids(three, region)) == COUNT + 1
    assert {i["State"]["Name"] for i in three.instances(region)} == {"stopped"}
    three.run("config-region", "--replace", region, check=True)
    assert_replaced(three, region, old, new)


# ---- Killed


# Killed at each changing call; or only at every third of them.
STEPS = [3, pytest.param(1, marks=pytest.mark.long)]


def sweep(fleet: Fleet, calls: int, step: int, *command: str) -> list[str]:
    """A region for each kill, at one changing call after the other; one killed after every call."""
    kills = range(0, calls, step)
    *regions, last = REGIONS[1 : 2 + len(kills)]
    for after, region in zip(kills, regions, strict=True):
        killed_at(fleet, region, MODES[after % 2], after, *command)
        fleet.run(*command, region, check=True)
    for _ in range(3 * calls):
        mark = fleet.cloud.mark()
        fleet.cloud.fault("mutating", region=last, times=1, kind="hold", seconds=60)
        running = fleet.start(*command, last)
        fleet.cloud.until(
            lambda mark=mark, running=running: running.poll() is not None
            or any(c["fault"] == "hold" for c in fleet.cloud.log(mark)),
            timeout=60,
        )
        if running.poll() is not None:
            break
        running.kill()
        running.communicate()
    assert running.returncode == 0
    return [*regions, last]


@pytest.mark.parametrize("step", STEPS)
def test_killed_while_they_are_made(wide: Fleet, step: int) -> None:
    """Never more than three, in whatever order the calls and the kills come."""
    reference, *others = REGIONS[: 9 if step == 1 else 5]
    wide.run("config-region", reference, *others, check=True)
    set_count(wide, COUNT)
    mark, since = wide.cloud.mark(), len(wide.cloud.born())
    wide.run("config-region", reference, check=True)
    calls = len([c for c in wide.changes(mark) if c["region"] == reference])
    assert (COUNT - 1) * 2 <= calls < len(others) * step
    for region in [reference, *sweep(wide, calls, step, "config-region")]:
        assert_three(wide, region)
        assert born(wide, region, since) == COUNT - 1, region


@pytest.mark.parametrize("step", STEPS)
def test_killed_while_they_are_replaced(wide: Fleet, step: int) -> None:
    """Two of them: the third would only take its time."""
    reference, *others = REGIONS[: 12 if step == 1 else 5]
    set_count(wide, 2)
    wide.run("config-region", reference, *others, check=True)
    old = {region: ids(wide, region) for region in (reference, *others)}
    new = new_home_image(wide)
    # The copies first: their calls are swept elsewhere.
    wide.run("config-region", reference, *others, check=True)
    mark, since = wide.cloud.mark(), len(wide.cloud.born())
    wide.run("config-region", "--replace", reference, check=True)
    calls = len([c for c in wide.changes(mark) if c["region"] == reference])
    assert 2 * 3 <= calls < len(others) * step
    for region in [reference, *sweep(wide, calls, step, "config-region", "--replace")]:
        assert_replaced(wide, region, old[region], new)
        assert born(wide, region, since) == 2, region
