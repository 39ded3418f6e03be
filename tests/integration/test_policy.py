"""tools/policy.json, the IAM policy: enough for every executable, and not an action more.

On an operator who may do just what it says, all is run, and what can go wrong in a region is made to;
then one action after another is taken away, and something has to fail that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import test_drift
from cloud.account import enforceable
from cloud.client import Cloud
from fleet import HOME, NAME, ROLE, Fleet

POLICY = Path(__file__).resolve().parents[2] / "tools" / "policy.json"
REGION = test_drift.REGION
QUICK = {"boot": 0.3, "ssh_delay": 0.1, "stop": 0.2, "copy": 0.5, "late": 0.1}
# Asked for by AWS beside a call's own permission, so that no call has that name.
IMPLIED = {"iam:PassRole"}
# Called, and allowed to everyone, whatever a policy says.
FREE = {"sts:GetCallerIdentity"}
# Needed where a profile is repaired only.
ASSOCIATIONS = "ec2:DescribeIamInstanceProfileAssociations"
# A job that is not waited for to its end.
TOO_LONG = ("--timeout=3s", "--", "sleep 60")
SSM = ("RunOverSSM", "RunOverSSMByShell", "RunOverSSMInTheFleet")
DENIED = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}


def policy() -> dict[str, Any]:
    return json.loads(POLICY.read_text())


def statement(sid: str) -> dict[str, Any]:
    (only,) = (s for s in policy()["Statement"] if s["Sid"] == sid)
    return only


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions_of(policy: dict[str, Any], *sids: str) -> list[str]:
    """Each once, in their order; of some statements, or of all."""
    chosen = [s for s in policy["Statement"] if not sids or s["Sid"] in sids]
    return list(dict.fromkeys(a for s in chosen for a in listed(s["Action"])))


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose operator has that policy; with a VPC and a key of its own in REGION."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy()))
    with Cloud(policy=file, **QUICK) as cloud:
        cloud.settings(console_delay=0.2)
        fleet = Fleet(cloud)
        (vpc,) = fleet.ec2(REGION).describe_vpcs()["Vpcs"]
        key = cloud.boto("kms", REGION).create_key()["KeyMetadata"]
        own = f'vpc = "{vpc["VpcId"]}"; kms_key = "{key["KeyId"]}";'
        text = fleet.config.read_text().replace("fleet = {", 'fleet = { host_key = "console";')
        fleet.config.write_text(text + f"override = {{ {REGION} = {{ {own} }}; }};\n")
        yield fleet


def allow(iam: Any, actions: list[str]) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_user_policy(
        UserName="operator",
        PolicyName="policy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def drift(fleet: Fleet) -> None:
    """In all that config-region repairs in place, but what no_role() makes."""
    for make in (
        test_drift.other_key, test_drift.rule_too_many, test_drift.rule_missing,
        test_drift.no_profile, test_drift.other_type, test_drift.tokens_optional,
        test_drift.tag_gone, test_drift.orphaned_snapshot,
    ):  # fmt: skip
        make(fleet)


def no_role(fleet: Fleet) -> None:
    """None is wanted any more: neither in regions.cfg nor by home's instance."""
    home = fleet.ec2(HOME)
    (only,) = home.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    home.disassociate_iam_instance_profile(AssociationId=only["AssociationId"])
    fleet.config.write_text(fleet.config.read_text().replace(f'role = "{ROLE}";', ""))


def volume_left_behind(fleet: Fleet) -> None:
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "awsq:fleet", "Value": NAME}]}]
    fleet.ec2(REGION).create_volume(
        AvailabilityZone=REGION + "a", Size=1, TagSpecifications=tags
    )


# What the policy says.


def test_it_is_a_policy() -> None:
    """Its statements say what they are meant to; each action once, but where conditions differ."""
    actions = [a for s in policy()["Statement"] for a in listed(s["Action"])]
    twice = [a for a in actions if actions.count(a) > 1]
    assert sorted(twice) == ["ec2:CreateTags"] * 3 + ["ssm:SendCommand"] * 2
    assert all(re.fullmatch(r"(ec2|iam|kms|servicequotas|ssm):[A-Z][A-Za-z]+", a) for a in actions)
    assert {s["Effect"] for s in policy()["Statement"]} == {"Allow"}
    assert [listed(s["Action"]) for s in enforceable(policy())["Statement"]] == [
        listed(s["Action"]) for s in policy()["Statement"]
    ]
    pass_role = statement("GiveInstancesTheirRole")
    assert pass_role["Action"] == "iam:PassRole"
    assert pass_role["Resource"].endswith(f":role/{ROLE}")
    assert pass_role["Condition"]["StringEquals"] == {"iam:PassedToService": "ec2.amazonaws.com"}
    # Who may send a command is root where it goes: the one document, the fleet's instances.
    assert statement("RunOverSSMByShell")["Resource"].endswith(":document/AWS-RunShellScript")
    in_the_fleet = statement("RunOverSSMInTheFleet")
    assert in_the_fleet["Resource"].endswith(":instance/*")
    assert in_the_fleet["Condition"] == {"StringEquals": {"ssm:resourceTag/awsq:fleet": NAME}}


def holds(condition: dict[str, Any], context: dict[str, list[str]]) -> bool:
    """Whether it is met, as IAM evaluates the operators that are used here."""
    for operator, keys in condition.items():
        name = operator.rpartition(":")[2]
        same = fnmatchcase if name.startswith("StringLike") else str.__eq__
        may_be_absent = name.endswith("IfExists") or operator.startswith("ForAllValues:")
        for key, wanted in keys.items():
            values = context.get(key, [])
            if not values and not may_be_absent:
                return False
            if not all(any(same(v, w) for w in listed(wanted)) for v in values):
                return False
    return True


def may_tag(context: dict[str, list[str]]) -> bool:
    return any(holds(statement(s)["Condition"], context) for s in ("TagWhatIsMade", "Adopt", "Lease"))


def context_of(call: dict[str, Any]) -> dict[str, list[str]]:
    """What IAM knows of a call that gives tags."""
    named = re.compile(r"(?:TagSpecification\.1\.)?Tag\.(\d+)\.(Key|Value)")
    said = {m.groups(): v for k, v in call["params"].items() if (m := named.fullmatch(k))}
    tags = {v: said[n, "Value"] for (n, half), v in said.items() if half == "Key"}
    context = {f"aws:RequestTag/{key}": [value] for key, value in tags.items()}
    context["aws:TagKeys"] = list(tags)
    if call["action"] != "CreateTags":
        context["ec2:CreateAction"] = [call["action"]]
    return context


def test_no_other_tags_may_be_given() -> None:
    adopted = {"aws:TagKeys": ["awsq:fleet"], "aws:RequestTag/awsq:fleet": [NAME]}
    assert may_tag(adopted)
    assert may_tag({"aws:TagKeys": ["awsq:lease"]})
    assert not may_tag({"aws:TagKeys": ["awsq:lease", "Owner"]})
    assert not may_tag({**adopted, "aws:TagKeys": ["awsq:fleet", "Owner"]})
    assert not may_tag({**adopted, "aws:RequestTag/awsq:fleet": ["OTHER"]})
    assert not may_tag({**adopted, "aws:ResourceTag/awsq:fleet": ["OTHER"]})
    assert not may_tag({"ec2:CreateAction": ["CreateVolume"], "aws:TagKeys": ["Owner"]})


# What is called.


def by_ssm(fleet: Fleet) -> None:
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace("job = {", 'job = { transport = "ssm";'))


def by_ssh(fleet: Fleet) -> None:
    fleet.config.write_text(fleet.config.read_text().replace('transport = "ssm";', ""))


def everything_is_run(fleet: Fleet) -> None:
    fleet.run("config-region", "--all", "--preflight", check=True)
    fleet.run("config-region", "--all", "--dry-run")
    fleet.run("config-region", "--all", check=True)
    fleet.run("config-region", "--all", "--preflight", check=True)
    fleet.run("check-region", "--all", check=True)
    fleet.run("run-region", REGION, check=True)
    fleet.run("start-region", REGION, check=True)
    fleet.run("run-job", REGION, "--", "true", check=True)
    fleet.run("stop-region", REGION, check=True)
    by_ssm(fleet)
    assert fleet.run("run-region", REGION, *TOO_LONG).returncode == 124
    by_ssh(fleet)
    drift(fleet)
    fleet.run("config-region", REGION, check=True)
    test_drift.other_profile(fleet)
    fleet.run("config-region", REGION, check=True)
    no_role(fleet)
    fleet.run("config-region", REGION, check=True)
    fleet.run("check-region", REGION, check=True)
    volume_left_behind(fleet)
    fleet.run("clear-region", "--all", "--yes", check=True)


def test_it_is_enough_and_all_of_it_is_called(limited: Fleet) -> None:
    fleet, mark = limited, limited.cloud.mark()
    everything_is_run(fleet)
    operator = fleet.cloud.about["operator"]["access_key_id"]
    calls = [c for c in fleet.cloud.log(mark) if c["access_key"] == operator]
    assert {c["error"] for c in calls} & DENIED == set()
    # What is only tried needs the permission, and is no reason for it.
    made = [c for c in calls if "DryRun" not in c["params"]]
    called = {f"{c['service']}:{c['action']}" for c in made}
    assert called - FREE == set(actions_of(policy())) - IMPLIED

    contexts = [context_of(c) for c in made]
    tagging = [c for c in contexts if c["aws:TagKeys"]]
    assert {c.get("ec2:CreateAction", [""])[0] for c in tagging} == {
        "", "CopyImage", "CreateSecurityGroup", "ImportKeyPair", "RunInstances"
    }  # fmt: skip
    assert [c for c in tagging if not may_tag(c)] == []


class Without:
    """Runs an executable without one permission: it fails, and says which one."""

    def __init__(self, fleet: Fleet):
        self.fleet = fleet
        self.iam = fleet.cloud.boto("iam")
        self.everything = actions_of(policy())
        self.tested: set[str] = set()

    def __call__(self, actions: str, *command: str) -> None:
        for action in actions.split():
            allow(self.iam, [a for a in self.everything if a != action])
            done = self.fleet.run(*command)
            assert done.returncode not in (0, 3), action
            told = done.stdout + done.stderr
            assert f'"Action": "{action}"' in told, f"{action}\n{told}"
            self.tested.add(action)
        allow(self.iam, self.everything)


def test_each_action_is_needed(limited: Fleet) -> None:
    """Every run goes on where the one before it was refused."""
    fleet, without = limited, Without(limited)
    without("servicequotas:GetServiceQuota kms:DescribeKey ec2:GetConsoleOutput",
            "config-region", "--preflight", REGION)
    without("ec2:CreateTags ec2:CopyImage ec2:ImportKeyPair ec2:CreateSecurityGroup "
            "ec2:RevokeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress "
            "ec2:AuthorizeSecurityGroupEgress ec2:RunInstances iam:PassRole",
            "config-region", REGION)
    fleet.run("config-region", REGION, check=True)
    by_ssm(fleet)
    without(" ".join(actions_of(policy(), *SSM)), "run-region", REGION, *TOO_LONG)
    by_ssh(fleet)
    # Only of an instance that is there attributes are asked for; of its profile, when it is wrong.
    reads = set(actions_of(policy(), "Look", "FindTheRole")) - {ASSOCIATIONS}
    without(" ".join(sorted(reads)), "check-region", REGION)

    drift(fleet)
    without("ec2:CreateTags ec2:DeleteKeyPair ec2:RevokeSecurityGroupIngress "
            "ec2:ModifyInstanceAttribute ec2:AssociateIamInstanceProfile "
            "ec2:ModifyInstanceMetadataOptions ec2:DeleteSnapshot",
            "config-region", REGION)
    fleet.run("config-region", REGION, check=True)
    test_drift.other_profile(fleet)
    without(f"{ASSOCIATIONS} ec2:ReplaceIamInstanceProfileAssociation iam:PassRole",
            "config-region", REGION)
    no_role(fleet)
    without("ec2:DisassociateIamInstanceProfile", "config-region", REGION)
    fleet.run("config-region", REGION, check=True)

    without("ec2:StartInstances", "start-region", REGION)
    fleet.run("start-region", REGION, check=True)
    without("ec2:StopInstances", "stop-region", REGION)
    assert fleet.state(REGION) == "running"
    volume_left_behind(fleet)
    without("ec2:TerminateInstances ec2:DeleteVolume ec2:DeregisterImage ec2:DeleteSnapshot "
            "ec2:DeleteKeyPair ec2:DeleteSecurityGroup",
            "clear-region", REGION, "--yes")
    assert without.tested == set(without.everything)


def test_cron_needs_little(limited: Fleet) -> None:
    """The few that README.md names for a rotation, and for its nightly check."""
    fleet, iam = limited, limited.cloud.boto("iam")
    fleet.run("config-region", REGION, check=True)
    allow(iam, [*actions_of(policy(), "Run", "Lease"), "ec2:DescribeInstances"])
    done = fleet.run("run-region", REGION, check=True)
    assert done.stdout == "here is us-east-1\n" and "cannot" not in done.stderr
    allow(iam, actions_of(policy(), "Look", "FindTheRole"))
    fleet.run("check-region", REGION, check=True)
