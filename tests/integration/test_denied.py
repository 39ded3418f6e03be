"""Access denied on one action: its name, the region, the policy line; and no wrong picture.

Which actions the tools call is found by running them, not by a list. Then each is refused in turn,
whenever it is called, by the cloud itself.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import test_drift
from fleet import HOME, NAME, Fleet

REGION = test_drift.REGION


def refuse(fleet: Fleet, *actions: str) -> None:
    """The operator may do all but these."""
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    if actions:
        statements.append({"Effect": "Deny", "Action": list(actions), "Resource": "*"})
    fleet.cloud.boto("iam").put_user_policy(
        UserName="operator",
        PolicyName="policy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


def called(fleet: Fleet, since: int) -> list[str]:
    """In the order of their first call, by the tools."""
    operator = fleet.cloud.about["operator"]["access_key_id"]
    calls = [c for c in fleet.cloud.log(since) if c["access_key"] == operator]
    return list(dict.fromkeys(f"{c['service']}:{c['action']}" for c in calls))


def assert_told(stderr: str, action: str, region: str) -> None:
    lines = [line for line in stderr.splitlines() if f'"Action": "{action}"' in line]
    assert lines, f"{action} is not named\n{stderr}"
    assert all(region in line or HOME in line for line in lines), stderr
    assert '{ "Effect": "Allow", "Action": ' in lines[0]
    assert re.search(r"cannot [a-z]", lines[0]), lines[0]


# AWS asks for no permission.
FREE = {"sts:GetCallerIdentity"}


def test_a_read_that_is_denied_is_never_taken_for_nothing(fleet: Fleet, region: str) -> None:
    mark = fleet.cloud.mark()
    fleet.run("check-region", region, check=True)
    reads = [a for a in called(fleet, mark) if a not in FREE]
    assert len(reads) >= 12
    for action in reads:
        refuse(fleet, action)
        mark = fleet.cloud.mark()
        for tool in ("check-region", "config-region"):
            done = fleet.run(tool, region)
            assert done.returncode == 1, f"{tool} without {action}: {done.returncode}"
            assert_told(done.stderr, action, region)
            assert "none" not in done.stdout and "nothing to do" not in done.stdout
        assert fleet.actions(mark) == [], action


def test_a_read_that_clear_region_needs(fleet: Fleet, region: str) -> None:
    mark = fleet.cloud.mark()
    fleet.run("clear-region", "--dry-run", region)
    for action in called(fleet, mark):
        refuse(fleet, action)
        mark = fleet.cloud.mark()
        done = fleet.run("clear-region", "--yes", region)
        assert done.returncode == 1
        assert_told(done.stderr, action, region)
        assert "nothing to remove" not in done.stdout
        assert fleet.actions(mark) == [], action


def drift_of_every_kind(fleet: Fleet) -> None:
    for drift in (
        test_drift.other_type, test_drift.no_profile, test_drift.other_group,
        test_drift.tokens_optional, test_drift.rule_too_many, test_drift.rule_missing,
        test_drift.other_key, test_drift.tag_gone, test_drift.orphaned_snapshot,
    ):  # fmt: skip
        drift(fleet)


def writes_of(fleet: Fleet, since: int) -> list[str]:
    return list(dict.fromkeys(f"ec2:{c['action']}" for c in fleet.changes(since)))


def each_refused(fleet: Fleet, writes: list[str], *command: str) -> None:
    """What could be done is done, until each in turn is refused; in the order in which it comes up."""
    for action in writes:
        refuse(fleet, action)
        done = fleet.run(*command, REGION)
        assert done.returncode == 1, f"without {action}\n{done.stderr}"
        assert_told(done.stderr, action, REGION)
        refuse(fleet)


@pytest.mark.parametrize("kind", ["setting up", "repairing"])
def test_a_change_that_is_denied(fleet: Fleet, kind: str) -> None:
    other = "eu-west-3"
    mark = fleet.cloud.mark()
    fleet.run("config-region", other, check=True)
    if kind == "repairing":
        fleet.run("config-region", REGION, check=True)
        drift_of_every_kind(fleet)
        mark = fleet.cloud.mark()
        dry = fleet.run("config-region", "--dry-run", "--output=json", REGION)
        plan = json.loads(dry.stdout)["regions"][0]["actions"]
        writes = list(dict.fromkeys(f"ec2:{a['api']}" for a in plan if a["api"]))
    else:
        writes = writes_of(fleet, mark)
    assert len(writes) > 7
    each_refused(fleet, writes, "config-region")
    fleet.run("config-region", REGION, check=True)
    assert fleet.run("check-region", REGION).returncode == 0
    assert len(fleet.images(REGION)) == len(fleet.instances(REGION)) == 1


def test_a_removal_that_is_denied(fleet: Fleet, region: str) -> None:
    dry = fleet.run("clear-region", "--dry-run", "--output=json", region)
    plan = json.loads(dry.stdout)["regions"][0]["actions"]
    writes = list(dict.fromkeys(f"ec2:{a['api']}" for a in plan))
    each_refused(fleet, writes, "clear-region", "--yes")
    fleet.run("clear-region", "--yes", region, check=True)
    assert fleet.images(region) == fleet.snapshots(region) == fleet.key_pairs(region) == []
    assert NAME not in [g["GroupName"] for g in fleet.groups(region)]


def test_a_start_or_stop_that_is_denied(fleet: Fleet, region: str) -> None:
    for tool in ("start-region", "run-region"):
        refuse(fleet, "ec2:StartInstances")
        assert_told(fleet.run(tool, region).stderr, "ec2:StartInstances", region)
    assert fleet.state(region) == "stopped"
    refuse(fleet)
    fleet.run("start-region", region, check=True)
    refuse(fleet, "ec2:StopInstances")
    done = fleet.run("stop-region", region)
    assert done.returncode == 1
    assert_told(done.stderr, "ec2:StopInstances", region)
    refuse(fleet)
    fleet.run("stop-region", region, check=True)
