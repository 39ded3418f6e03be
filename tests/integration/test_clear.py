"""clear-region: what is left, and what is asked."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time

import pytest
from fleet import HOME, NAME, REGIONS, Fleet


def asked(running: subprocess.Popen[bytes]) -> bytes:
    """What it says up to its question."""
    said = b""
    while b"[y/N]" not in said:
        assert running.stderr
        piece = running.stderr.read1(4096)  # type: ignore[attr-defined]
        assert piece, said
        said += piece
    return said


def left(fleet: Fleet, region: str) -> list[object]:
    return [
        *fleet.instances(region),
        *fleet.images(region),
        *fleet.snapshots(region),
        *fleet.key_pairs(region),
        *fleet.groups(region),
    ]


def test_all_but_home_is_cleared(fleet: Fleet) -> None:
    fleet.run("config-region", "--all", check=True)
    home = fleet.instance(HOME)["InstanceId"]
    # What others removed by hand: one instance, one image, one of everything but snapshots.
    ec2 = fleet.ec2("us-east-1")
    ec2.terminate_instances(InstanceIds=[fleet.instance("us-east-1")["InstanceId"]])
    ec2 = fleet.ec2("sa-east-1")
    ec2.deregister_image(ImageId=fleet.images("sa-east-1")[0]["ImageId"])
    ec2 = fleet.ec2("eu-west-3")
    ec2.terminate_instances(InstanceIds=[fleet.instance("eu-west-3")["InstanceId"]])
    ec2.deregister_image(ImageId=fleet.images("eu-west-3")[0]["ImageId"])
    ec2.delete_key_pair(KeyName=NAME)
    assert len(fleet.snapshots("eu-west-3")) == 1

    done = fleet.run("clear-region", "--all", "--yes", check=True)
    assert done.stdout.count("nothing left") == len(REGIONS) - 1
    for region in REGIONS:
        if region != HOME:
            assert left(fleet, region) == [], region
    assert fleet.instance(HOME)["InstanceId"] == home
    assert len(fleet.images(HOME)) == 1

    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", "--all", "--yes", check=True)
    assert fleet.actions(mark) == []
    assert done.stdout.count("nothing to remove") == len(REGIONS) - 1


def test_a_running_instance_is_cleared_too(fleet: Fleet, region: str) -> None:
    fleet.run("start-region", region, check=True)
    fleet.run("clear-region", region, "--yes", check=True)
    assert left(fleet, region) == []


def test_what_is_not_the_fleet_s_is_left_alone(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(region)
    group = ec2.create_security_group(GroupName="NAVO-2", Description="another's")["GroupId"]
    ec2.create_key_pair(KeyName="navo")
    volume = ec2.create_volume(AvailabilityZone=region + "a", Size=1)["VolumeId"]
    fleet.cloud.until(
        lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available"
    )
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="NAVO")["SnapshotId"]
    fleet.run("clear-region", region, "--yes", check=True)
    assert [s["SnapshotId"] for s in fleet.snapshots(region)] == [snapshot]
    assert [k["KeyName"] for k in fleet.key_pairs(region)] == ["navo"]
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert [g["GroupName"] for g in found] == ["NAVO-2"]


def test_home_is_refused(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", HOME, "--yes")
    assert done.returncode == 2 and "home region" in done.stderr
    assert fleet.actions(mark) == []


def test_without_a_terminal_and_without_yes_it_refuses(fleet: Fleet, region: str) -> None:
    mark = fleet.cloud.mark()
    done = fleet.run("clear-region", region)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert "- terminate instance" in done.stdout
    assert fleet.actions(mark) == []


@pytest.mark.parametrize("answer, status", [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_on_a_terminal_it_asks(fleet: Fleet, region: str, answer: bytes, status: int) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        fleet.command("clear-region", region),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=fleet.env,
    )
    asked(running)
    os.write(ours, answer)
    running.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert running.returncode == status
    assert (left(fleet, region) == []) == (status == 0)


def test_interrupted_at_the_question(fleet: Fleet, region: str) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        fleet.command("clear-region", region), stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=fleet.env,
    )
    asked(running)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert running.returncode == 128 + signal.SIGINT
    assert fleet.state(region) == "stopped"


def test_killed_in_the_middle_it_is_finished_by_the_next(fleet: Fleet, region: str) -> None:
    for calls in (1, 3, 2):
        mark = fleet.cloud.mark()
        running = fleet.start("clear-region", region, "--yes")
        fleet.cloud.until(
            lambda mark=mark, calls=calls, running=running: running.poll() is not None
            or len(fleet.actions(mark)) >= calls
        )
        running.kill()
        running.communicate()
    fleet.run("clear-region", region, "--yes", check=True)
    assert left(fleet, region) == []


@pytest.mark.parametrize(
    "action",
    ["DeregisterImage", "DeleteSnapshot", "DeleteVolume", "DeleteSecurityGroup", "DeleteKeyPair"],
)
def test_an_answer_that_is_lost_is_asked_for_again(fleet: Fleet, region: str, action: str) -> None:
    """The second time it is gone already, which is what was wanted."""
    ec2 = fleet.ec2(region)
    if action == "DeleteSnapshot":
        ec2.deregister_image(ImageId=fleet.images(region)[0]["ImageId"])
    if action == "DeleteVolume":
        tags = {"ResourceType": "volume", "Tags": [{"Key": "awsq:fleet", "Value": NAME}]}
        ec2.create_volume(AvailabilityZone=region + "a", Size=1, TagSpecifications=[tags])
        time.sleep(0.5)  # until it is known
    mark = fleet.cloud.mark()
    fleet.cloud.fault(action, region=region, times=1, kind="drop-after")
    fleet.run("clear-region", region, "--yes", check=True)
    assert fleet.actions(mark).count(action) == 2
    assert left(fleet, region) == []
    assert ec2.describe_volumes()["Volumes"] == []


def test_set_up_again_after_clearing(fleet: Fleet, region: str) -> None:
    """Within the hour in which AWS remembers tokens and lists what was terminated."""
    fleet.run("clear-region", region, "--yes", check=True)
    fleet.run("config-region", region, check=True)
    assert fleet.state(region) == "stopped"
    fleet.ec2(region).terminate_instances(InstanceIds=[fleet.instance(region)["InstanceId"]])
    fleet.cloud.until(lambda: fleet.instances(region) == [])
    fleet.run("config-region", region, check=True)
    assert fleet.state(region) == "stopped"
