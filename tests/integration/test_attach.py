"""Links that break and controllers that die: the job goes on, and its output comes whole, once."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from fleet import Fleet
from test_reap import kill, runs

LINES = 30
# A line each second would be half a minute of waiting; what matters is that there are cuts between.
JOB = f"i=1; while [ $i -le {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.2; done; exit 5"
WHOLE = b"".join(b"line %d\n" % i for i in range(1, LINES + 1))


def read_lines(running: Any, n: int) -> bytes:
    return b"".join(running.stdout.readline() for _ in range(n))


@pytest.mark.parametrize("tool", ["run-region", "run-job"])
def test_the_link_is_cut_three_times(fleet: Fleet, region: str, tool: str) -> None:
    if tool == "run-job":
        fleet.run("start-region", region, check=True)
    running = fleet.start(tool, region, "--", JOB)
    got = b""
    for lines in (5, 8, 6):
        got += read_lines(running, lines)
        fleet.cloud.machine(fleet.instance(region)["InstanceId"], "drop-connections")
    rest, stderr = running.communicate(timeout=60)
    assert got + rest == WHOLE
    assert running.returncode == 5, stderr
    assert b"the link to instance" in stderr
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["status"], row["bytes_out"]) == ("done", 5, len(WHOLE))
    assert fleet.state(region) == ("stopped" if tool == "run-region" else "running")


@pytest.mark.parametrize("tool", ["run-region", "run-job"])
def test_killed_and_taken_up_again(fleet: Fleet, region: str, tool: str) -> None:
    if tool == "run-job":
        fleet.run("start-region", region, check=True)
    running = fleet.start(tool, region, "--", JOB)
    first = read_lines(running, 7)
    time.sleep(0.1)  # between two lines
    running.kill()
    first += running.stdout.read()  # type: ignore[union-attr]
    time.sleep(1)
    (row,) = runs(fleet, region=region)
    again = fleet.start("run-job", f"--attach={row['id'][:18]}")
    second, stderr = again.communicate(timeout=60)
    assert again.returncode == 5, stderr
    assert first + second == WHOLE
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["status"], row["closed"]) == ("done", 5, 1)
    assert row["bytes_out"] == len(WHOLE)
    assert fleet.state(region) == ("stopped" if tool == "run-region" else "running")
    # Nothing is left to be taken up.
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "no run to take up" in done.stderr


def test_taken_up_twice(fleet: Fleet, region: str) -> None:
    """Who takes it up may be killed too; and the job may have ended meanwhile."""
    running = fleet.start("run-region", region, "--", JOB)
    output = read_lines(running, 4)
    time.sleep(0.1)  # between two lines
    running.kill()
    output += running.stdout.read()  # type: ignore[union-attr]
    again = fleet.start("run-job", "--attach", region)
    output += read_lines(again, 5)
    # While one is at it, no other is.
    busy = fleet.run("run-job", "--attach")
    assert busy.returncode == 75 and "busy" in busy.stderr
    time.sleep(0.1)
    again.kill()
    output += again.stdout.read()  # type: ignore[union-attr]
    time.sleep(6)
    last = fleet.start("run-job", "--attach")
    rest, stderr = last.communicate(timeout=60)
    assert last.returncode == 5, stderr
    assert output + rest == WHOLE
    assert fleet.state(region) == "stopped"


def test_attach_to_what_is_gone(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    fleet.ec2(region).stop_instances(InstanceIds=[fleet.instance(region)["InstanceId"]])
    fleet.cloud.until(lambda: fleet.state(region) == "stopped")
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "is left to be followed" in done.stderr
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["closed"]) == ("lost", 1)


def test_a_signal_to_who_took_it_up(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    again = fleet.start("run-job", "--attach")
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    time.sleep(1.5)
    again.terminate()
    _, stderr = again.communicate(timeout=30)
    assert again.returncode == 128 + 15, stderr
    assert fleet.state(region) == "stopped"
    assert runs(fleet, region=region)[0]["state"] == "canceled"


def test_tried_again_until_it_succeeds(fleet: Fleet, region: str) -> None:
    setting = 'job = { retries = 3; retry_backoff = "1s"; retry_on = [ 3, 4 ];'
    fleet.config.write_text(fleet.config.read_text().replace("job = {", setting))
    job = "echo attempt $AWSQ_ATTEMPT; exit $((AWSQ_ATTEMPT + 2))"
    done = fleet.run("run-region", region, "--", job)
    # 3, 4, and 5, which is none of those.
    assert done.stdout == "attempt 1\nattempt 2\nattempt 3\n"
    assert done.returncode == 5, done.stderr
    assert "attempt 2 of 4 in 1 s" in done.stderr and "attempt 3 of 4 in 2 s" in done.stderr
    (row,) = runs(fleet, region=region)
    assert (row["attempts"], row["status"]) == (3, 5)


def test_a_success_that_came_too_soon(fleet: Fleet, region: str) -> None:
    fleet.config.write_text(
        fleet.config.read_text().replace("job = {", 'job = { min_duration = "30s";')
    )
    done = fleet.run("run-region", region, "--", "true", check=True)
    assert "sooner than job.min_duration" in done.stderr
    assert runs(fleet, region=region)[0]["suspicious"] == 1
    fleet.run("run-region", region, "--", "false")
    assert runs(fleet, region=region)[0]["suspicious"] == 0


def test_the_words_of_the_command_line(fleet: Fleet) -> None:
    for words in (["--attach", "us-east-1", "us-west-2"], ["--attach", "--", "true"]):
        done = fleet.run("run-job", *words)
        assert done.returncode == 2 and re.search("--attach takes up one run", done.stderr)
