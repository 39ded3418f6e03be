"""job.overlap: what a run does where another one has the region, here or on another machine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fleet import Fleet
from test_reap import runs

JOB = ["--", "echo go; sleep 2; echo done"]


def set_overlap(fleet: Fleet, policy: str, max_wait: str = "30s") -> None:
    setting = f'job = {{ overlap = "{policy}"; max_wait = "{max_wait}";'
    fleet.config.write_text(fleet.config.read_text().replace("job = {", setting))


def begin(fleet: Fleet, region: str, *options: str, job: list[str] = JOB) -> Any:
    running = fleet.start("run-region", *options, region, *job)
    assert running.stdout and running.stdout.readline() == b"go\n"
    return running


def ends_well(running: Any, output: bytes = b"done\n") -> None:
    stdout, stderr = running.communicate(timeout=60)
    assert (running.returncode, stdout) == (0, output), stderr


def elsewhere(fleet: Fleet) -> str:
    """The state folder of another controller."""
    return f"--state-dir={fleet.cloud.dir}/other"


@pytest.mark.parametrize("machine", ["this", "another"])
@pytest.mark.parametrize(("policy", "status"), [("forbid", 75), ("skip", 0)])
def test_forbid_and_skip(
    fleet: Fleet, region: str, policy: str, status: int, machine: str
) -> None:
    set_overlap(fleet, policy)
    first = begin(fleet, region, *([elsewhere(fleet)] if machine == "another" else []))
    mark = fleet.cloud.mark()
    second = fleet.run("run-region", region, "--", "echo not to be run")
    assert (second.returncode, second.stdout) == (status, ""), second.stderr
    assert ("busy" if status else "skipped") in second.stderr
    assert fleet.actions(mark) == []
    row = runs(fleet, region=region)[0]
    assert (row["state"], row["closed"]) == ("busy" if status else "skipped", 1)
    ends_well(first)


@pytest.mark.parametrize("machine", ["this", "another"])
def test_queue(fleet: Fleet, region: str, machine: str) -> None:
    set_overlap(fleet, "queue")
    first = begin(fleet, region, *([elsewhere(fleet)] if machine == "another" else []))
    second = fleet.start("run-region", region, "--", "echo second")
    ends_well(first)
    ends_well(second, b"second\n")
    boots = fleet.cloud.power()[fleet.instance(region)["InstanceId"]]
    assert len(boots) == 3  # the one that config-region made, too
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize("machine", ["this", "another"])
def test_a_queue_has_an_end(fleet: Fleet, region: str, machine: str) -> None:
    set_overlap(fleet, "queue", "1s")
    job = ["--", "echo go; sleep 5; echo done"]
    first = begin(fleet, region, *([elsewhere(fleet)] if machine == "another" else []), job=job)
    begun = time.monotonic()
    second = fleet.run("run-region", region, "--", "echo not to be run")
    assert (second.returncode, second.stdout) == (75, ""), second.stderr
    assert time.monotonic() - begun < 4
    ends_well(first)


def test_a_queue_can_be_left(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "queue")
    first = begin(fleet, region)
    second = fleet.start("run-region", region, "--", "echo not to be run")
    time.sleep(0.5)
    second.terminate()
    stdout, _ = second.communicate(timeout=10)
    assert (second.returncode, stdout) == (128 + 15, b"")
    ends_well(first)


def test_replace(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "replace")
    first = begin(fleet, region, job=["--", "echo go; sleep 77"])
    second = fleet.start("run-region", region, "--", "echo second")
    first.communicate(timeout=30)
    assert first.returncode == 128 + 15
    ends_well(second, b"second\n")
    assert fleet.state(region) == "stopped"
    assert [r["state"] for r in runs(fleet, region=region)] == ["done", "canceled"]


def test_only_runs_of_this_machine_are_replaced(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "replace")
    first = begin(fleet, region, elsewhere(fleet))
    second = fleet.run("run-region", region, "--", "echo not to be run")
    assert second.returncode == 75 and "ends runs of this machine only" in second.stderr
    ends_well(first)


def test_what_is_no_run_is_not_replaced(fleet: Fleet) -> None:
    set_overlap(fleet, "replace")
    fleet.set_up("us-east-1")
    fleet.cloud.fault("DescribeInstances", region="us-east-1", times=1, kind="slow", seconds=4)
    config = fleet.start("config-region", "us-east-1")
    time.sleep(1)
    done = fleet.run("run-region", "us-east-1", "--", "true")
    assert done.returncode == 75 and "cannot be replaced" in done.stderr
    config.communicate(timeout=30)
    assert config.returncode == 0


def test_what_runs_other_regions_too_is_not_replaced(fleet: Fleet, region: str) -> None:
    """One signal would end all of them."""
    set_overlap(fleet, "replace")
    fleet.set_up("sa-east-1")
    both = fleet.start("run-region", region, "sa-east-1", *JOB)
    assert both.stdout and "go" in both.stdout.readline().decode()
    done = fleet.run("run-region", region, "--", "echo not to be run")
    assert (done.returncode, done.stdout) == (75, "")
    assert "at work on others too" in done.stderr
    stdout, stderr = both.communicate(timeout=60)
    assert both.returncode == 0 and stdout.count(b"done") == 2, stderr
