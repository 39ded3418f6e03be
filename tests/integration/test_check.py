"""check-region: what it says, against what boto3 sees."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest
from fleet import HOME, NAME, REGIONS, ROLE, Fleet
from gate import Gate


def test_json_says_what_is_there(fleet: Fleet, region: str) -> None:
    done = fleet.run("check-region", region, "--output=json", check=True)
    report = json.loads(done.stdout)
    assert report["schema"] == 1 and report["fleet"] == NAME
    assert report["account"] == "123456789012"
    (found,) = report["regions"]
    assert found["region"] == region and found["error"] is None
    assert [i["id"] for i in found["images"]] == [i["ImageId"] for i in fleet.images(region)]
    assert found["images"][0]["source_image"] == fleet.seeded["image"]
    snapshots = fleet.snapshots(region)
    assert [s["id"] for s in found["snapshots"]] == [s["SnapshotId"] for s in snapshots]
    assert [s["size_gib"] for s in found["snapshots"]] == [s["VolumeSize"] for s in snapshots]
    assert [k["name"] for k in found["key_pairs"]] == [NAME]
    (group,) = found["security_groups"]
    assert group["id"] == fleet.groups(region)[0]["GroupId"]
    assert len(group["rules"]) == len(fleet.rules(region))
    assert found["role"] == ROLE
    (instance,) = found["instances"]
    assert instance["id"] == fleet.instance(region)["InstanceId"]
    assert instance["state"] == "stopped" and instance["public_ip"] is None
    assert instance["uptime_seconds"] is None and instance["metadata_tokens"] == "required"
    assert found["differences"] == []


def test_nothing_has_to_be_written(fleet: Fleet, region: str) -> None:
    """The state is not its own: a folder that cannot be made is no reason not to look."""
    done = fleet.run("check-region", "--state-dir=/proc/none", region)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_running_instance_has_address_and_uptime(fleet: Fleet, region: str) -> None:
    fleet.run("start-region", region, check=True)
    done = fleet.run("check-region", region, "--output=json")
    (instance,) = json.loads(done.stdout)["regions"][0]["instances"]
    assert instance["public_ip"] == fleet.instance(region)["PublicIpAddress"]
    assert 0 <= instance["uptime_seconds"] < 600
    done = fleet.run("check-region", region)
    assert re.search(rf"{re.escape(instance['public_ip'])}, up \dm", done.stdout)
    # Nothing here uses it: a machine that was left on is a difference.
    assert done.returncode == 3 and "stop-region stops it" in done.stdout


def test_an_instance_at_work_is_no_difference(fleet: Fleet, region: str) -> None:
    gate = Gate(fleet.cloud.dir / "gate")
    running = fleet.start("run-region", region, "--", f"echo go; {gate}")
    assert running.stdout and running.stdout.readline() == b"go\n"
    assert fleet.run("check-region", region).returncode == 0
    gate.open()
    running.communicate(timeout=60)
    assert running.returncode == 0


def test_an_empty_region_differs(fleet: Fleet) -> None:
    done = fleet.run("check-region", "eu-west-3")
    assert done.returncode == 3
    lines = [line for line in done.stdout.splitlines() if " difference " in line]
    assert len(lines) == 4  # image, key pair, group, instance


def test_all_regions(fleet: Fleet) -> None:
    fleet.run("config-region", "--all", check=True)
    done = fleet.run("check-region", "--all")
    assert done.returncode == 0
    for region in REGIONS:
        assert fleet.instance(region)["InstanceId"] in done.stdout


@pytest.mark.parametrize(
    "action",
    ["DescribeInstances", "DescribeImages", "DescribeSnapshots", "DescribeKeyPairs",
     "DescribeSecurityGroups", "DescribeVpcs"],
)
def test_what_may_not_be_read_is_an_error(fleet: Fleet, action: str) -> None:
    fleet.cloud.fault(
        action, region="us-east-1", times=9, kind="error", code="UnauthorizedOperation",
        status=403, message="You are not authorized to perform this operation.",
    )
    done = fleet.run("check-region", "us-east-1", "--output=json")
    assert done.returncode == 1
    assert "UnauthorizedOperation" in done.stderr
    (found,) = json.loads(done.stdout)["regions"]
    assert "UnauthorizedOperation" in found["error"] and "instances" not in found


def test_an_unreachable_region_costs_the_others_nothing(fleet: Fleet) -> None:
    fleet.run("config-region", "us-east-1", check=True)
    fleet.cloud.fault("*", region="eu-west-3", times=99, kind="reset")
    done = fleet.run("check-region", "us-east-1", "eu-west-3", "--output=json")
    assert done.returncode == 1
    good, bad = json.loads(done.stdout)["regions"]
    assert good["differences"] == [] and good["instances"]
    assert "no answer from" in bad["error"]


def test_an_unreachable_home_is_an_error(fleet: Fleet) -> None:
    fleet.cloud.fault("DescribeImages", region=HOME, times=-1, kind="reset")
    done = fleet.run("check-region", "us-east-1")
    assert done.returncode == 1 and done.stdout == ""
    assert "cannot read the images" in done.stderr


def test_an_image_of_an_older_home_image_differs(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(HOME)
    ec2.deregister_image(ImageId=fleet.seeded["image"])
    new = ec2.create_image(InstanceId=fleet.seeded["instance"], Name=NAME)["ImageId"]
    fleet.cloud.until(lambda: [i["State"] for i in fleet.images(HOME)] == ["available"])
    done = fleet.run("check-region", region)
    assert done.returncode == 3
    assert f"image: wanted a copy of {new}, found " in done.stdout
    assert f"a copy of {fleet.seeded['image']}" in done.stdout


def test_more_pages_than_one(fleet: Fleet, region: str) -> None:
    """Lists are read to their end: 30 snapshots with the fleet's tag."""
    ec2 = fleet.ec2(region)
    volume = ec2.create_volume(AvailabilityZone=region + "a", Size=1)["VolumeId"]
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "awsq:fleet", "Value": NAME}]}]
    made = {
        ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags)["SnapshotId"]
        for _ in range(30)
    }
    fleet.cloud.until(lambda: len(fleet.snapshots(region)) >= 31)
    done = fleet.run("check-region", region, "--output=json")
    found = json.loads(done.stdout)["regions"][0]["snapshots"]
    assert made < {s["id"] for s in found} and len(found) == 31


@pytest.mark.parametrize("action", ["DescribeInstanceAttribute", "DescribeVolumes"])
@pytest.mark.parametrize("where", [HOME, "us-east-1"])
def test_an_instance_that_only_some_calls_know_is_read_again(
    fleet: Fleet, region: str, where: str, action: str
) -> None:
    fault = {"kind": "error", "code": "InvalidInstanceID.NotFound", "status": 400}
    fleet.cloud.fault(action, region=where, times=1, **fault)
    done = fleet.run("check-region", region)
    assert done.returncode == 0, done.stderr

    # For good, it is an error; and nothing is taken for absent.
    fleet.cloud.fault(action, region=where, times=-1, **fault)
    done = fleet.run("check-region", region, "--output=json")
    assert done.returncode == 1 and "InvalidInstanceID.NotFound" in done.stderr
    assert '"differences"' not in done.stdout


def test_interrupted_while_it_reads_again(fleet: Fleet, region: str) -> None:
    fleet.cloud.fault(
        "DescribeInstanceAttribute", region=region, times=-1, kind="error",
        code="InvalidInstanceID.NotFound", status=400,
    )  # fmt: skip
    mark = fleet.cloud.mark()
    running = fleet.start("check-region", region)

    def reads() -> int:
        calls = [c for c in fleet.cloud.log(mark) if c["region"] == region]
        return [c["action"] for c in calls].count("DescribeInstanceAttribute")

    fleet.cloud.until(lambda: reads() >= 4)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
