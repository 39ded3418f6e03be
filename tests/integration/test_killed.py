"""SIGKILL after each mutating call in turn, and the same command again.

How many calls there are is found by counting them in a run that nobody kills. A call is killed
either when the cloud has carried it out and its answer is on the way, or before it is carried out.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fleet import HOME, NAME, Fleet

# A region a kill, so that one cloud serves all.
REGIONS = [
    "us-east-1", "us-east-2", "us-west-1", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2",
    "eu-west-3", "eu-central-1", "eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
]  # fmt: skip
MODES = ["hold", "hold-before"]
# In turn at each call after the other; at all of them in both ways is for make torture.
SWEEPS = ["in turn", *(pytest.param(mode, marks=pytest.mark.long) for mode in MODES)]


@pytest.fixture
def wide(fleet: Fleet) -> Fleet:
    fleet.configure(regions=", ".join(f'"{r}"' for r in [HOME, *REGIONS]))
    fleet.cloud.settings(boot=0.2, stop=0.1, copy=0.3, late=0.1)
    return fleet


def tags_of(thing: dict[str, Any]) -> dict[str, str]:
    """All but the one that names another instance."""
    return {t["Key"]: t["Value"] for t in thing.get("Tags", []) if t["Key"] != "awsq:replaces"}


def end_state(fleet: Fleet, region: str) -> dict[str, Any]:
    """What boto3 sees, without what is different each time: ids, and times."""
    ec2 = fleet.ec2(region)
    return {
        "images": [(i["State"], tags_of(i), len(i["BlockDeviceMappings"])) for i in fleet.images(region)],
        "snapshots": [(s["State"], tags_of(s), s["VolumeSize"]) for s in fleet.snapshots(region)],
        "keys": [(k["KeyName"], k["PublicKey"], tags_of(k)) for k in fleet.key_pairs(region)],
        "groups": [tags_of(g) for g in fleet.groups(region)],
        "rules": fleet.rules(region) if fleet.groups(region) else None,
        "volumes": [(v["Size"], v["State"], tags_of(v)) for v in ec2.describe_volumes()["Volumes"]],
        "instances": [
            (
                i["State"]["Name"],
                i["InstanceType"],
                i["KeyName"],
                i["MetadataOptions"]["HttpTokens"],
                tags_of(i),
                i["ImageId"] in [image["ImageId"] for image in fleet.images(region)],
                [g["GroupName"] for g in i["SecurityGroups"]],
            )
            for i in fleet.instances(region)
        ],
    }


def killed_at(fleet: Fleet, region: str, mode: str, after: int, *command: str) -> None:
    """Runs the command, and kills it at the mutating call after `after` others."""
    mark = fleet.cloud.mark()
    fleet.cloud.fault("mutating", region=region, after=after, times=1, kind=mode, seconds=60)
    running = fleet.start(*command, region)
    fleet.cloud.until(
        lambda: any(c["fault"] == mode and c["region"] == region for c in fleet.cloud.log(mark)),
        timeout=60,
    )
    running.kill()
    running.communicate()


def made(fleet: Fleet, region: str, since: int = 0) -> Counter[str]:
    return Counter(b["kind"] for b in fleet.cloud.born(since) if b["region"] == region)


def count_calls(fleet: Fleet, region: str, *command: str) -> int:
    mark = fleet.cloud.mark()
    fleet.run(*command, region, check=True)
    return len([c for c in fleet.changes(mark) if c["region"] == region])


def kill_at_each(fleet: Fleet, sweep: str, *command: str) -> None:
    """The first region is left alone, and says how many calls there are and what comes of it."""
    reference, *others = REGIONS
    since = len(fleet.cloud.born())
    n = count_calls(fleet, reference, *command)
    assert 0 < n <= len(others), f"{n} calls and only {len(others)} regions to kill them in"
    wanted = end_state(fleet, reference)
    for after, region in enumerate(others[:n]):
        mode = MODES[after % 2] if sweep == "in turn" else sweep
        killed_at(fleet, region, mode, after, *command)
        fleet.run(*command, region, check=True)
        assert end_state(fleet, region) == wanted, f"killed at call {after + 1}"
        assert made(fleet, region, since) == made(fleet, reference, since)
    # And once more: killed after every call, however often it is begun again.
    region = others[n]
    for _ in range(3 * n):
        mark = fleet.cloud.mark()
        fleet.cloud.fault("mutating", region=region, times=1, kind="hold", seconds=60)
        running = fleet.start(*command, region)
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
    assert end_state(fleet, region) == wanted
    assert made(fleet, region, since) == made(fleet, reference, since)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_setting_up(wide: Fleet, sweep: str) -> None:
    kill_at_each(wide, sweep, "config-region")
    assert made(wide, REGIONS[0]) == {
        "image": 1, "snapshot": 1, "key-pair": 1, "security-group": 1, "instance": 1, "volume": 1
    }  # fmt: skip


@pytest.mark.parametrize("sweep", SWEEPS)
def test_clearing(wide: Fleet, sweep: str) -> None:
    wide.run("config-region", *REGIONS, check=True)
    kill_at_each(wide, sweep, "clear-region", "--yes")
    wanted = end_state(wide, REGIONS[0])
    assert not any(wanted.values()), wanted


@pytest.mark.parametrize("sweep", SWEEPS)
def test_rolling_out(wide: Fleet, sweep: str) -> None:
    wide.run("config-region", *REGIONS, check=True)
    home = wide.ec2(HOME)
    home.deregister_image(ImageId=wide.seeded["image"])
    new = home.create_image(InstanceId=wide.seeded["instance"], Name=NAME)["ImageId"]
    wide.cloud.until(lambda: [i["State"] for i in wide.images(HOME)] == ["available"])
    since = len(wide.cloud.born())
    kill_at_each(wide, sweep, "config-region", "--replace")
    assert made(wide, REGIONS[0], since) == {"image": 1, "snapshot": 1, "instance": 1, "volume": 1}
    (image,) = wide.images(REGIONS[0])
    assert tags_of(image)["awsq:source-image"] == new
