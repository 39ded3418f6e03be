"""Links that break and controllers that die: the job goes on, and its output comes whole, once."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from fleet import NAME, Fleet
from gate import Gate
from test_reap import kill, restart, runs, set_job

LINES = 30
WHOLE = b"".join(b"line %d\n" % i for i in range(1, LINES + 1))


def gate(fleet: Fleet, name: str | int = "") -> Gate:
    return Gate(fleet.cloud.dir / f"gate{name}")


def gated(fleet: Fleet, *lines: int) -> tuple[str, dict[int, Gate]]:
    """A job that waits after these lines, and the gates that it waits at."""
    gates = {line: gate(fleet, line) for line in lines}
    waits = " ".join(f"{line}) {it} ;;" for line, it in gates.items())
    job = (f"i=1; while [ $i -le {LINES} ]; do echo line $i; case $i in {waits} esac; i=$((i+1)); "
           f"sleep 0.05; done; touch {gate(fleet, 'over').path}; exit 5")  # fmt: skip
    return job, gates


def read_lines(running: Any, n: int) -> bytes:
    return b"".join(running.stdout.readline() for _ in range(n))


def passed(note: Path) -> int:
    """How much of the attempt's output; runlog.c has the format."""
    return int((note.read_text().split() or ["0", "0"])[1])


def kill_after(fleet: Fleet, running: Any, output: bytes) -> None:
    """Once it is written down that all of this has been passed on."""
    notes = (fleet.cloud.dir / "state/awsq" / NAME / "runs").glob
    fleet.cloud.until(lambda: len(output) in [passed(note) for note in notes("*/passed")])
    running.kill()
    assert running.communicate()[0] == b""


@pytest.mark.parametrize("tool", ["run-region", "run-job"])
def test_the_link_is_cut_three_times(fleet: Fleet, region: str, tool: str) -> None:
    if tool == "run-job":
        fleet.run("start-region", region, check=True)
    job, gates = gated(fleet, 5, 13, 19)
    running = fleet.start(tool, region, "--", job)
    got = b""
    for lines, it in zip((5, 8, 6), gates.values(), strict=True):
        got += read_lines(running, lines)
        fleet.cloud.machine(fleet.instance(region)["InstanceId"], "drop-connections")
        it.open()
    rest, stderr = running.communicate(timeout=300)
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
    job, gates = gated(fleet, 7)
    running = fleet.start(tool, region, "--", job)
    first = read_lines(running, 7)
    kill_after(fleet, running, first)
    gates[7].open()
    (row,) = runs(fleet, region=region)
    again = fleet.start("run-job", f"--attach={row['id'][:18]}")
    second, stderr = again.communicate(timeout=300)
    assert again.returncode == 5, stderr
    assert first + second == WHOLE
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["status"], row["closed"]) == ("done", 5, 1)
    assert row["bytes_out"] == len(WHOLE)
    assert fleet.state(region) == ("stopped" if tool == "run-region" else "running")
    # Nothing is left to be taken up.
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "no run to take up: none is open; list" in done.stderr


def test_taken_up_twice(fleet: Fleet, region: str) -> None:
    """Who takes it up may be killed too; and the job may have ended meanwhile."""
    job, gates = gated(fleet, 4, 9)
    running = fleet.start("run-region", region, "--", job)
    output = read_lines(running, 4)
    kill_after(fleet, running, output)
    gates[4].open()
    again = fleet.start("run-job", "--attach", region)
    output += read_lines(again, 5)
    # While one is at it, no other is.
    busy = fleet.run("run-job", "--attach")
    assert busy.returncode == 75 and "busy" in busy.stderr
    kill_after(fleet, again, output)
    gates[9].open()
    fleet.cloud.until(gate(fleet, "over").path.exists)
    last = fleet.start("run-job", "--attach")
    rest, stderr = last.communicate(timeout=300)
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
    job = "echo go; while sleep 0.2; do echo more; done"
    running = fleet.start("run-region", "--timeout=10m", region, "--", job)
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill(running)
    again = fleet.start("run-job", "--attach")
    assert again.stdout and b"o" in again.stdout.readline()
    again.terminate()
    _, stderr = again.communicate(timeout=300)
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


def killed(fleet: Fleet, region: str, job: str, *options: str) -> None:
    """A run whose controller was killed once its job had said "go"."""
    running = fleet.start("run-region", *options, region, "--", job)
    assert running.stdout and running.stdout.readline() == b"go\n"
    kill_after(fleet, running, b"go\n")


def test_the_timeout_is_the_run_s_own(fleet: Fleet, region: str) -> None:
    fleet.config.write_text(fleet.config.read_text().replace('"1m"', '"2s"'))
    it = gate(fleet)
    killed(fleet, region, f"echo go; {it}; echo end; exit 7", "--timeout=300s")
    time.sleep(3)
    it.open()
    done = fleet.run("run-job", "--attach")
    assert (done.returncode, done.stdout) == (7, "end\n"), done.stderr


def test_another_timeout_may_be_given(fleet: Fleet, region: str) -> None:
    killed(fleet, region, "echo go; sleep 60")
    done = fleet.run("run-job", "--timeout=3s", "--attach")
    assert done.returncode == 124, done.stderr
    assert fleet.state(region) == "stopped"


def test_how_long_it_ran_counts_from_its_beginning(fleet: Fleet, region: str) -> None:
    set_job(fleet, 'min_duration = "4s"')
    killed(fleet, region, "echo go; sleep 5")
    time.sleep(3)
    done = fleet.run("run-job", "--attach", check=True)
    assert "sooner than" not in done.stderr
    (row,) = runs(fleet, region=region)
    assert row["suspicious"] == 0 and row["job_end_ms"] - row["job_start_ms"] >= 5000


def test_another_boot_is_not_taken_for_the_run_s(fleet: Fleet, region: str) -> None:
    """Killed before it had seen its own: what a person started much later is not its to stop."""
    fleet.cloud.fault("StartInstances", region=region, times=1, kind="hold", seconds=600)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: "StartInstances" in fleet.actions(mark))
    kill(running)
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    with sqlite3.connect(fleet.cloud.dir / f"state/awsq/{NAME}/ledger.sqlite") as book:
        book.execute("UPDATE runs SET started_ms = started_ms - 864000000")
    restart(fleet, region)
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "stopped and started again since" in done.stderr
    assert fleet.state(region) == "running"
    assert runs(fleet, region=region)[0]["closed"] == 1


def test_out_of_reach_is_left_at_work(fleet: Fleet, region: str) -> None:
    """A network that fails here and now ends no job."""
    it = gate(fleet)
    killed(fleet, region, f"echo go; {it}; exit 3", "--timeout=10m")
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace(f"port = {fleet.cloud.ssh_port};", "port = 9;"))
    done = fleet.run("run-job", "--attach")
    assert done.returncode == 125 and "--attach=" in done.stderr, done.stderr
    assert fleet.state(region) == "running" and runs(fleet)[0]["closed"] == 0
    fleet.config.write_text(text)
    it.open()
    assert fleet.run("run-job", "--attach").returncode == 3
    assert fleet.state(region) == "stopped"


def test_a_live_run_does_not_hide_one_that_was_left(fleet: Fleet, region: str) -> None:
    fleet.set_up("sa-east-1")
    killed(fleet, region, "echo go; sleep 5; echo end")
    it = gate(fleet)
    live = fleet.start("run-region", "sa-east-1", "--", f"echo go; {it}")
    assert live.stdout and live.stdout.readline() == b"go\n"
    done = fleet.run("run-job", "--attach", check=True)
    assert done.stdout == "end\n", done.stderr
    it.open()
    live.communicate(timeout=300)
    assert live.returncode == 0


def test_a_command_that_is_not_known_whole_is_not_run_again(fleet: Fleet, region: str) -> None:
    set_job(fleet, 'retries = 2; retry_backoff = "1s"')
    killed(fleet, region, "echo go; sleep 2; echo once; exit 3; " + "# \u00e9" * 300)
    done = fleet.run("run-job", "--attach")
    assert (done.returncode, done.stdout) == (3, "once\n"), done.stderr
