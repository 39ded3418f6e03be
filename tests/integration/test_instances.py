"""Several instances in a region: all are started, run and stopped at once, and one fails alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fleet import Fleet
from gate import Gate
from test_reap import came_to, runs

REGION = "us-east-1"


@pytest.fixture
def three(fleet: Fleet) -> Iterator[list[str]]:
    """A fleet with three instances in a region; their ids."""
    fleet.set_up(REGION)
    first = fleet.instance(REGION)
    tags = [{"Key": "Name", "Value": "NAVO"}, {"Key": "awsq:fleet", "Value": "NAVO"}]
    ec2 = fleet.ec2(REGION)
    made = ec2.run_instances(
        ImageId=first["ImageId"], InstanceType="t3.micro", MinCount=2, MaxCount=2,
        KeyName=first["KeyName"],
        SecurityGroupIds=[g["GroupId"] for g in first["SecurityGroups"]],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"]
    ids = [i["InstanceId"] for i in made]
    fleet.cloud.until(lambda: states(fleet).count("running") == 2)
    ec2.stop_instances(InstanceIds=ids)
    fleet.cloud.until(lambda: states(fleet) == ["stopped"] * 3)
    yield sorted([first["InstanceId"], *ids])


def states(fleet: Fleet) -> list[str]:
    return [i["State"]["Name"] for i in fleet.instances(REGION)]


def test_all_of_them_run_the_job(fleet: Fleet, three: list[str]) -> None:
    # Each goes on when all of them are there: at once, or never.
    there = fleet.cloud.dir / "there"
    there.mkdir()
    wait = f"until [ $(ls {there} | wc -l) -eq 3 ]; do sleep 0.1; done"
    job = f"touch {there}/$AWSQ_INSTANCE_ID; {wait}; echo I am $AWSQ_INSTANCE_ID; echo oh >&2"
    done = fleet.run("run-region", REGION, "--", job, check=True)
    assert sorted(done.stdout.splitlines()) == [f"{REGION}/{i}: I am {i}" for i in three]
    for i in three:
        assert f"{REGION}/{i}: oh" in done.stderr.splitlines()
        told = rf"^{REGION}/{i}: the job ran [\d.]+ s, and ended with 0$"
        assert re.search(told, done.stderr, re.M)
    assert states(fleet) == ["stopped"] * 3
    rows = runs(fleet, region=REGION)
    assert sorted(r["instance"] for r in rows) == three
    assert {(r["state"], r["status"], r["closed"]) for r in rows} == {("done", 0, 1)}
    assert len({r["id"] for r in rows}) == 3


def test_one_that_fails_fails_alone(fleet: Fleet, three: list[str]) -> None:
    job = f"test $AWSQ_INSTANCE_ID != {three[1]} || exit 9; echo fine"
    done = fleet.run("run-region", REGION, "--", job)
    assert done.returncode == 1 and "1 of 3 instances failed" in done.stderr
    assert sorted(done.stdout.splitlines()) == [f"{REGION}/{i}: fine" for i in (three[0], three[2])]
    assert states(fleet) == ["stopped"] * 3
    assert sorted(r["status"] for r in runs(fleet, region=REGION)) == [0, 0, 9]


def test_one_that_is_someone_else_s_is_left_alone(fleet: Fleet, three: list[str]) -> None:
    fleet.ec2(REGION).start_instances(InstanceIds=[three[2]])
    fleet.cloud.until(lambda: "running" in states(fleet))
    done = fleet.run("run-region", REGION, "--", "echo fine")
    assert done.returncode == 1 and f"{REGION}/{three[2]}: busy" in done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert sorted(states(fleet)) == ["running", "stopped", "stopped"]
    fleet.run("stop-region", REGION, check=True)
    assert states(fleet) == ["stopped"] * 3


def test_one_that_is_left_on_is_named(fleet: Fleet, three: list[str]) -> None:
    """Though others have failed before it."""
    fleet.cloud.fault("StopInstances", region=REGION, kind="error", after=2, times=99,
                      code="UnauthorizedOperation", status=403)
    gate, mark = Gate(fleet.cloud.dir / "gate"), fleet.cloud.mark()
    job = f"test $AWSQ_INSTANCE_ID != {three[1]} || {{ {gate}; }}; exit 3"
    running = fleet.start("run-region", REGION, "--", job)
    fleet.cloud.until(lambda: fleet.actions(mark).count("StopInstances") == 2)
    gate.open()
    _, stderr = running.communicate(timeout=300)
    assert running.returncode == 1
    assert f"3 of 3 instances failed, and {three[1]} MAY STILL BE ON" in stderr.decode()
    assert sorted(states(fleet)) == ["running", "stopped", "stopped"]


def test_start_job_stop(fleet: Fleet, three: list[str]) -> None:
    assert "3 instances run" in fleet.run("start-region", REGION, check=True).stdout
    assert states(fleet) == ["running"] * 3
    done = fleet.run("run-job", REGION, "--", "echo $AWSQ_INSTANCE_ID", check=True)
    assert sorted(done.stdout.splitlines()) == [f"{REGION}/{i}: {i}" for i in three]
    assert states(fleet) == ["running"] * 3
    assert "3 were on" in fleet.run("stop-region", REGION, check=True).stdout
    assert states(fleet) == ["stopped"] * 3


def test_a_signal_stops_all(fleet: Fleet, three: list[str]) -> None:
    running = fleet.start("run-region", REGION, "--", "echo go; sleep 77")
    assert running.stdout
    told = {running.stdout.readline() for _ in three}
    assert told == {f"{REGION}/{i}: go\n".encode() for i in three}
    running.terminate()
    running.communicate(timeout=60)
    assert running.returncode == 128 + 15
    assert states(fleet) == ["stopped"] * 3


def test_killed_all_are_reaped(fleet: Fleet, three: list[str]) -> None:
    fleet.cloud.settings(ssh_delay=600)
    fleet.configure(connect="60s")
    running = fleet.start("run-region", REGION, "--", "true")
    fleet.cloud.until(lambda: len(runs(fleet)) == 3 and came_to(fleet, "running_ms"))
    running.kill()
    running.communicate()
    done = fleet.run("check-region", "us-west-2")
    assert done.stderr.count("left behind by a controller that died") == 3
    assert states(fleet) == ["stopped"] * 3
    assert {r["state"] for r in runs(fleet)} == {"reaped"}
