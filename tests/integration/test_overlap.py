"""job.overlap: what a run does where another one has the region, here or on another machine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fleet import Fleet
from gate import Gate
from test_reap import runs


def gate(fleet: Fleet) -> Gate:
    return Gate(fleet.cloud.dir / "gate")


def job_of(fleet: Fleet) -> list[str]:
    """Goes on when the gate is open."""
    return ["--", f"echo go; {gate(fleet)}; echo done"]


def set_overlap(fleet: Fleet, policy: str, max_wait: str = "30s") -> None:
    setting = f'job = {{ overlap = "{policy}"; max_wait = "{max_wait}";'
    fleet.config.write_text(fleet.config.read_text().replace("job = {", setting))


def begin(fleet: Fleet, region: str, *options: str) -> Any:
    running = fleet.start("run-region", "--timeout=10m", *options, region, *job_of(fleet))
    assert running.stdout and running.stdout.readline() == b"go\n"
    return running


def ends_well(fleet: Fleet, running: Any, output: bytes = b"done\n") -> None:
    gate(fleet).open()
    stdout, stderr = running.communicate(timeout=120)
    assert (running.returncode, stdout) == (0, output), stderr


def waits(running: Any) -> None:
    """Until it says so."""
    said = b""
    while b"waiting " not in said:
        line = running.stderr.readline()
        assert line, said
        said += line


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
    ends_well(fleet, first)


@pytest.mark.parametrize("machine", ["this", "another"])
def test_queue(fleet: Fleet, region: str, machine: str) -> None:
    set_overlap(fleet, "queue")
    first = begin(fleet, region, *([elsewhere(fleet)] if machine == "another" else []))
    second = fleet.start("run-region", region, "--", "echo second")
    waits(second)
    ends_well(fleet, first)
    ends_well(fleet, second, b"second\n")
    boots = fleet.cloud.power()[fleet.instance(region)["InstanceId"]]
    assert len(boots) == 3  # the one that config-region made, too
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize("machine", ["this", "another"])
def test_a_queue_has_an_end(fleet: Fleet, region: str, machine: str) -> None:
    set_overlap(fleet, "queue", "1s")
    first = begin(fleet, region, *([elsewhere(fleet)] if machine == "another" else []))
    begun = time.monotonic()
    second = fleet.run("run-region", region, "--", "echo not to be run")
    assert (second.returncode, second.stdout) == (75, ""), second.stderr
    assert time.monotonic() - begun < 45, "a second is no minute"
    ends_well(fleet, first)


def test_a_queue_can_be_left(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "queue")
    first = begin(fleet, region)
    second = fleet.start("run-region", region, "--", "echo not to be run")
    waits(second)
    second.terminate()
    stdout, _ = second.communicate(timeout=60)
    assert (second.returncode, stdout) == (128 + 15, b"")
    ends_well(fleet, first)


def test_replace(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "replace")
    first = begin(fleet, region)
    second = fleet.start("run-region", region, "--", "echo second")
    first.communicate(timeout=60)
    assert first.returncode == 128 + 15
    ends_well(fleet, second, b"second\n")
    assert fleet.state(region) == "stopped"
    assert [r["state"] for r in runs(fleet, region=region)] == ["done", "canceled"]


def test_only_runs_of_this_machine_are_replaced(fleet: Fleet, region: str) -> None:
    set_overlap(fleet, "replace")
    first = begin(fleet, region, elsewhere(fleet))
    second = fleet.run("run-region", region, "--", "echo not to be run")
    assert second.returncode == 75 and "ends runs of this machine only" in second.stderr
    ends_well(fleet, first)


def test_what_is_no_run_is_not_replaced(fleet: Fleet) -> None:
    set_overlap(fleet, "replace")
    fleet.set_up("us-east-1")
    fleet.cloud.fault("DescribeInstances", region="us-east-1", times=1, kind="hold",
                      seconds=600)
    mark = fleet.cloud.mark()
    config = fleet.start("config-region", "us-east-1")
    fleet.cloud.until(lambda: any(c["fault"] for c in fleet.cloud.log(mark)))
    done = fleet.run("run-region", "us-east-1", "--", "true")
    assert done.returncode == 75 and "cannot be replaced" in done.stderr
    fleet.cloud.clear_faults()
    config.communicate(timeout=120)
    assert config.returncode == 0


def test_what_runs_other_regions_too_is_not_replaced(fleet: Fleet, region: str) -> None:
    """One signal would end all of them."""
    set_overlap(fleet, "replace")
    fleet.set_up("sa-east-1")
    both = fleet.start("run-region", region, "sa-east-1", *job_of(fleet))
    assert both.stdout and "go" in both.stdout.readline().decode()
    done = fleet.run("run-region", region, "--", "echo not to be run")
    assert (done.returncode, done.stdout) == (75, "")
    assert "at work on others too" in done.stderr
    gate(fleet).open()
    stdout, stderr = both.communicate(timeout=120)
    assert both.returncode == 0 and stdout.count(b"done") == 2, stderr
