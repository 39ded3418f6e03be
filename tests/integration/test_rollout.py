"""A new home image goes to all regions at once; what it costs in time is `make bench`'s to say."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fleet import HOME, NAME, REGIONS, Fleet

OTHERS = [r for r in REGIONS if r != HOME]


def new_home_image(fleet: Fleet, name: str = NAME, replace: bool = True) -> str:
    home = fleet.ec2(HOME)
    if replace:
        home.deregister_image(ImageId=fleet.images(HOME)[0]["ImageId"])
    new = home.create_image(InstanceId=fleet.seeded["instance"], Name=name)["ImageId"]
    fleet.cloud.until(
        lambda: new
        in [i["ImageId"] for i in home.describe_images(Owners=["self"])["Images"] if i["State"] == "available"]
    )
    return str(new)


def tagged(fleet: Fleet, region: str) -> list[dict[str, Any]]:
    return fleet.ec2(region).describe_images(
        Owners=["self"], Filters=[{"Name": "tag:awsq:fleet", "Values": [NAME]}]
    )["Images"]


def source_of(image: dict[str, Any]) -> str:
    return next(t["Value"] for t in image["Tags"] if t["Key"] == "awsq:source-image")


def assert_rolled_out(fleet: Fleet, region: str, new: str) -> None:
    """One image, its snapshots, and one stopped instance of it."""
    (image,) = tagged(fleet, region)
    assert source_of(image) == new
    used = {d["Ebs"]["SnapshotId"] for d in image["BlockDeviceMappings"]}
    assert {s["SnapshotId"] for s in fleet.snapshots(region)} == used
    instance = fleet.instance(region)
    assert instance["ImageId"] == image["ImageId"]
    assert instance["State"]["Name"] == "stopped"
    volumes = fleet.ec2(region).describe_volumes()["Volumes"]
    assert len(volumes) == 1


def test_all_regions_get_the_new_image(fleet: Fleet) -> None:
    fleet.run("config-region", *OTHERS, check=True)
    new = new_home_image(fleet)
    fleet.cloud.settings(copy=8)
    done = fleet.run("config-region", "--all", "--replace", check=True)
    for region in OTHERS:
        assert_rolled_out(fleet, region, new)
    assert "(new)" not in done.stdout
    # At once: the last copy is asked for before the first one is there.
    copies = [c["time"] for c in fleet.changes() if c["action"] == "CopyImage"][-len(OTHERS) :]
    assert max(copies) - min(copies) < 8
    assert fleet.run("check-region", *OTHERS).returncode == 0


def test_more_copies_than_aws_makes_at_once_wait_for_their_turn(fleet: Fleet) -> None:
    fleet.cloud.settings(copies=1, copy=600)
    # Someone else's copy has the region's only place.
    ec2 = fleet.ec2("eu-west-3")
    source = fleet.seeded["image"]
    other = ec2.copy_image(SourceRegion=HOME, SourceImageId=source, Name="other")["ImageId"]
    fleet.cloud.settings(copy=0.8)

    def refused() -> set[str]:
        return {c["region"] for c in fleet.changes() if c["error"] == "ResourceLimitExceeded"}

    running = fleet.start("config-region", "us-east-1", "eu-west-3")
    fleet.cloud.until(refused)
    ec2.deregister_image(ImageId=other)
    _, stderr = running.communicate(timeout=300)
    assert running.returncode == 0, stderr
    assert b"eu-west-3: as many copies are under way as AWS makes at once" in stderr
    assert refused() == {"eu-west-3"}
    for region in ("us-east-1", "eu-west-3"):
        assert fleet.state(region) == "stopped"


def test_the_newest_version_wins_and_some_older_copies_stay(fleet: Fleet) -> None:
    """Names with a version, and --keep-images."""
    region = "us-east-1"
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace("home =", 'image = "NAVO-*"; home =', 1))
    made = []
    for version in (1, 2, 3, 4):
        time.sleep(1.1)  # AWS dates images by the second
        made.append(new_home_image(fleet, f"NAVO-{version}", replace=False))
        fleet.run("config-region", "--replace", "--keep-images=2", region, check=True)
        assert source_of_instance(fleet, region) == made[-1]
        assert {source_of(i) for i in tagged(fleet, region)} == set(made[-3:])
    fleet.run("config-region", "--keep-images=1", region, check=True)
    assert {source_of(i) for i in tagged(fleet, region)} == set(made[-2:])
    assert {i["Name"] for i in tagged(fleet, region)} == {"NAVO-3", "NAVO-4"}
    fleet.run("config-region", region, check=True)
    assert_rolled_out(fleet, region, made[-1])


def source_of_instance(fleet: Fleet, region: str) -> str:
    of = fleet.instance(region)["ImageId"]
    (image,) = [i for i in tagged(fleet, region) if i["ImageId"] == of]
    return source_of(image)


def test_without_replace_the_old_image_stays_as_long_as_its_instance(
    fleet: Fleet, region: str
) -> None:
    old = fleet.seeded["image"]
    new = new_home_image(fleet)
    before = fleet.instance(region)["InstanceId"]
    fleet.run("config-region", region, check=True)
    assert {source_of(i) for i in tagged(fleet, region)} == {old, new}
    assert fleet.instance(region)["InstanceId"] == before
    fleet.run("config-region", "--replace", region, check=True)
    assert_rolled_out(fleet, region, new)


def test_the_old_instance_goes_only_when_the_new_one_has_been_seen_stopped(
    fleet: Fleet, region: str
) -> None:
    new_home_image(fleet)
    mark = fleet.cloud.mark()
    fleet.run("config-region", "--replace", region, check=True)
    order = [a for a in fleet.actions(mark) if a.endswith("Instances") or a == "DeregisterImage"]
    # A new id is not known at once, and so a stop may be asked for again.
    assert list(dict.fromkeys(order)) == ["RunInstances", "StopInstances", "TerminateInstances", "DeregisterImage"]
    # And where the new one does not come to anything, the old one stays.
    new_home_image(fleet)
    before = fleet.instance(region)["InstanceId"]
    fleet.cloud.fault("RunInstances", kind="late", times=1)
    done = fleet.run("config-region", "--replace", region)
    assert done.returncode == 1
    assert [i["InstanceId"] for i in fleet.instances(region)] == [before]


def test_an_instance_started_while_the_image_is_copied_is_not_terminated(
    fleet: Fleet, region: str
) -> None:
    """By another machine, whose runs this one does not know of."""
    new = new_home_image(fleet)
    old = fleet.instance(region)["InstanceId"]
    fleet.cloud.settings(copy=4)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "--replace", region)
    fleet.cloud.until(lambda: "CopyImage" in fleet.actions(mark))
    fleet.ec2(region).start_instances(InstanceIds=[old])
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 1
    assert f"cannot terminate '{old}': it is running by now" in stderr.decode()
    states = {i["InstanceId"]: i["State"]["Name"] for i in fleet.instances(region)}
    assert states.pop(old) == "running" and list(states.values()) == ["stopped"]
    assert "TerminateInstances" not in fleet.actions(mark)
    fleet.ec2(region).stop_instances(InstanceIds=[old])
    fleet.cloud.until(lambda: {i["State"]["Name"] for i in fleet.instances(region)} == {"stopped"})
    fleet.run("config-region", region, check=True)
    assert_rolled_out(fleet, region, new)
    assert fleet.instance(region)["InstanceId"] in states


@pytest.mark.parametrize("flicker", [1, 3, pytest.param(6, marks=pytest.mark.long)])
def test_what_is_seen_and_then_not_seen_is_not_made_twice(fleet: Fleet, flicker: int) -> None:
    """EC2's lists may leave a new thing out for a while, though it was seen before."""
    region = "us-east-1"
    fleet.run("config-region", region, check=True)
    fleet.cloud.settings(late=0.5, flicker=flicker)
    new = new_home_image(fleet)
    time.sleep(flicker)  # what is old is seen
    since = len(fleet.cloud.born())
    fleet.run("config-region", "--replace", region, check=True)
    kinds = [b["kind"] for b in fleet.cloud.born(since) if b["region"] == region]
    assert sorted(kinds) == ["image", "instance", "snapshot", "volume"]
    assert_rolled_out(fleet, region, new)


def test_a_disabled_copy_is_seen(fleet: Fleet, region: str) -> None:
    """EC2 leaves it out of its lists unless asked; its snapshots cost as before."""
    (image,) = tagged(fleet, region)
    fleet.ec2(region).disable_image(ImageId=image["ImageId"])
    assert tagged(fleet, region) == []
    mark = fleet.cloud.mark()
    check = fleet.run("check-region", region)
    done = fleet.run("config-region", region)
    said = f"image {image['ImageId']} is disabled: enable or deregister it"
    assert check.returncode == 3 and said in check.stdout
    assert done.returncode == 1 and said in done.stdout + done.stderr
    assert fleet.actions(mark) == []
    fleet.run("clear-region", "--yes", region, check=True)
    assert "DeregisterImage" in fleet.actions(mark)
    assert fleet.snapshots(region) == []


def test_ended_while_the_new_instance_boots_the_old_one_stays(fleet: Fleet, region: str) -> None:
    new_home_image(fleet)
    fleet.cloud.settings(boot=2)
    before = fleet.instance(region)["InstanceId"]
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "--replace", region)
    fleet.cloud.until(lambda: "RunInstances" in fleet.actions(mark), timeout=120)
    running.send_signal(signal.SIGTERM)
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGTERM
    assert b"canceled after" in stderr and b"the same command goes on" in stderr
    assert "TerminateInstances" not in fleet.actions(mark)
    states = {i["InstanceId"]: i["State"]["Name"] for i in fleet.instances(region)}
    assert len(states) == 2 and set(states.values()) == {"stopped"} and before in states
    fleet.run("config-region", region, check=True)
    assert before not in {i["InstanceId"] for i in fleet.instances(region)}


def test_run_region_works_while_one_instance_takes_over_from_another(
    fleet: Fleet, region: str
) -> None:
    """Killed between the two: the new one is the fleet's, and the old one is no second."""
    new_home_image(fleet)
    mark = fleet.cloud.mark()
    fleet.cloud.fault("TerminateInstances", kind="hold-before", times=1, seconds=30)
    running = fleet.start("config-region", "--replace", region)
    fleet.cloud.until(lambda: any(c["fault"] for c in fleet.cloud.log(mark)), timeout=120)
    running.kill()
    running.communicate()
    assert len(fleet.instances(region)) == 2
    assert fleet.run("run-region", region, check=True).stdout == f"here is {region}\n"
    assert {i["State"]["Name"] for i in fleet.instances(region)} == {"stopped"}
    # Finished without being told to again: it was begun.
    fleet.run("config-region", region, check=True)
    assert len(fleet.instances(region)) == 1


def on_a_terminal(fleet: Fleet, *command: str) -> str:
    """What a person sees of it."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        fleet.command(*command), env={**fleet.env, "TERM": "xterm", "COLUMNS": "100"},
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(master)
    assert running.wait() == 0
    return seen.decode()


def test_progress_is_shown_with_an_estimate(fleet: Fleet) -> None:
    fleet.cloud.settings(copy=12)
    seen = on_a_terminal(fleet, "config-region", "us-east-1")
    assert re.search(r"\d+% copied, about \d+s left: image ami-", seen), seen
    percents = [int(p) for p in re.findall(r"(\d+)% copied", seen)]
    assert percents == sorted(percents) and len(set(percents)) > 2


def test_a_copy_that_fails_says_why(fleet: Fleet) -> None:
    """A KMS key that the region does not have shows only in the image's StateReason."""
    text = fleet.config.read_text()
    Path(fleet.config).write_text(
        text + 'override = { us-east-1 = { kms_key = "11111111-2222-3333-4444-555555555555"; }; };\n'
    )
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1
    assert re.search(r"the copy to image 'ami-\w+' is failed: .*Given key ID is not accessible", done.stderr)
