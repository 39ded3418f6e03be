"""What a killed controller leaves on: whichever tool runs next stops it, and nothing else."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fleet import NAME, Fleet
from gate import Gate
from lane import build_wallclock, clock_env

HOLD = {"kind": "hold", "seconds": 600}


def runs(fleet: Fleet, **where: Any) -> list[dict[str, Any]]:
    """The ledger's rows, the latest first."""
    path = fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite"
    if not path.exists():
        return []
    with sqlite3.connect(path) as book:
        book.row_factory = sqlite3.Row
        rows = [dict(r) for r in book.execute("SELECT * FROM runs ORDER BY asked_ms DESC, id DESC")]
    return [r for r in rows if all(r[k] == v for k, v in where.items())]


def came_to(fleet: Fleet, what: str) -> bool:
    """Whether all runs of the ledger, and any, have been there."""
    rows = runs(fleet)
    return bool(rows) and all(r[what] > 0 for r in rows)


@contextlib.contextmanager
def held(fleet: Fleet) -> Iterator[None]:
    """The ledger, while another program holds it."""
    book = sqlite3.connect(
        fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite", isolation_level=None
    )
    book.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        book.execute("ROLLBACK")
        book.close()


def set_job(fleet: Fleet, setting: str) -> None:
    fleet.config.write_text(fleet.config.read_text().replace("job = {", f"job = {{ {setting};"))


def restart(fleet: Fleet, region: str) -> None:
    """As a person does it."""
    instance, ec2 = fleet.instance(region)["InstanceId"], fleet.ec2(region)
    ec2.stop_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: fleet.state(region) == "stopped")
    time.sleep(1.1)  # LaunchTime has whole seconds
    ec2.start_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: fleet.state(region) == "running")


def leave_on(fleet: Fleet, region: str) -> None:
    """A run whose controller was killed before its job: nobody stops the instance."""
    fleet.cloud.settings(ssh_delay=600)
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: came_to(fleet, "running_ms"))
    kill(running)


def kill(running: Any) -> None:
    running.kill()
    running.communicate()


def until_phase(fleet: Fleet, phase: str, mark: int, region: str) -> None:
    """Until the run has come so far, by what the cloud and the ledger have seen."""
    if phase == "asked":  # the call is made, and its answer is held back
        fleet.cloud.until(lambda: "StartInstances" in fleet.actions(mark))
    elif phase == "leased":
        fleet.cloud.until(lambda: "CreateTags" in fleet.actions(mark))
        time.sleep(0.1)
    elif phase == "running":
        fleet.cloud.until(lambda: came_to(fleet, "running_ms"))
    elif phase == "stopping":
        fleet.cloud.until(lambda: "StopInstances" in fleet.actions(mark))


@pytest.mark.parametrize("tool", ["check-region", "config-region", "run-region"])
@pytest.mark.parametrize("phase", ["asked", "leased", "running"])
def test_killed_before_its_job_any_tool_stops_it(
    fleet: Fleet, region: str, phase: str, tool: str
) -> None:
    fleet.configure(connect="60s")
    if phase == "asked":
        fleet.cloud.fault("StartInstances", region=region, times=1, **HOLD)
    else:
        fleet.cloud.settings(ssh_delay=600, boot=1.0)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    until_phase(fleet, phase, mark, region)
    kill(running)
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    fleet.cloud.settings(ssh_delay=0.3)
    # In another region: the one that it was killed in is not even named.
    other = fleet.run(tool, "us-west-2", *(["--", "true"] if tool == "run-region" else []))
    assert "left behind by a controller that died" in other.stderr, other.stderr
    assert fleet.state(region) == "stopped"
    (row,) = runs(fleet, region=region)
    assert row["state"] == "reaped" and row["closed"] == 1 and "killed" in row["message"]
    # And that was all of it.
    again = fleet.run("check-region", "us-west-2")
    assert "left behind" not in again.stderr, other.stderr + again.stderr


def test_killed_before_it_asked_for_a_start(fleet: Fleet, region: str) -> None:
    """A person's own start of the instance, later, has nothing to do with it."""
    fleet.cloud.fault("DescribeInstances", region=region, times=1, after=1, kind="slow", seconds=3)
    fleet.config.write_text(
        fleet.config.read_text().replace("job = {", 'job = { before = "sleep 8";')
    )
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: runs(fleet, region=region))
    time.sleep(0.3)
    kill(running)
    instance = fleet.instance(region)["InstanceId"]
    fleet.ec2(region).start_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    fleet.run("check-region", "us-west-2")
    assert fleet.state(region) == "running"
    assert runs(fleet, region=region)[0]["closed"] == 1


def test_with_its_job_at_work_it_is_left_and_told_of(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    mark = fleet.cloud.mark()
    done = fleet.run("check-region", "us-west-2")
    (row,) = runs(fleet, region=region)
    assert f"run-job --attach={row['id']}" in done.stderr
    assert fleet.actions(mark) == [] and fleet.state(region) == "running"
    # Past its time, nobody is at work on it any more.
    path = fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite"
    with sqlite3.connect(path) as book:
        book.execute("UPDATE runs SET overdue_ms = 1000")
    fleet.run("check-region", "us-west-2")
    assert fleet.state(region) == "stopped"
    assert runs(fleet, region=region)[0]["state"] == "reaped"


def test_what_a_person_started_after_it_is_never_reaped(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    restart(fleet, region)
    path = fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite"
    with sqlite3.connect(path) as book:
        book.execute("UPDATE runs SET overdue_ms = 1000")
    mark = fleet.cloud.mark()
    fleet.run("check-region", "us-west-2")
    assert fleet.actions(mark) == [] and fleet.state(region) == "running"
    assert runs(fleet, region=region)[0]["closed"] == 1
    # Nor is it taken over by the next run.
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 75 and fleet.state(region) == "running"


def test_a_live_run_is_not_touched(fleet: Fleet, region: str) -> None:
    gate = Gate(fleet.cloud.dir / "gate")
    running = fleet.start("run-region", region, "--", f"echo go; {gate}; exit 4")
    assert running.stdout and running.stdout.readline() == b"go\n"
    path = fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite"
    with sqlite3.connect(path) as book:
        book.execute("UPDATE runs SET overdue_ms = 1000")
    done = fleet.run("check-region", "us-west-2")
    assert "left behind" not in done.stderr
    gate.open()
    running.communicate(timeout=60)
    assert running.returncode == 4
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["status"], row["closed"]) == ("done", 4, 1)


def test_stop_region_closes_what_was_left(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    fleet.run("stop-region", region, check=True)
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["closed"]) == ("reaped", 1)
    assert row["stopped_ms"] >= row["stop_ms"] > 0 and row["billed_s"] >= 60


def test_a_stop_that_was_refused_is_tried_by_the_next_tool(fleet: Fleet, region: str) -> None:
    fleet.cloud.fault("StopInstances", region=region, times=99, kind="error",
                      code="UnauthorizedOperation", status=403)
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 1 and "MAY STILL BE ON" in done.stderr
    assert runs(fleet, region=region)[0]["closed"] == 0
    fleet.cloud.clear_faults()
    fleet.run("check-region", "us-west-2")
    assert fleet.state(region) == "stopped"
    assert runs(fleet, region=region)[0]["closed"] == 1


def test_no_ledger_no_run(fleet: Fleet, region: str) -> None:
    """What cannot be written down is not begun; what is on can still be stopped."""
    folder = fleet.cloud.dir / f"state/awsq/{NAME}"
    for path in folder.glob("ledger.sqlite*"):
        path.unlink()
    (folder / "ledger.sqlite").mkdir()
    mark = fleet.cloud.mark()
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 125 and "ledger" in done.stderr, done.stderr
    assert "there is no ledger" not in done.stderr
    assert fleet.actions(mark) == []
    fleet.run("start-region", region, check=True)
    fleet.run("stop-region", region, check=True)
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_reaper_can_be_interrupted(fleet: Fleet, region: str, number: signal.Signals) -> None:
    fleet.cloud.settings(ssh_delay=600)
    fleet.configure(connect="60s")
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: came_to(fleet, "running_ms"))
    kill(running)
    fleet.cloud.settings(stop=5)
    mark = fleet.cloud.mark()
    reaper = fleet.start("check-region", "us-west-2")
    fleet.cloud.until(lambda: "StopInstances" in fleet.actions(mark))
    reaper.send_signal(number)
    reaper.communicate(timeout=60)
    assert reaper.returncode == 128 + number
    # Asked for, though not seen: the next one sees to it.
    fleet.run("check-region", "us-west-2")
    fleet.cloud.until(lambda: fleet.state(region) == "stopped")
    assert runs(fleet, region=region)[0]["closed"] == 1


def test_a_start_that_cannot_be_written_down(fleet: Fleet, region: str) -> None:
    """Whoever comes next would not know of it: so there is none."""
    gate = Gate(fleet.cloud.dir / "gate")
    set_job(fleet, f'before = "{gate}"')
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: runs(fleet, region=region))
    with held(fleet):
        gate.open()
        _, stderr = running.communicate(timeout=60)
    assert running.returncode == 125 and b"cannot be written down" in stderr, stderr
    assert fleet.actions(mark) == []


@pytest.mark.parametrize("ended_by", ["its hook", "the ledger"])
def test_who_finds_it_and_ends_before_taking_it_over(
    fleet: Fleet, region: str, ended_by: str
) -> None:
    leave_on(fleet, region)
    if ended_by == "its hook":
        set_job(fleet, 'before = "false"')
        done = fleet.run("run-region", region, "--", "true")
    else:
        with held(fleet):
            done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 125, done.stderr
    assert "left behind by a controller that died: stopping" in done.stderr
    assert fleet.state(region) == "stopped"


def test_without_a_key_it_is_stopped_all_the_same(fleet: Fleet, region: str) -> None:
    """Also by a tool that would have taken it over, had it come to that."""
    leave_on(fleet, region)
    fleet.key.write_bytes(b"junk")
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 2, done.stderr
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize("seconds", [290, -290])
def test_killed_with_a_clock_that_was_wrong(fleet: Fleet, region: str, seconds: int) -> None:
    clock = fleet.cloud.dir / "clock"
    clock.write_bytes(struct.pack("q", seconds))
    library = build_wallclock(fleet.cloud.dir)
    fleet.env = {**fleet.env, **clock_env(library, clock)}
    fleet.cloud.fault("StartInstances", region=region, times=1, **HOLD)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    until_phase(fleet, "asked", mark, region)
    kill(running)
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    fleet.run("check-region", "us-west-2")
    assert fleet.state(region) == "stopped"


def test_a_start_that_cannot_be_told_from_another_s(fleet: Fleet, region: str) -> None:
    """It is not stopped; and told of each time, until it is off."""
    fleet.cloud.fault("StartInstances", region=region, times=1, **HOLD)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    until_phase(fleet, "asked", mark, region)
    kill(running)
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    with sqlite3.connect(fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite") as book:
        book.execute("UPDATE runs SET started_ms = started_ms - 3600000")
    for _ in range(2):
        done = fleet.run("check-region", "us-west-2")
        assert "may be on for it, or for someone else" in done.stderr
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "or for someone else" in done.stderr
    assert fleet.state(region) == "running" and runs(fleet)[0]["closed"] == 0
    fleet.run("stop-region", region, check=True)
    assert runs(fleet)[0]["closed"] == 1


def test_not_known_to_aws_for_a_moment(fleet: Fleet, region: str) -> None:
    leave_on(fleet, region)
    fleet.cloud.fault("DescribeInstances", region=region, times=1, kind="error",
                      code="InvalidInstanceID.NotFound", status=400)
    done = fleet.run("check-region", "us-west-2")
    assert "AWS does not know" in done.stderr and runs(fleet)[0]["closed"] == 0
    fleet.run("check-region", "us-west-2")
    assert fleet.state(region) == "stopped" and runs(fleet)[0]["closed"] == 1


def test_killed_while_the_call_is_on_its_way(fleet: Fleet, region: str) -> None:
    """Still off when it is looked at, it may come on yet: that is seen by the next look."""
    fleet.cloud.fault("StartInstances", region=region, times=1, kind="hold-before", seconds=600)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: any(c["fault"] for c in fleet.cloud.log(mark)))
    kill(running)
    done = fleet.run("check-region", "us-west-2")
    assert "looks again" in done.stderr and runs(fleet)[0]["closed"] == 0
    # The cloud drops it, where EC2 would have started it: here a later run closes it.
    fleet.run("run-region", region, "--", "true", check=True)
    new, old = runs(fleet, region=region)
    assert (new["state"], new["closed"]) == ("done", 1)
    assert (old["state"], old["closed"]) == ("reaped", 1)


def test_a_job_that_had_ended_has_ended(fleet: Fleet, region: str) -> None:
    """Its controller is killed while it stops the instance: there is no need to run it again."""
    fleet.cloud.settings(stop=4)
    running = fleet.start("run-region", region, "--", "exit 4")
    fleet.cloud.until(lambda: came_to(fleet, "stop_ms"))
    kill(running)
    fleet.run("check-region", "us-west-2")
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["status"], row["closed"]) == ("done", 4, 1)


def test_one_that_is_not_known_any_more_is_not_taken_for_off(fleet: Fleet, region: str) -> None:
    """As with keys that are another account's by now: AWS knows no such instance there."""
    gate = Gate(fleet.cloud.dir / "gate")
    running = fleet.start("run-region", region, "--", f"echo go; {gate}")
    assert running.stdout and running.stdout.readline() == b"go\n"
    for action in ("StopInstances", "DescribeInstances"):
        fleet.cloud.fault(action, region=region, times=-1, kind="error", status=400,
                          code="InvalidInstanceID.NotFound")  # fmt: skip
    gate.open()
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 1 and b"MAY STILL BE ON" in stderr, stderr
    fleet.cloud.clear_faults()
    assert fleet.state(region) == "running"
    fleet.run("list-runs", check=True)
    assert fleet.state(region) == "stopped"
