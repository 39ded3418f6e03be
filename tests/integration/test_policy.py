"""README.md's IAM policy: enough for every executable, and not an action more.

On an operator who may do just what it says, all is run; then one action after another is taken away,
and something has to fail that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud.account import enforceable
from cloud.client import Cloud
from fleet import ROLE, Fleet

README = Path(__file__).resolve().parents[2] / "README.md"
REGION = "us-east-1"
QUICK = {"boot": 0.3, "ssh_delay": 0.1, "stop": 0.2, "copy": 0.5, "late": 0.1}
# Asked for by AWS beside a call's own permission, so that no call has that name.
IMPLIED = {"ec2:CreateTags", "iam:PassRole"}
# Called, and allowed to everyone, whatever a policy says.
FREE = {"sts:GetCallerIdentity"}


def policy() -> dict[str, Any]:
    (block,) = re.findall(r"^```json\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return json.loads(block)


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions_of(policy: dict[str, Any]) -> list[str]:
    return [a for s in policy["Statement"] for a in listed(s["Action"])]


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose operator has the README's policy."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy()))
    with Cloud(policy=file, **QUICK) as cloud:
        yield Fleet(cloud)


def allow(fleet: Fleet, actions: list[str]) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    fleet.cloud.boto("iam").put_user_policy(
        UserName="operator",
        PolicyName="policy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def add_rule(fleet: Fleet) -> None:
    """One that home does not have."""
    fleet.ec2(REGION).authorize_security_group_ingress(
        GroupId=fleet.groups(REGION)[0]["GroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 9,
                "ToPort": 9,
                "IpRanges": [{"CidrIp": "192.0.2.9/32"}],
            }
        ],
    )


def test_it_is_a_policy() -> None:
    """Its statements say what they are meant to, and each action once."""
    actions = actions_of(policy())
    assert len(set(actions)) == len(actions)
    assert all(re.fullmatch(r"(ec2|iam):[A-Z][A-Za-z]+", a) for a in actions)
    assert {s["Effect"] for s in policy()["Statement"]} == {"Allow"}
    assert actions_of(enforceable(policy())) == actions
    for statement in policy()["Statement"]:
        if statement["Action"] == "iam:PassRole":
            assert statement["Resource"].endswith(f":role/{ROLE}")
            passed_to = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert passed_to == "ec2.amazonaws.com"


def test_it_is_enough_and_all_of_it_is_called(limited: Fleet) -> None:
    fleet, mark = limited, limited.cloud.mark()
    fleet.run("config-region", "--all", "--dry-run")
    fleet.run("config-region", "--all", check=True)
    fleet.run("check-region", "--all", check=True)
    fleet.run("run-region", REGION, check=True)
    fleet.run("start-region", REGION, check=True)
    fleet.run("run-job", REGION, "--", "true", check=True)
    fleet.run("stop-region", REGION, check=True)
    add_rule(fleet)
    fleet.run("config-region", REGION, check=True)
    fleet.run("clear-region", "--all", "--yes", check=True)

    operator = fleet.cloud.about["operator"]["access_key_id"]
    calls = [c for c in fleet.cloud.log(mark) if c["access_key"] == operator]
    assert {c["error"] for c in calls} & {"UnauthorizedOperation", "AccessDenied"} == set()
    called = {f"{c['service']}:{c['action']}" for c in calls}
    assert called - FREE == set(actions_of(policy())) - IMPLIED


def test_each_action_is_needed(limited: Fleet) -> None:
    fleet, everything = limited, actions_of(policy())
    tested = []

    def without(action: str, *command: str) -> None:
        allow(fleet, [a for a in everything if a != action])
        done = fleet.run(*command)
        assert done.returncode not in (0, 3), action
        assert re.search(rf"perform: {action}\b", done.stderr), f"{action}\n{done.stderr}"
        tested.append(action)

    for action in everything:
        if action.startswith(("ec2:Describe", "iam:Get")):
            without(action, "check-region", REGION)
    # Every run goes on where the one before it was refused.
    for name in ("CreateTags", "CopyImage", "ImportKeyPair", "CreateSecurityGroup",
                 "RevokeSecurityGroupEgress"):
        without(f"ec2:{name}", "config-region", REGION)
    add_rule(fleet)
    for name in ("RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress",
                 "AuthorizeSecurityGroupEgress", "RunInstances"):
        without(f"ec2:{name}", "config-region", REGION)
    without("iam:PassRole", "config-region", REGION)
    allow(fleet, everything)
    fleet.run("config-region", REGION, check=True)
    without("ec2:StartInstances", "start-region", REGION)
    allow(fleet, everything)
    fleet.run("start-region", REGION, check=True)
    without("ec2:StopInstances", "stop-region", REGION)
    assert fleet.state(REGION) == "running"
    allow(fleet, everything)
    for name in ("TerminateInstances", "DeregisterImage", "DeleteSnapshot", "DeleteKeyPair",
                 "DeleteSecurityGroup"):
        without(f"ec2:{name}", "clear-region", REGION, "--yes")
    assert sorted(tested) == sorted(everything)


def test_cron_needs_little(limited: Fleet) -> None:
    """The few that README.md names for a rotation."""
    fleet = limited
    fleet.run("config-region", REGION, check=True)
    allow(fleet, ["ec2:StartInstances", "ec2:StopInstances", "ec2:DescribeInstances"])
    assert fleet.run("run-region", REGION, check=True).stdout == "here is us-east-1\n"
