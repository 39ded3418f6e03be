"""What runs have left on in accounts that regions.cfg does not list any more."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from cloud.client import Cloud
from conftest import QUICK
from fleet import HOME
from test_accounts import REGION, Accounts


@pytest.fixture
def fleet() -> Iterator[Accounts]:
    with Cloud(regions=[HOME, REGION], **QUICK) as cloud:
        fleet = Accounts(cloud)
        fleet.run("config-region", REGION, "--account=lab", check=True)
        yield fleet
        fleet.close()


def leave_on(fleet: Accounts, *options: str) -> None:
    """A run that is killed in the middle of its job, and stays open for that."""
    running = fleet.start("run-region", REGION, *options, "--", "echo go; sleep 777")
    assert running.stdout and running.stdout.readline() == b"go\n"
    running.kill()
    running.communicate()
    assert fleet.state(REGION) == "running"


def orphans(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "NOT LOOKED AFTER" in line]


def expect_told(fleet: Accounts, whose: str, why: str) -> None:
    instance = fleet.instance(REGION)["InstanceId"]
    for tool in (["list-runs"], ["check-region", REGION]):
        (line,) = orphans(fleet.run(*tool))
        assert line.startswith(f"{whose or tool[0]}: ") and why in line, line
        assert f"{REGION} {instance}." in line
    assert fleet.state(REGION) == "running"


def expect_stopped(fleet: Accounts, book: str) -> None:
    """By the next tool, once its job cannot be at work any more."""
    with closing(sqlite3.connect(fleet.folder / book)) as db:
        db.execute("UPDATE runs SET overdue_ms = 1 WHERE closed = 0")
        db.commit()
    assert orphans(fleet.run("list-runs")) == []
    assert fleet.state(REGION) == "stopped"
    assert orphans(fleet.run("list-runs")) == []


def test_an_account_of_another_name(fleet: Accounts) -> None:
    leave_on(fleet, "--account=lab")
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace('name = "lab"', 'name = "labs"'))
    expect_told(fleet, "lab", "does not list this account")
    fleet.configure(regions=f'"{HOME}", "{REGION}"')
    (line,) = orphans(fleet.run("list-runs"))
    assert line.startswith("lab: ")
    fleet.config.write_text(text)
    expect_stopped(fleet, "lab/ledger.sqlite")


def test_one_that_cannot_be_read(fleet: Accounts) -> None:
    """What is on by it is not known, which is told; and it is left as it is."""
    broken = {"garbage": b"not a database" * 1000, "empty": b""}
    for name, content in broken.items():
        (fleet.folder / name).mkdir()
        (fleet.folder / name / "ledger.sqlite").write_bytes(content)
    (fleet.folder / "folder/ledger.sqlite").mkdir(parents=True)
    done = fleet.run("list-runs", check=True)
    for name in ("empty", "folder", "garbage"):
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"{name}: ")]
        assert f"{name}/ledger.sqlite" in line and "is not known" in line
        assert [p.name for p in (fleet.folder / name).iterdir()] == ["ledger.sqlite"]
    for name, content in broken.items():
        assert (fleet.folder / name / "ledger.sqlite").read_bytes() == content


def test_accounts_that_a_fleet_had_not(fleet: Accounts) -> None:
    text = fleet.config.read_text()
    fleet.configure(regions=f'"{HOME}", "{REGION}"')
    leave_on(fleet)
    plain = fleet.config.read_text()
    fleet.config.write_text(text)
    expect_told(fleet, "", "had no accounts")
    fleet.config.write_text(plain)
    expect_stopped(fleet, "ledger.sqlite")


def test_one_that_is_at_work_is_no_orphan(fleet: Accounts) -> None:
    text = fleet.config.read_text()
    running = fleet.start("run-region", REGION, "--account=lab", "--", "echo go; sleep 777")
    assert running.stdout and running.stdout.readline() == b"go\n"
    fleet.config.write_text(text.replace('name = "lab"', 'name = "labs"'))
    assert orphans(fleet.run("list-runs")) == []
    running.terminate()
    running.communicate()
    assert fleet.state(REGION) == "stopped"
