"""Two controllers that know nothing of each other, on one instance: one runs, the other is busy."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cloud.client import Cloud
from fleet import REGIONS, Fleet
from gate import Gate
from test_reap import came_to, restart, runs, set_job

QUICK = {"boot": 0.3, "ssh_delay": 0.1, "stop": 0.2, "copy": 0.5, "late": 0.1}


def race(fleet: Fleet, region: str, folders: list[Path], number: int) -> None:
    """Exactly one runs its job to its own end, and the instance is stopped by that one alone."""
    instance = fleet.instance(region)["InstanceId"]
    boots = len(fleet.cloud.power()[instance])
    status = 10 + number % 50
    # The winner is at work until the other one has ended.
    gate = Gate(folders[0].parent / f"gate-{region}-{number}")
    both = [
        fleet.start("run-region", f"--state-dir={folder}", region, "--",
                    f"echo {name}; sleep 0.6; {gate}; echo end; exit {status}")
        for name, folder in zip("ab", folders, strict=True)
    ]
    end = time.monotonic() + 60
    while all(running.poll() is None for running in both) and time.monotonic() < end:
        time.sleep(0.02)
    gate.open()
    ended = [(*running.communicate(timeout=300), running.returncode) for running in both]
    told = b"\n".join(stderr for _, stderr, _ in ended).decode()
    assert sorted(code for *_, code in ended) == sorted([status, 75]), f"race {number}\n{told}"
    for name, (stdout, stderr, code) in zip("ab", ended, strict=True):
        assert stdout == (f"{name}\nend\n".encode() if code == status else b""), stderr
        assert b"MAY STILL BE ON" not in stderr
    assert fleet.state(region) == "stopped"
    # The winner's boot was the only one, and went on until its job had ended.
    (boot,) = fleet.cloud.power()[instance][boots:]
    assert boot["stopping_at"] - boot["ssh_at"] > 0.6


@pytest.mark.parametrize("races", [8, pytest.param(50, marks=pytest.mark.long)])
def test_one_of_two_wins_each_time(tmp_path: Path, races: int) -> None:
    with Cloud(**QUICK) as cloud:
        fleet = Fleet(cloud)
        regions = [r for r in REGIONS if r != "us-west-2"][:4]
        fleet.set_up(*regions)
        folders = [tmp_path / "one", tmp_path / "two"]
        try:
            with ThreadPoolExecutor(len(regions)) as pool:
                def lane(k: int) -> None:
                    for number in range(k, races, len(regions)):
                        race(fleet, regions[k], folders, number)

                for done in [pool.submit(lane, k) for k in range(len(regions))]:
                    done.result()
        finally:
            fleet.close()
        stops = [c for c in fleet.changes() if c["action"] == "StopInstances" and not c["error"]]
        starts = [c for c in fleet.changes() if c["action"] == "StartInstances"]
        assert len(starts) >= races
        assert races <= len(stops) - len(regions) <= races + 5


@pytest.mark.parametrize("kind", ["drop-after", "hold"])
def test_an_answer_that_is_lost(fleet: Fleet, region: str, kind: str) -> None:
    """It was this run all the same that started it; nobody else has said so."""
    fleet.cloud.fault("StartInstances", region=region, times=1, kind=kind, seconds=0.5)
    done = fleet.run("run-region", region, "--", "echo mine; exit 3")
    assert (done.returncode, done.stdout) == (3, "mine\n"), done.stderr
    assert fleet.state(region) == "stopped"


def test_an_answer_that_is_lost_in_a_race(fleet: Fleet, region: str, tmp_path: Path) -> None:
    """The lease tells who was first, where EC2's answer is lost."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for number in range(2):
        fleet.cloud.fault("StartInstances", region=region, times=1, kind="hold", seconds=0.5)
        race(fleet, region, folders, number)
        fleet.cloud.clear_faults()


def test_stopped_and_started_again_by_a_person(fleet: Fleet, region: str) -> None:
    """What is on then is not the run's, and is left on."""
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    # To the run it is one moment: it might see the instance off, and be over.
    running.send_signal(signal.SIGSTOP)
    restart(fleet, region)
    mark = fleet.cloud.mark()
    running.send_signal(signal.SIGCONT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 125 and b"the instance is left alone" in stderr, stderr
    assert b"stopping" not in stderr
    assert fleet.state(region) == "running" and fleet.actions(mark) == []
    (row,) = runs(fleet, region=region)
    assert row["closed"] == 1 and row["stopped_ms"] > row["started_ms"]


def test_ended_while_it_waits_for_a_stop(fleet: Fleet, region: str) -> None:
    """It has not asked for a start: what a person starts meanwhile is the person's."""
    fleet.cloud.settings(stop=60)
    instance, ec2 = fleet.instance(region)["InstanceId"], fleet.ec2(region)
    ec2.start_instances(InstanceIds=[instance])
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    ec2.stop_instances(InstanceIds=[instance])
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(lambda: came_to(fleet, "started_ms"))
    running.send_signal(signal.SIGTERM)
    mark = fleet.cloud.mark()
    running.communicate(timeout=50)
    assert running.returncode == 128 + 15
    assert fleet.actions(mark) == []
    (row,) = runs(fleet, region=region)
    assert (row["state"], row["owns"], row["closed"]) == ("canceled", 0, 1)


def test_canceled_in_its_hook_starts_nothing(fleet: Fleet, region: str) -> None:
    begun = fleet.cloud.dir / "begun"
    set_job(fleet, f'before = "trap exit\\\\ 0 TERM; touch {begun}; sleep 50"')
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "true")
    fleet.cloud.until(begun.exists)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=40)
    assert running.returncode == 128 + 15 and fleet.actions(mark) == []
