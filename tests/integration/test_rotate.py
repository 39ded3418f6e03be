"""rotate-regions: runs what is due, one line in a crontab for all regions; and schedules."""

from __future__ import annotations

import re
import signal
import shutil
import sqlite3
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from fleet import BUILD, NAME, Fleet

THREE = ["us-east-1", "eu-west-3", "sa-east-1"]
HOURS, EVERY = 0, 0  # in hours and seconds: how often each region is visited


@pytest.fixture(autouse=True)
def a_good_time() -> None:
    """A time of which a third has begun a while ago, and does not end during the test."""
    global HOURS, EVERY
    HOURS = next(h for h in (6, 5, 7, 8, 9, 10, 11, 13, 17, 19)
                 if 90 <= time.time() % (h * 1200) <= h * 1200 - 1500)
    EVERY = HOURS * 3600


@pytest.fixture
def three(fleet: Fleet) -> Fleet:
    fleet.set_up(*THREE)
    return fleet


def rotate(fleet: Fleet, *args: str, every: str = "", **more: Any) -> Any:
    every = every or f"{HOURS}h"
    return fleet.run("rotate-regions", f"--every={every}", *args, **more)


def ledger(fleet: Fleet) -> sqlite3.Connection:
    db = sqlite3.connect(fleet.cloud.dir / "state/awsq" / NAME / "ledger.sqlite", timeout=10)
    db.row_factory = sqlite3.Row
    return db


def runs(fleet: Fleet) -> list[sqlite3.Row]:
    with ledger(fleet) as db:
        return list(db.execute("SELECT * FROM runs ORDER BY asked_ms"))


def regions_run(fleet: Fleet) -> list[str]:
    return [row["region"] for row in runs(fleet) if row["state"] == "done"]


def off(fleet: Fleet, *regions: str) -> bool:
    return all(fleet.state(region) == "stopped" for region in regions)


def by_turns() -> list[str]:
    """The three, beginning with whose turn it is now; the others' come in this order."""
    begun = int(time.time()) % EVERY // (EVERY // 3)
    return THREE[begun:] + THREE[:begun]


def moved_back(fleet: Fleet, ages: dict[str, float]) -> None:
    """As if each region had been visited so many seconds ago, and not tried since."""
    now = time.time() * 1000
    with ledger(fleet) as db:
        for region, age in ages.items():
            db.execute("UPDATE runs SET asked_ms = ? WHERE region = ?", (now - age * 1000, region))
        db.execute("DROP TABLE IF EXISTS turns")


def visited_in_time(fleet: Fleet, order: list[str]) -> None:
    """All three a moment after their last turn's beginning, of which the first's is past."""
    now = time.time()
    since = now % (EVERY / 3)  # the first one's turn has come so long ago
    moved_back(fleet, {region: since + EVERY - i * EVERY / 3 - 1
                       for i, region in enumerate(order)})


def test_all_are_run_and_then_none_is_due(three: Fleet) -> None:
    done = rotate(three, *THREE)
    assert done.returncode == 0, done.stderr
    assert regions_run(three) == THREE
    assert off(three, *THREE)
    assert {row["tool"] for row in runs(three)} == {"rotate-regions"}
    for region in THREE:
        assert f"{region}: here is {region}" in done.stdout
        assert f"{region}: its first turn" in done.stderr
    mark = three.cloud.mark()
    again = rotate(three, *THREE)
    assert again.returncode == 0
    assert again.stdout == ""
    assert re.search(r"^\S+: is the next to be due, at .* UTC$", again.stderr, re.MULTILINE)
    assert three.changes(mark) == []
    assert len(runs(three)) == 3


def test_what_is_due_is_told(three: Fleet) -> None:
    mark = three.cloud.mark()
    before = rotate(three, "--dry-run", *THREE)
    assert before.returncode == 3
    lines = before.stdout.splitlines()
    assert lines[0].split() == ["REGION", "LAST", "VISIT", "NEXT", "TURN", "DUE", "MISSED", "TRIES"]
    assert [line.split()[0] for line in lines[1:]] == THREE
    assert all(" now " in line for line in lines[1:])
    assert three.changes(mark) == []
    rotate(three, *THREE, check=True)
    after = rotate(three, "--dry-run", *THREE)
    assert after.returncode == 0
    assert " now " not in after.stdout
    order = by_turns()
    visited_in_time(three, order)
    later = rotate(three, "--dry-run", *THREE)
    assert later.returncode == 3
    assert [line.split()[0] for line in later.stdout.splitlines() if " now " in line] == order[:1]


def test_a_failing_job_is_a_visit_and_a_failure(three: Fleet) -> None:
    three.configure(command="exit 7")
    done = rotate(three, *THREE[:2])
    assert done.returncode == 1
    assert [row["status"] for row in runs(three)] == [7, 7]
    assert off(three, *THREE)
    assert rotate(three, *THREE[:2]).returncode == 0
    assert len(runs(three)) == 2


def no_capacity(fleet: Fleet, region: str) -> None:
    fleet.cloud.fault("StartInstances", region=region, times=100, kind="error",
                      code="InsufficientInstanceCapacity", status=500)


def test_a_turn_without_capacity_goes_to_the_next(three: Fleet) -> None:
    order = by_turns()
    rotate(three, *THREE, check=True)
    visited_in_time(three, order)
    no_capacity(three, order[0])
    done = rotate(three, *THREE)
    assert done.returncode == 0, done.stderr
    assert f"{order[1]}: takes the turn of {order[0]}, instead of its own at" in done.stderr
    rows = runs(three)[3:]
    assert [(row["region"], row["state"]) for row in rows] == [
        (order[0], "no-capacity"), (order[1], "done")]
    assert off(three, *THREE)
    # It is owed the turn, and tried again after a pause, ahead of the others.
    shown = rotate(three, "--dry-run", *THREE).stdout.splitlines()
    assert "1 in vain, the last no-capacity" in shown[1 + THREE.index(order[0])]
    assert " now " not in "\n".join(shown)
    assert rotate(three, *THREE).returncode == 0
    assert len(runs(three)) == 5
    three.cloud.clear_faults()
    with ledger(three) as db:
        db.execute("UPDATE runs SET asked_ms = asked_ms - 130000 WHERE state = 'no-capacity'")
    done = rotate(three, *THREE)
    assert done.returncode == 0, done.stderr
    assert [(row["region"], row["state"]) for row in runs(three)[-1:]] == [(order[0], "done")]
    assert "tried 1 time in vain" in done.stderr


def test_whole_turns_without_capacity_are_a_failure(three: Fleet) -> None:
    order = by_turns()
    rotate(three, *THREE, check=True)
    visited_in_time(three, order)
    with ledger(three) as db:
        db.execute("UPDATE runs SET asked_ms = asked_ms - ? WHERE region = ?",
                   (2 * EVERY * 1000, order[0]))
        db.execute("DROP TABLE IF EXISTS turns")
    no_capacity(three, order[0])
    done = rotate(three, *THREE)
    assert done.returncode == 1
    assert re.search(rf"^{order[0]}: its turn since .*, after which 2 passed without it$",
                     done.stderr, re.MULTILINE), done.stderr


def test_without_ssh_it_fails_and_the_turn_is_lent(three: Fleet) -> None:
    order = by_turns()
    rotate(three, *THREE, check=True)
    visited_in_time(three, order)
    three.cloud.settings(ssh_delay=600)
    done = rotate(three, *order[:1])
    assert done.returncode == 1
    assert [row["state"] for row in runs(three)[3:]] == ["not-run"]
    assert off(three, *THREE)


def test_who_is_busy_is_passed_over(three: Fleet) -> None:
    running = three.start("run-region", "--timeout=1h", THREE[0], "--", "echo go; sleep 3000")
    assert running.stdout
    assert running.stdout.readline() == b"go\n"
    done = rotate(three, "--parallel=2", *THREE)
    assert done.returncode == 0, done.stderr
    assert [row["region"] for row in runs(three) if row["tool"] == "rotate-regions"] == THREE[1:]
    assert f"{THREE[0]}: is due, and busy: passed over" in done.stderr
    assert three.state(THREE[0]) == "running"
    # All that may run at a time is running.
    with ledger(three) as db:
        db.execute("DELETE FROM runs WHERE tool = 'rotate-regions'")
        db.execute("DROP TABLE IF EXISTS turns")
    done = rotate(three, "--parallel=1", *THREE)
    assert done.returncode == 0
    assert len(runs(three)) == 1
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)


def overlapping(rows: list[sqlite3.Row]) -> int:
    """How many of the runs there were at a time, at the most."""
    return max(sum(a["asked_ms"] <= b["asked_ms"] < a["stopped_ms"] for a in rows) for b in rows)


def test_invocations_on_top_of_each_other(three: Fleet) -> None:
    """Three at once, two regions at a time: each is run once, and never more than two."""
    three.configure(command="echo go; sleep 1")
    started = [three.start("rotate-regions", f"--every={HOURS}h", "--parallel=2", *THREE)]
    three.cloud.until(lambda: len(runs(three)) >= 2)
    started += [three.start("rotate-regions", f"--every={HOURS}h", "--parallel=2", *THREE)
                for _ in range(2)]
    for process in started:
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == 0, stderr.decode()
    rows = [row for row in runs(three) if row["state"] == "done"]
    assert sorted(row["region"] for row in rows) == sorted(THREE)
    assert overlapping(rows) == 2
    assert off(three, *THREE)


def test_one_at_a_time(three: Fleet) -> None:
    rotate(three, *THREE, check=True)
    assert overlapping(runs(three)) == 1


def test_a_signal_ends_the_job_and_nothing_more_is_begun(three: Fleet) -> None:
    three.configure(command="echo go; sleep 77")
    running = three.start("rotate-regions", f"--every={HOURS}h", *THREE)
    assert running.stdout
    assert running.stdout.readline().endswith(b"go\n")
    running.send_signal(signal.SIGTERM)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM, stderr.decode()
    assert len(runs(three)) == 1
    assert off(three, *THREE)
    # That was no visit.
    assert rotate(three, "--dry-run", *THREE).stdout.count(" now ") == 3


def test_after_a_kill_the_next_one_takes_over(three: Fleet) -> None:
    three.configure(command="echo go; sleep 5")
    running = three.start("rotate-regions", f"--every={HOURS}h", *THREE[:1])
    assert running.stdout
    running.stdout.readline()
    running.kill()
    running.communicate()
    three.configure(command="echo again")
    done = rotate(three, *THREE[:1])
    assert off(three, *THREE[:1]), done.stderr
    assert "again" in done.stdout
    assert runs(three)[-1]["state"] == "done"


def test_without_a_ledger_nothing_is_begun(three: Fleet, tmp_path: Path) -> None:
    state = tmp_path / NAME
    (state / "ledger.sqlite").mkdir(parents=True)
    mark = three.cloud.mark()
    done = rotate(three, "--state-dir", str(tmp_path), *THREE)
    assert done.returncode == 1
    assert "cannot tell whose turn it is" in done.stderr
    assert three.changes(mark) == []


def test_a_time_that_is_too_short(fleet: Fleet) -> None:
    done = rotate(fleet, "--all", every="59s")
    assert done.returncode == 2
    assert "--every" in done.stderr


# ---- Schedules


def matches(field: str, value: int) -> bool:
    return field == "*" or value in map(int, field.split(","))


def is_crontab(text: str, path: Path) -> bool:
    """What cron itself says of it; nothing is installed."""
    assert shutil.which("crontab"), "crontab is missing: make check installs it"
    path.write_text(text)
    return subprocess.run(["crontab", "-n", path], capture_output=True).returncode == 0


def test_a_crontab(fleet: Fleet, tmp_path: Path) -> None:
    """Each region has its four times a day, and every hour has one."""
    done = rotate(fleet, "--all", "--print-crontab", every="6h")
    assert done.returncode == 0, done.stderr
    lines = [line.split(None, 5) for line in done.stdout.splitlines() if not line.startswith("#")]
    times: dict[str, list[int]] = {}
    for minute, hour, day, month, weekday, command in lines:
        assert (day, month, weekday) == ("*", "*", "*")
        region = command.split()[-1]
        assert command == f"{BUILD}/run-region --config={fleet.config} --quiet {region}"
        times[region] = [h * 60 + m for h in range(24) for m in range(60)
                         if matches(hour, h) and matches(minute, m)]
    assert len(times) == 6
    everything = sorted(t for ts in times.values() for t in ts)
    assert everything == [h * 60 + 5 for h in range(24)]
    for ts in times.values():
        assert [b - a for a, b in zip(ts, ts[1:], strict=False)] == [360] * 3
    assert is_crontab(done.stdout, tmp_path / "crontab")
    assert not is_crontab(done.stdout.replace(" * * *", " * 13 *"), tmp_path / "crontab")


def test_a_line_of_the_crontab_runs(three: Fleet) -> None:
    done = rotate(three, THREE[0], "--print-crontab", every="1h")
    command = done.stdout.splitlines()[-1].split(None, 5)[5]
    ran = subprocess.run(["sh", "-c", command], env=three.env, capture_output=True, text=True,
                         cwd="/", timeout=300)
    assert (ran.returncode, ran.stdout) == (0, f"here is {THREE[0]}\n"), ran.stderr


def test_units_of_systemd(fleet: Fleet, tmp_path: Path) -> None:
    done = rotate(fleet, "--all", "--print-systemd", every="6h")
    assert done.returncode == 0, done.stderr
    subprocess.run(["sh"], input=done.stdout, text=True, cwd=tmp_path, check=True)
    service = (tmp_path / f"awsq-{NAME}@.service").read_text()
    timers = sorted(tmp_path.glob("*.timer"))
    assert len(timers) == 6
    assert f"ExecStart={BUILD}/run-region --config={fleet.config} %i\n" in service
    assert f"ReadWritePaths={fleet.cloud.dir}/state/awsq/{NAME}\n" in service
    assert all("\nPersistent=yes\n" in timer.read_text() for timer in timers)
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is missing: make check installs it"
    hours = []
    for timer in timers:
        (calendar,) = re.findall(r"^OnCalendar=(.*)$", timer.read_text(), re.MULTILINE)
        said = subprocess.run([analyze, "calendar", "--iterations=4", calendar], text=True,
                              capture_output=True, env={"TZ": "UTC"})
        assert said.returncode == 0, said.stderr
        hours += re.findall(r"(\d\d):05:00 UTC", said.stdout.partition("Next elapse")[2])
    assert len(set(hours)) == 24
    verified = subprocess.run([analyze, "verify", *map(str, timers)], text=True,
                              capture_output=True)
    # Of what it may not know in a container, nothing is of these units.
    assert f"awsq-{NAME}" not in verified.stderr, verified.stderr


@pytest.mark.parametrize("what", ["--print-crontab", "--print-systemd"])
def test_a_schedule_takes_along_what_is_exported(
    fleet: Fleet, what: str, tmp_path: Path
) -> None:
    """Where it runs, the shell's variables are not."""
    keys = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n"
    (tmp_path / "credentials").write_text(f"[night]\n{keys}[day]\n{keys}")
    base = fleet.env | {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    lines = [rotate(fleet, "--all", what, *more, every="6h", env=base | env).stdout
             for more, env in (([], {"AWS_PROFILE": "night", "AWSQ_CONFIG": str(fleet.config)}),
                               (["--profile=day"], {"AWS_PROFILE": "night"}), ([], {}))]  # fmt: skip
    assert f"run-region --config={fleet.config} --profile=night " in lines[0]
    assert "--profile=day " in lines[1] and "night" not in lines[1]
    assert all("# Credentials: the profile that is named below" in text for text in lines[:2])
    assert " --profile=" not in re.sub("^#.*$", "", lines[2], flags=re.MULTILINE)
    assert "# Credentials: the profile 'default' in the ~/.aws" in lines[2]


def test_a_schedule_that_cannot_be(fleet: Fleet) -> None:
    for what in ("--print-crontab", "--print-systemd"):
        done = rotate(fleet, "--all", what, every="7h")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--every has to be a part of" in done.stderr


def test_times_are_shown_as_they_are(three: Fleet) -> None:
    rotate(three, THREE[0], check=True)
    shown = rotate(three, "--dry-run", THREE[0]).stdout.splitlines()[1]
    last = datetime.fromtimestamp(runs(three)[0]["asked_ms"] / 1000, timezone.utc)
    assert f"{last:%H:%M} UTC" in shown
    turn = datetime.fromtimestamp((last.timestamp() // EVERY + 1) * EVERY, timezone.utc)
    assert f"{turn:%H}:00 UTC" in shown
