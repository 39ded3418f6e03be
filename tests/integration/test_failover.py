"""No room for an instance type: the next of the region's list; the first again at the next run."""

from __future__ import annotations

import pytest
from fleet import Fleet
from test_reap import runs


def no_room(fleet: Fleet, region: str, times: int, **fault: object) -> None:
    values = fault or {"preset": "capacity"}
    fleet.cloud.fault("StartInstances", region=region, times=times, **values)


def kind(fleet: Fleet, region: str) -> str:
    return str(fleet.instance(region)["InstanceType"])


@pytest.mark.parametrize(
    ("times", "used"), [(0, "t3.micro"), (1, "t3a.micro"), (2, "t2.micro")]
)
def test_the_next_type_and_then_the_first_again(
    fleet: Fleet, region: str, times: int, used: str
) -> None:
    if times:
        no_room(fleet, region, times)
    mark = fleet.cloud.mark()
    done = fleet.run("run-region", region, "--", "echo done")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert kind(fleet, region) == used and runs(fleet)[0]["type"] == used
    # An answer that there is no room is final: each type is tried once.
    assert fleet.actions(mark).count("StartInstances") == times + 1
    # It is no difference: any type of the list will do.
    fleet.run("check-region", region, check=True)
    fleet.run("run-region", region, "--", "true", check=True)
    assert kind(fleet, region) == "t3.micro"


def test_no_room_for_any(fleet: Fleet, region: str) -> None:
    no_room(fleet, region, 3)
    mark = fleet.cloud.mark()
    done = fleet.run("run-region", region, "--", "echo not to be run")
    assert (done.returncode, done.stdout) == (125, "")
    assert "InsufficientInstanceCapacity" in done.stderr
    assert "tried t3.micro, t3a.micro, t2.micro" in done.stderr
    assert fleet.actions(mark).count("StartInstances") == 3
    assert "StopInstances" not in fleet.actions(mark)
    row = runs(fleet, region=region)[0]
    assert (row["state"], row["status"], row["closed"]) == ("no-capacity", 125, 1)
    assert kind(fleet, region) == "t3.micro" and fleet.state(region) == "stopped"


@pytest.mark.parametrize("code", ["Unsupported", "InsufficientHostCapacity", "VcpuLimitExceeded"])
def test_what_else_asks_for_another_type(fleet: Fleet, region: str, code: str) -> None:
    no_room(fleet, region, 1, kind="error", code=code, status=400)
    fleet.run("run-region", region, "--", "true", check=True)
    assert kind(fleet, region) == "t3a.micro"


def test_what_the_region_does_not_offer_is_not_tried(fleet: Fleet) -> None:
    fleet.cloud.unoffer("us-east-1", "t3.micro")
    fleet.set_up("us-east-1")
    assert kind(fleet, "us-east-1") == "t3a.micro"
    mark = fleet.cloud.mark()
    fleet.run("run-region", "us-east-1", "--", "true", check=True)
    assert "ModifyInstanceAttribute" not in fleet.actions(mark)
    # And it is, as soon as it does.
    fleet.cloud.offer("us-east-1", "t3.micro")
    fleet.run("run-region", "us-east-1", "--", "true", check=True)
    assert kind(fleet, "us-east-1") == "t3.micro"


def test_a_type_that_may_not_be_set(fleet: Fleet, region: str) -> None:
    no_room(fleet, region, 1)
    fleet.cloud.fault("ModifyInstanceAttribute", region=region, times=99, preset="denied")
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 125
    assert "InsufficientInstanceCapacity" in done.stderr
    assert "t3a.micro (UnauthorizedOperation)" in done.stderr


def test_start_region_does_so_too(fleet: Fleet, region: str) -> None:
    no_room(fleet, region, 1)
    done = fleet.run("start-region", region, check=True)
    assert "(t3a.micro) runs at" in done.stdout
    fleet.run("stop-region", region, check=True)


def test_killed_between_two_types(fleet: Fleet, region: str) -> None:
    no_room(fleet, region, 1)
    fleet.cloud.fault("ModifyInstanceAttribute", region=region, times=1, kind="hold", seconds=600)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: "ModifyInstanceAttribute" in fleet.actions(mark))
    running.kill()
    running.communicate()
    fleet.run("run-region", region, "--", "true", check=True)
    assert kind(fleet, region) == "t3.micro" and fleet.state(region) == "stopped"


def test_started_by_a_person_between_two_types(fleet: Fleet, region: str) -> None:
    """The run has started nothing, and so it stops nothing."""
    no_room(fleet, region, 1)
    fleet.cloud.fault(
        "ModifyInstanceAttribute", region=region, times=1, kind="hold-before", seconds=600
    )
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: any(c["fault"] for c in fleet.cloud.log(mark)))
    fleet.ec2(region).start_instances(InstanceIds=[fleet.instance(region)["InstanceId"]])
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    fleet.cloud.clear_faults()
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 125, stderr
    assert fleet.state(region) == "running" and "StopInstances" not in fleet.actions(mark)
    row = runs(fleet, region=region)[0]
    assert (row["owns"], row["closed"]) == (0, 1)
