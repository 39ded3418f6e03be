"""A fleet in several accounts: each by itself, and all of them at once."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.client import Cloud
from conftest import QUICK
from fleet import HOME, NAME, ROLE, Fleet
from test_schema import check

REGION, OTHER = "us-east-1", "eu-west-3"
PROD, LAB, GONE = "222222222222", "123456789012", "333333333333"
BOTH = ["lab", "prod"]


class Accounts(Fleet):
    """Lab is the account of the cloud's own users, by a profile; prod another one, by a role."""

    def __init__(self, cloud: Cloud):
        super().__init__(cloud)
        self.role = cloud.new_account(PROD)
        cloud.seed(NAME, HOME, self.key, ROLE, user=PROD)
        folder = cloud.dir / "home/.aws"
        folder.mkdir(parents=True)
        keys = cloud.about["operator"]
        (folder / "credentials").write_text(
            "[lab]\n" + "".join(f"aws_{name} = {value}\n" for name, value in keys.items())
        )
        self.accounts()

    def accounts(self, more: str = "", **changes: str) -> None:
        self.configure(regions=f'"{HOME}", "{REGION}"', **changes)
        with self.config.open("a") as out:
            out.write(
                f'accounts = (\n  {{ name = "prod"; role_arn = "{self.role}";\n'
                f'    external_id = "a:b/c"; }},\n'
                f'  {{ name = "lab"; profile = "lab"; }}{more}\n);\n'
            )

    def of(self, number: str) -> Fleet:
        """What is there of the fleet in an account."""
        user = "admin" if number == LAB else number
        other = Fleet.__new__(Fleet)
        other.cloud = self.cloud
        boto = self.cloud.boto
        other.ec2 = lambda region: boto("ec2", region, user)  # type: ignore[method-assign]
        return other

    @property
    def folder(self) -> Path:
        return Path(self.env["XDG_STATE_HOME"]) / "awsq" / NAME

    def states(self) -> dict[str, str]:
        return {
            name: self.of(number).state(REGION) for name, number in (("lab", LAB), ("prod", PROD))
        }


@pytest.fixture(scope="module")
def both() -> Iterator[Accounts]:
    """Set up in both accounts: the tests leave that as it is."""
    with Cloud(regions=[HOME, REGION, OTHER], **QUICK) as cloud:
        fleet = Accounts(cloud)
        done = fleet.run("config-region", REGION, check=True)
        assert done.stdout.count("ok") == 2
        yield fleet
        fleet.close()


def of_accounts(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(r["account"], r["region"]): r for r in document["regions"]}


def test_each_account_has_its_own(both: Accounts) -> None:
    lab, prod = (both.of(number).instance(REGION) for number in (LAB, PROD))
    assert lab["InstanceId"] != prod["InstanceId"]
    for number, instance in ((LAB, lab), (PROD, prod)):
        home = both.of(number).images(HOME)
        (copy,) = both.of(number).images(REGION)
        assert instance["ImageId"] == copy["ImageId"] and copy["OwnerId"] == number
        assert [image["OwnerId"] for image in home] == [number]
    assert sorted(p.name for p in both.folder.iterdir()) == BOTH
    assert all((both.folder / name).stat().st_mode & 0o777 == 0o700 for name in BOTH)


def test_what_is_told_is_told_of_both_names(both: Accounts) -> None:
    done = both.run("check-region", "--all")
    assert done.returncode == 3, "home has no timer in its user data"
    first = {line.split()[0] for line in done.stdout.splitlines()[1:]}
    assert first == {f"{a}/{r}" for a in BOTH for r in (HOME, REGION)}
    document = json.loads(both.run("check-region", REGION, "--output=json", check=True).stdout)
    assert document["account"] is None
    found = of_accounts(document)
    assert {key: r["account_id"] for key, r in found.items()} == {
        ("prod", REGION): PROD,
        ("lab", REGION): LAB,
    }
    for number, name in ((PROD, "prod"), (LAB, "lab")):
        (instance,) = found[name, REGION]["instances"]
        assert instance["id"] == both.of(number).instance(REGION)["InstanceId"]


def test_identity_is_told_of_each(both: Accounts) -> None:
    done = both.run("check-region", "--identity", "--output=json", check=True)
    identities = json.loads(done.stdout)["identities"]
    found = {i["name"]: (i["account"], i["provider"]) for i in identities}
    assert found == {
        "prod": (PROD, "assumed role"),
        "lab": (LAB, found["lab"][1]),
    }
    assert found["lab"][1] != "environment"


@pytest.mark.parametrize(
    "options, chosen",
    [
        (["--account=prod"], ["prod"]),
        (["--account", "lab"], ["lab"]),
        (["--account=lab,prod"], BOTH),
        (["--account=lab", "--account=prod", "--account=lab"], BOTH),
    ],
)
def test_accounts_can_be_chosen(both: Accounts, options: list[str], chosen: list[str]) -> None:
    done = both.run("check-region", REGION, "--output=json", *options, check=True)
    assert sorted(name for name, _ in of_accounts(json.loads(done.stdout))) == chosen


@pytest.mark.parametrize("option", ["dev", "prod,dev", "pro", "prod,", ""])
def test_one_that_is_not_there_is_refused(both: Accounts, option: str) -> None:
    mark = both.cloud.mark()
    done = both.run("check-region", REGION, f"--account={option}")
    assert done.returncode == 2 and both.cloud.log(mark) == []
    wrong = option.split(",")[-1]
    assert f"'{wrong}' is not among the accounts of" in done.stderr or not option


def test_without_accounts_none_can_be_chosen(both: Accounts) -> None:
    both.configure()
    try:
        done = both.run("check-region", REGION, "--account=prod")
    finally:
        both.accounts()
    assert done.returncode == 2 and "which has none" in done.stderr


def test_jobs_run_in_both_and_are_listed_together(both: Accounts) -> None:
    metrics = both.cloud.dir / "awsq.prom"
    done = both.run("run-region", REGION, f"--metrics={metrics}", check=True)
    assert sorted(done.stdout.splitlines()) == [
        f"{name}/{REGION}: here is {REGION}" for name in BOTH
    ]
    assert both.states() == {"lab": "stopped", "prod": "stopped"}

    both.run("run-region", REGION, "--account=lab", "--", "true", check=True)
    rows = [line.split()[:2] for line in both.run("list-runs", check=True).stdout.splitlines()[1:]]
    assert [place for _, place in rows] == [f"lab/{REGION}"] + [p for _, p in rows[1:]]
    assert sorted(place for _, place in rows) == [f"lab/{REGION}"] * 2 + [f"prod/{REGION}"]
    (one,) = both.run("list-runs", "--account=prod").stdout.splitlines()[1:]
    assert one.split()[0] in both.run("list-runs", one.split()[0][:-2], check=True).stdout
    assert len(both.run("list-runs", "--limit=2").stdout.splitlines()) == 3
    runs = json.loads(both.run("list-runs", "--output=json").stdout)["runs"]
    assert [run["asked"] for run in runs] == sorted((run["asked"] for run in runs), reverse=True)
    assert [run["account"] for run in runs].count("lab") == 2
    table = csv.DictReader(io.StringIO(both.run("list-runs", "--output=csv").stdout))
    assert sorted(row["account"] for row in table) == ["lab", "lab", "prod"]
    bills = json.loads(both.run("list-runs", "--billing", "--output=json").stdout)["billing"]
    assert sorted((bill["account"], bill["runs"]) for bill in bills) == [("lab", 2), ("prod", 1)]
    log = both.run("list-runs", "--log=out", one.split()[0], check=True)
    assert log.stdout == f"here is {REGION}\n"
    for name in BOTH:
        line = f'awsq_runs_total{{fleet="NAVO",account="{name}",region="{REGION}",state="done"}} 1'
        assert line in metrics.read_text().splitlines()


def test_what_was_left_on_is_stopped_in_every_account(both: Accounts) -> None:
    running = both.start("run-region", REGION, "--account=prod", "--", "sleep", "60")
    both.cloud.until(lambda: both.of(PROD).state(REGION) == "running")
    running.kill()
    running.communicate()
    with sqlite3.connect(both.folder / "prod/ledger.sqlite") as book:
        # Its job may be at work until then.
        book.execute("UPDATE runs SET overdue_ms = 1 WHERE closed = 0")
    book.close()
    done = both.run("check-region", REGION, "--account=lab")
    assert f"prod/{REGION}" in done.stderr and f"lab/{REGION}" in done.stdout
    assert both.states()["prod"] == "stopped"


def test_turns_are_of_a_region_in_an_account(both: Accounts) -> None:
    places = [f"{name}/{region}" for name in ("prod", "lab") for region in (HOME, REGION)]
    due = both.run("rotate-regions", "--all", "--dry-run")
    assert due.returncode == 3
    assert [line.split()[0] for line in due.stdout.splitlines()[1:]] == places
    first = both.run("rotate-regions", REGION, "--every=6h", check=True)
    assert sorted(first.stdout.splitlines()) == [
        f"{name}/{REGION}: here is {REGION}" for name in BOTH
    ]
    again = both.run("rotate-regions", REGION, "--every=6h", check=True)
    assert again.stdout == ""
    runs = json.loads(both.run("list-runs", "--output=json").stdout)["runs"]
    assert sorted(r["account"] for r in runs if r["tool"] == "rotate-regions") == BOTH
    left = both.run("rotate-regions", REGION, "--every=6h", "--dry-run")
    assert left.returncode == 0 and " now " not in left.stdout


def test_schedules_name_the_account(both: Accounts) -> None:
    lines = both.run("rotate-regions", "--all", "--every=6h", "--print-crontab").stdout
    jobs = [line for line in lines.splitlines() if not line.startswith("#")]
    assert [line.split()[-3:] for line in jobs] == [
        [f"--account={name}", "--quiet", region]
        for name in ("prod", "lab")
        for region in (HOME, REGION)
    ]
    assert [line.split()[1] for line in jobs] == [
        "0,6,12,18",
        "1,7,13,19",
        "3,9,15,21",
        "4,10,16,22",
    ]
    units = both.run("rotate-regions", "--all", "--every=6h", "--print-systemd").stdout
    for name in BOTH:
        assert units.count(f"cat >'awsq-NAVO-{name}@.service'") == 1
        assert units.count(f"cat >'awsq-NAVO-{name}@{REGION}.timer'") == 1
        assert f"--account={name} %i\n" in units
    assert units.count(f"ReadWritePaths={both.folder}\n") == 2


def test_everywhere_is_in_all_accounts(both: Accounts) -> None:
    text = both.run("check-region", "--everywhere").stdout
    for name in BOTH:
        assert f"\n{name}/{REGION} " in text and f"\n{name}/{HOME} " in text
    mark = both.cloud.mark()
    plan = both.run("clear-region", "--everywhere", "--dry-run", "--output=json")
    assert plan.returncode == 3
    found = of_accounts(json.loads(plan.stdout))
    assert {key for key, r in found.items() if r["actions"]} == {(n, REGION) for n in BOTH}
    assert not any(region == HOME for _, region in found)
    assert both.actions(mark) == []


def test_a_preflight_checks_each_account(both: Accounts) -> None:
    done = both.run("config-region", REGION, "--preflight", "--output=json")
    document = json.loads(done.stdout)
    assert [(r["account"], r["region"]) for r in document["regions"]] == [
        ("prod", None),
        ("lab", None),
        ("prod", REGION),
        ("lab", REGION),
    ]
    assert {r["account_id"] for r in document["regions"]} == {PROD, LAB}
    assert all(r["checks"] for r in document["regions"])


@pytest.mark.parametrize("setting, gone", [
    ("role_arn", f"arn:aws:iam::{GONE}:role/awsq"),
    ("profile", "nobody"),
])  # fmt: skip
def test_one_that_cannot_be_entered_costs_the_others_nothing(
    both: Accounts, setting: str, gone: str
) -> None:
    both.accounts(f',\n  {{ name = "gone"; {setting} = "{gone}"; }}')
    try:
        done = both.run("check-region", REGION, "--output=json")
        stopped = both.run("stop-region", REGION)
        told = both.run("check-region", "--identity", "--output=json")
    finally:
        both.accounts()
    assert done.returncode == 1
    found = of_accounts(json.loads(done.stdout))
    assert found["prod", REGION]["error"] is None and found["lab", REGION]["error"] is None
    assert gone in found["gone", REGION]["error"] and "gone: " in done.stderr
    assert stopped.returncode == 1
    whose = {i["name"]: i for i in check("check-region.identity", told.stdout)["identities"]}
    assert {name: i["account"] for name, i in whose.items()} == {
        "prod": PROD, "lab": LAB, "gone": None,
    }  # fmt: skip
    # A role is tried with keys that were found; of a profile that is not there nobody has any.
    tried = "environment" if setting == "role_arn" else None
    assert (told.returncode, whose["gone"]["provider"]) == (1, tried)
    assert gone in whose["gone"]["error"] and whose["lab"]["profile"] == "lab"
    words = {line.split()[0]: line.split()[1] for line in stopped.stdout.splitlines()[1:]}
    assert words == {f"prod/{REGION}": "ok", f"lab/{REGION}": "ok", f"gone/{REGION}": "failed"}
